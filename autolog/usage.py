"""How many bytes a local store holds, known without walking through it at every save."""

from __future__ import annotations

import array
import contextlib
import os
import time
from pathlib import Path

FILE = "usage"
FRESH = 5.0
"""Seconds for which what other processes have added since is left aside."""


class Usage:
    """A running total in the file `usage` of the store: signed 64-bit changes, one after another.

    Any number of processes append to it, each change with one `write`. It is a hint: what is
    deleted by hand counts on until `recount`, which `autolog gc` calls.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._root = root
        self._total = 0
        self._read_at = float("-inf")

    def total(self) -> int:
        """Bytes of artifacts that the store holds, up to `FRESH` seconds old."""
        if time.monotonic() - self._read_at > FRESH:
            self._total = self._read()
            self._read_at = time.monotonic()
        return self._total

    def add(self, change: int) -> None:
        """Note that the store has grown by so many bytes."""
        self._total += change
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            fd = os.open(self._path, flags, 0o666)
            try:
                os.write(fd, array.array("q", [change]).tobytes())
            finally:
                os.close(fd)

    def recount(self) -> int:
        """Walk through the store, and begin the file anew with what is really there."""
        total = sum(_sizes(self._root))
        temporary = self._path.with_name(f"%tmp-usage-{os.getpid()}")
        temporary.write_bytes(array.array("q", [total]).tobytes())
        temporary.replace(self._path)
        return total

    def _read(self) -> int:
        try:
            if not self._path.exists():
                return self.recount() if self._root.is_dir() else 0
            content = self._path.read_bytes()
        except OSError:
            return 0
        changes = array.array("q")
        changes.frombytes(content[: len(content) // 8 * 8])
        return max(sum(changes), 0)


def _sizes(root: Path) -> list[int]:
    """The sizes of all files below the runs' `artifacts` folders."""
    found = []
    for folder, _, files in os.walk(root):
        if f"{os.sep}artifacts" in folder:
            found += [(Path(folder) / name).lstat().st_size for name in files]
    return found
