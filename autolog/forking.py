"""Exits of worker processes, which end without running `atexit`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


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
