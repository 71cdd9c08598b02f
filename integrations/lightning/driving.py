"""Hooks that are called at every step of a fit: put on in place, at next to no cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autolog.wrapping import as_internal_frame

from ..torch.driving import complain, is_compiling

Note = Callable[[Any], None]


def lean(
    place: str,
    idle: Callable[[], bool],
    before: Note | None = None,
    after: Callable[[Any, Any], None] | None = None,
    failed: Callable[[], None] | None = None,
) -> Callable[..., Any]:
    """A driver that tells the arguments before the call, and them and the result after it.

    Nothing is told where we are `idle`, `failed()` where the call has raised. The driver's own
    frame is taken out of tracebacks.
    """

    def drive_lean_call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            if is_compiling() or idle():
                return wrapped(*args, **kwargs)
            if before is not None:
                quietly(place, before, args)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException:
                if failed is not None:
                    failed()
                raise
            if after is not None:
                quietly(place, after, args, result)
            return result
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise

    return as_internal_frame(drive_lean_call)


def quietly(place: str, note: Callable[..., None], *told: Any) -> None:
    """Call `note`; an error of ours stays with us."""
    try:
        note(*told)
    except Exception as error:
        complain(place, error)
