"""The watch that is in force: for libraries that train with torch in ways of their own."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .watch import Watch

_watches: weakref.WeakSet[Watch] = weakref.WeakSet()
_current: list[weakref.ref[Watch]] = []


def current() -> Watch | None:
    """The watch that was put on last; None where torch is not recorded."""
    return _current[-1]() if _current else None


def put_on(watch: Watch) -> None:
    """From now on this one hears what happens."""
    _watches.add(watch)
    _current[:] = [weakref.ref(watch)]


def taken_off() -> None:
    """Nobody hears any longer."""
    _current.clear()


def _after_fork() -> None:
    for watch in _watches:
        watch.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
