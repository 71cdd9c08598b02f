"""Reading journals that grow, from a record on: where in a file that stands is remembered."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autolog.errors import BackendError
from autolog.forking import ForkSafeLock
from autolog.journal import Header
from autolog.journal_read import BLOCK, Line, decode_lines, read_journal, whole_lines

MOST = 1000
"""Journals that are remembered."""


@dataclass(slots=True)
class _Known:
    """A journal's header, and places where reading may begin: (next seq, offset), in order."""

    inode: int
    header: Header | None
    marks: list[tuple[int, int]] = field(default_factory=list)


class Following:
    """The journals of a store as far as they were followed; safe for threads."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._known: OrderedDict[Path, _Known] = OrderedDict()

    def header(self, path: Path) -> Header | None:
        """The journal's header; None where it is none. Raises BackendError."""
        return self._look(path)[0].header

    def since(self, path: Path, start: int) -> Iterator[list[Line]]:
        """The lines from seq `start` on; raises BackendError."""
        known, size = self._look(path)
        with self._lock:
            place = bisect.bisect_right(known.marks, start, key=lambda mark: mark[0]) - 1
            expected, offset = known.marks[max(place, 0)]
        if offset >= size:
            return
        try:
            with path.open("rb") as file:
                file.seek(offset)
                while data := whole_lines(file):
                    offset += len(data)
                    file.seek(offset)
                    lines = decode_lines(data)
                    if lines:
                        expected = max(expected, lines[-1].seq + 1)
                        self._mark(known, expected, offset)
                    if wanted := [line for line in lines if line.seq >= start]:
                        yield wanted
        except OSError as error:
            raise BackendError(f"{path}: {error}") from error

    def _look(self, path: Path) -> tuple[_Known, int]:
        """What is known of the file, and its size; anew where it is another one, or shorter."""
        try:
            state = path.stat()
            with self._lock:
                known = self._known.get(path)
            if known is None or known.inode != state.st_ino or state.st_size < known.marks[-1][1]:
                known = _Known(state.st_ino, read_journal(path, header_only=True).header)
                with path.open("rb") as file:
                    known.marks.append((0, len(file.readline())))
        except OSError as error:
            raise BackendError(f"{path}: {error}") from error
        with self._lock:
            if known.header is not None:
                self._known[path] = known
                self._known.move_to_end(path)
                if len(self._known) > MOST:
                    self._known.popitem(last=False)
        return known, state.st_size

    def _mark(self, known: _Known, expected: int, offset: int) -> None:
        """Remember a place; the newest one moves on until it is a block away from the last."""
        with self._lock:
            marks = known.marks
            if offset <= marks[-1][1] or expected <= marks[-1][0]:
                return
            if len(marks) > 1 and marks[-1][1] - marks[-2][1] < BLOCK:
                marks.pop()
            marks.append((expected, offset))
