"""When files of a local store are forced to the disk: at once, or in a fast loop once a second."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable

from autolog.errors import BackendError
from autolog.journal import sync_descriptor

EVERY = 1.0
"""Seconds between two rounds; runs that end within them wait for the next one."""
MOST = 512
"""Files that wait at most."""

_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0)


class Debt:
    """Finished files that the disk may not hold yet. Safe for threads.

    They survive the death of the process in any case; this is about power cuts alone. Forcing one
    costs as much as writing ten, in time that other programs' writing makes longer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed: dict[str, None] = {}
        self._since = self._paid = -math.inf

    def owe(self, paths: Iterable[str], *, end: bool = False) -> None:
        """Have files forced to the disk; raises BackendError.

        Artifacts wait for the `end` of a run, or a second: what belongs to a run goes together.
        """
        now = time.monotonic()
        with self._lock:
            if not self._owed:
                self._since = now
            self._owed.update(dict.fromkeys(paths))
            since = self._paid if end else self._since
            due = now - since >= EVERY or len(self._owed) >= MOST
        if due:
            self.pay()

    def pay(self) -> None:
        """Force all that wait, whichever of them fail; raises BackendError for the first one."""
        with self._lock:
            owed, self._owed = self._owed, {}
        failed: BackendError | None = None
        for path in owed:
            try:
                _force(path)
            except BackendError as error:
                failed = failed or error
        self._paid = time.monotonic()
        if failed is not None:
            raise failed


def _force(path: str) -> None:
    try:
        fd = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return  # removed since, or replaced by a folder
    except OSError as error:
        raise BackendError(f"{path}: {error}") from error
    try:
        sync_descriptor(fd, path)
    finally:
        os.close(fd)
