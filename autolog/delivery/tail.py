"""A journal that is read while it grows: only what was added, never the whole again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..journal_read import Line, decode_lines, to_record, whole_lines
from ..records import Record
from .outbox import Outbox, Stream

UNREADABLE = "autolog.unreadable"
"""Key of what stands in the place of a record whose line in the journal is damaged."""


class Chunk(NamedTuple):
    """Records that follow one another in a journal, and where it goes on after them."""

    records: list[Record]
    end: int
    expected: int


def journal_path(stream: Stream) -> Path:
    """Where the records of a stream stand; there need not be such a file yet."""
    folder = "light" if stream.run is None else stream.run
    return Path(stream.store) / folder / f"journal-{stream.writer}.jsonl"


class Tail:
    """Reads the journal of one stream; holds no descriptor and no records.

    Attributes:
        stream: Whose it is.
        outbox: Where it is noted as owed.
        orphan: Whether its process is gone, so that it will not grow any more.
        doubtful: Whether the destination must be asked what it holds before more is sent.
        ended: Whether its run is over by its own account.
        settled: Whether the destination has all so far, and the outbox says so.
        lost: Whether the store itself is not there: a disk that is not mounted.
        floors: By run how many records need not be sent, where the destination was asked.
        skipped: Runs that are sent in another way.
        expected: The seq that comes next, in a journal of one run.
    """

    def __init__(self, stream: Stream, outbox: Outbox, *, orphan: bool = False) -> None:
        self.stream = stream
        self.outbox = outbox
        self.orphan = self.doubtful = orphan
        self.ended = self.settled = self.lost = False
        self.floors: dict[str, int] = {}
        self.skipped: set[str] = set()
        self.expected = 0
        self.path = journal_path(stream)
        self._inode = -1
        self._offset = self._size = 0

    def grown(self) -> bool:
        """Whether there is something to read; raises OSError, as where there is no file."""
        state = os.stat(self.path)  # noqa: PTH116 - once a second for each open run
        if state.st_ino != self._inode or state.st_size < self._offset:
            self.doubtful = self.doubtful or self._inode >= 0
            self._inode = state.st_ino
            self.rewind()
        self._size = state.st_size
        return self._size > self._offset

    @property
    def seen(self) -> bool:
        """Whether there was a file once."""
        return self._inode >= 0

    def grown_quietly(self) -> bool:
        """Whether something was added since the last look; no, where the file is gone."""
        try:
            return self.grown()
        except OSError:
            return False

    @property
    def more(self) -> bool:
        """Whether there is more to read of what there was when `grown` looked."""
        return self._size > self._offset

    def next(self) -> Chunk | None:
        """The records that come next, in whole lines; None where there are none yet."""
        data = self._read()
        if not data:
            self._size = self._offset
            return None
        end = self._offset + len(data)
        if self._offset == 0:
            data = data.partition(b"\n")[2]  # the header
        lines = decode_lines(data)
        if self.stream.run is None:
            records = [to_record(x, x.run, self.stream.writer) for x in lines if x.run]
            return Chunk(records, end, 0)
        records = _without_gaps(lines, self.expected, self.stream.run, self.stream.writer)
        return Chunk(records, end, self.expected + len(records))

    def wanted(self, chunk: Chunk) -> list[Record]:
        """The records of `chunk` that are to be sent."""
        if not self.floors and not self.skipped:
            return chunk.records
        return [
            record
            for record in chunk.records
            if record.seq >= self.floors.get(record.run, 0) and record.run not in self.skipped
        ]

    def done(self, chunk: Chunk) -> None:
        """Go on after `chunk`."""
        self._offset, self.expected = chunk.end, chunk.expected
        for record in chunk.records:
            if record.kind in ("run", "end"):
                self.ended = record.kind == "end"

    def rewind(self) -> None:
        """Begin anew: the destination lacks what it once had."""
        self._offset = self._size = self.expected = 0

    def _read(self) -> bytes:
        with open(self.path, "rb") as file:  # noqa: PTH123 - as above
            file.seek(self._offset)
            return whole_lines(file)


def _without_gaps(lines: Iterable[Line], expected: int, run: str, writer: str) -> list[Record]:
    """The records from `expected` on; one whose line is damaged has a note in its place."""
    found: list[Record] = []
    for line in lines:
        while line.seq > expected:
            found.append(unreadable(run, writer, expected, line.time))
            expected += 1
        if line.seq == expected:
            found.append(to_record(line, run, writer))
            expected += 1
    return found


def unreadable(run: str, writer: str, seq: int, time: float) -> Record:
    """What is sent in the place of a record that cannot be read any more, under its name."""
    return Record(run, writer, seq, time, "system", UNREADABLE, {"seq": seq})
