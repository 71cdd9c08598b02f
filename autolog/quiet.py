"""Calls of what the program has, or of libraries for us, that the program must not notice.

Warnings filters and `sys.stdout` belong to all threads. What is put there meanwhile acts in our own
context alone (and in threads that are started from it): for everybody else it passes all on.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from .context import variable
from .forking import ForkSafeLock

OURS = variable("quiet.ours", False)
"""Whether what runs here runs on our account."""


class _Ours:
    """Stands for a pattern in a warnings filter: matches whatever is warned of in our context."""

    def match(self, text: str) -> bool:
        """Whether the warning is ours; `warnings` and scikit-learn ask it with the message."""
        return bool(OURS.get())

    @property
    def pattern(self) -> str:
        """As a pattern: scikit-learn hands the filters on to its workers."""
        return "" if OURS.get() else "(?!)"

    def __reduce__(self) -> Any:
        return re.compile, ("(?!)",)


_IGNORED: Any = ("ignore", _Ours(), Warning, None, 0)


class _Stream:
    """A standard stream, save that what is written in our context goes nowhere."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, unless it is ours."""
        return len(text) if OURS.get() else self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        """Write each of `lines`."""
        for text in lines:
            self.write(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_lock = ForkSafeLock()
_depth = 0
_streams: dict[str, _Stream] = {}
_changed: list[list[Any]] = []
"""The list of filters that ours was put into: `catch_warnings` puts a copy in its place."""


@contextmanager
def quietly() -> Iterator[None]:
    """Keep warnings and prints of the block from the program; other threads' are left alone.

    A filter goes in front of the list of warnings filters, in place and without telling Python
    that the list has changed, which would have it forget what was warned of already.
    """
    token = OURS.set(True)
    _enter()
    try:
        yield
    finally:
        _leave()
        OURS.reset(token)


def _enter() -> None:
    global _depth
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        filters: Any = warnings.filters
        filters.insert(0, _IGNORED)
        _changed.append(filters)
        for name in ("stdout", "stderr"):
            if (stream := getattr(sys, name)) is not None:
                _streams[name] = _Stream(stream)
                setattr(sys, name, _streams[name])


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth:
            return
        for filters in (_changed.pop(), warnings.filters):
            while _IGNORED in filters:
                cast(list[Any], filters).remove(_IGNORED)
        for name, stream in list(_streams.items()):
            if getattr(sys, name) is stream:  # else somebody has put another one there
                setattr(sys, name, stream._stream)
        _streams.clear()
