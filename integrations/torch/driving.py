"""Hooks that are called at every step of a training: put on in place, at next to no cost.

The engine's hooks cost some ten microseconds each, which is too much for a loss function or a
`backward`. These have no generator and no `Call`: a plain function is told the arguments before the
call, or the result after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autolog.context import current, pauses
from autolog.reporting import guarded
from autolog.wrapping import as_internal_frame

is_compiling = torch.compiler.is_compiling
in_functorch = torch._C._functorch.peek_interpreter_stack
tracing_state = torch._C._get_tracing_state

Before = Callable[[Any, Any], None]
After = Callable[[Any, Any, Any], None]
Failed = Callable[[BaseException], None]


def silent() -> bool:
    """Whether nothing is to be looked at here: within another hooked call, a pause, a transform.

    Keras, scikit-learn and the like record what happens inside their own `fit`. Within
    `torch.func`, tracing and capturing tensors have no values.
    """
    frame = current.get()
    return bool(
        (frame is not None and frame.hook and not frame.over)
        or pauses.get()
        or in_functorch() is not None
        or tracing_state() is not None
    )


def lean(
    place: str,
    before: Before | None = None,
    after: After | None = None,
    failed: Failed | None = None,
) -> Callable[..., Any]:
    """A driver that calls `before(args, kwargs)`, `after(args, kwargs, result)`, `failed(error)`.

    What is compiled or exported is left alone first of all, so that a tracing compiler sees the
    original call and nothing else. The driver's own frame is taken out of tracebacks.
    """

    def drive_lean_call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if is_compiling():
            return wrapped(*args, **kwargs)
        try:
            if silent():
                return wrapped(*args, **kwargs)
            if before is not None:
                try:
                    before(args, kwargs)
                except Exception as error:
                    complain(place, error)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                if failed is not None:
                    try:
                        failed(error)
                    except Exception as ours:
                        complain(place, ours)
                raise
            if after is not None:
                try:
                    after(args, kwargs, result)
                except Exception as error:
                    complain(place, error)
            return result
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise

    return as_internal_frame(drive_lean_call)


def quietly(place: str, note: Callable[..., None]) -> Callable[..., None]:
    """`note` for torch's own hooks: it gives back nothing, and its errors stay with us."""

    def told(*args: Any) -> None:
        if is_compiling():
            return
        try:
            note(*args)
        except Exception as error:
            complain(place, error)

    return told


def complain(place: str, error: Exception) -> None:
    """Tell an error of ours, as the guard round every hook would."""
    with guarded(place):
        raise error
