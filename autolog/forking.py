"""What forks need: locks that a child finds open, and exits that do not run `atexit`."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable


class ForkSafeLock:
    """A re-entrant lock; a forked child finds it open, whichever thread held it at the fork."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self.renew()
        _locks.add(self)

    def renew(self) -> None:
        """Begin anew with an open lock: in a child whose parent's threads do not exist."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


_locks: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in list(_locks):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


def at_worker_exit(ending: Callable[[], None]) -> None:
    """Have `ending()` called when a process forked by multiprocessing ends.

    Such a child leaves by `os._exit` after multiprocessing's own finalizers, so one of those
    (`multiprocessing.util.Finalize`) is where its open runs can still be ended. It clears the
    inherited ones when it starts, hence the registration after each fork.
    """

    def again() -> None:
        util = sys.modules.get("multiprocessing.util")
        if util is None:
            return
        util.register_after_fork(ending, _finalize)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            _finalize(ending)

    again()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=again)


def _finalize(ending: Callable[[], None]) -> None:
    from multiprocessing import util

    util.Finalize(None, ending, exitpriority=0)
