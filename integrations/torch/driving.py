"""Hooks that are called at every step of a training: put on in place, at next to no cost.

The engine's hooks cost some ten microseconds each, which is too much for a loss function or a
`backward`. These have no generator and no `Call`: a plain function is told the arguments before the
call, or the result after it. What they take is summed up in the thread's `Scene`, by the clock, for
a question about CPU time is a system call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from autolog.context import current, pauses
from autolog.reporting import guarded
from autolog.wrapping import as_internal_frame

if TYPE_CHECKING:
    from .scene import Scene

is_compiling = torch.compiler.is_compiling
in_functorch = torch._C._functorch.peek_interpreter_stack
tracing_state = torch._C._get_tracing_state
clock = time.perf_counter_ns

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


def before_call(
    place: str, scene: Scene, note: Before, failed: Failed | None = None
) -> Callable[..., Any]:
    """A driver that calls `note(args, kwargs)` before the call, and `failed` with its error.

    What is compiled or exported is left alone first of all, so that a tracing compiler sees the
    original call and nothing else. The driver's own frame is taken out of tracebacks.
    """

    def drive_lean_call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if is_compiling():
            return wrapped(*args, **kwargs)
        try:
            began = clock()
            if not silent():
                try:
                    note(args, kwargs)
                except Exception as error:
                    complain(place, error)
                scene.spent += clock() - began
            if failed is None:
                return wrapped(*args, **kwargs)
            return watched(place, failed, wrapped, args, kwargs)
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise

    return as_internal_frame(drive_lean_call)


def after_call(
    place: str,
    scene: Scene,
    note: After,
    failed: Failed | None = None,
    dull: Callable[[Any], bool] | None = None,
) -> Callable[..., Any]:
    """A driver that calls `note(args, kwargs, result)` after the call, and `failed` with its error.

    A result that is `dull` is let pass without a look.
    """

    def drive_lean_call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if is_compiling():
            return wrapped(*args, **kwargs)
        try:
            if failed is None:
                result = wrapped(*args, **kwargs)
            else:
                result = watched(place, failed, wrapped, args, kwargs)
            if dull is not None and dull(result):
                return result
            began = clock()
            if not silent():
                try:
                    note(args, kwargs, result)
                except Exception as error:
                    complain(place, error)
                scene.spent += clock() - began
            return result
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise

    return as_internal_frame(drive_lean_call)


def watched(place: str, failed: Failed, wrapped: Any, args: Any, kwargs: Any) -> Any:
    """The call's result; `failed` is told of the error that it ends with, if it does."""
    try:
        return wrapped(*args, **kwargs)
    except BaseException as error:
        if not silent():
            with guarded(place):
                failed(error)
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        raise


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
