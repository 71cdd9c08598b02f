"""What is told of an error that ended a training."""

from __future__ import annotations

import traceback
from typing import Any

from . import redact
from ._importlib_bootstrap import is_internal
from .reporting import guarded

TRACEBACK_FRAMES = 20
"""Innermost frames of a failed training that its run keeps."""


def told(error: BaseException | None) -> dict[str, Any] | None:
    """Type, message and the end of the traceback of an error, redacted, without our frames."""
    if error is None:
        return None
    lines = traceback.format_list(_frames(error)[-TRACEBACK_FRAMES:])
    with guarded("reading an error's message"):
        message = redact.redact_text(str(error))
        return {
            "type": type(error).__qualname__,
            "message": message[:10_000],
            "traceback": redact.redact_text("".join(lines)),
        }
    return {"type": type(error).__qualname__, "message": "", "traceback": ""}


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames that led to `error`, outermost first: also those outside of where it is caught."""
    trace = error.__traceback__
    outside = trace.tb_frame.f_back if trace is not None else None
    frames = [*traceback.extract_stack(outside), *traceback.extract_tb(trace)] if outside else []
    return [
        frame
        for frame in frames or traceback.extract_tb(trace)
        if not (is_internal(frame.filename) or frame.filename.startswith("<frozen"))
    ]
