"""Reading journals, tolerantly: what cannot be parsed hides only itself, and is counted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from .errors import BackendError
from .journal import FORMAT, Header
from .paths import is_id
from .records import Entry, Kind, Record

BLOCK = 1 << 18
"""Bytes that are read at once; a longer line is read whole."""
_MAX_HEADER = 4096


class Line(msgspec.Struct, array_like=True, gc=False):
    """One record as it stands in a journal."""

    seq: int
    time: float
    kind: str
    key: str = ""
    value: Any = None
    step: int | float | None = None
    info: dict[str, Any] | None = None
    run: str | None = None


_lines = msgspec.json.Decoder(Line)
_header = msgspec.json.Decoder(Header)


class JournalFile:
    """A journal opened for reading; holds its first block and no descriptor.

    Attributes:
        path: The file.
        header: Its first line, or None where it is no journal of a format that we read.
    """

    def __init__(self, path: Path, first: bytes) -> None:
        self.path = path
        head, _, self._first = first.partition(b"\n")
        self._more = len(first) if len(first) == BLOCK else None
        self.header, self._problem = _parse_header(head)
        self._bad = 0
        self._torn = False

    @property
    def notes(self) -> list[str]:
        """At most one line on what could not be read; complete once the records are exhausted."""
        said = [self._problem] if self._problem else []
        if self._bad:
            said.append(f"{self._bad} unreadable line{'s' * (self._bad > 1)} passed over")
        if self._torn:
            said.append("torn last line")
        return [f"{self.path}: {', '.join(said)}"] if said else []

    def records(self) -> Iterator[Record]:
        """The records in the file's order, values in wire form; raises BackendError."""
        if self.header is None:
            return
        run, writer = self.header.run, self.header.writer
        for line in self.lines():
            owner = run if run is not None else line.run
            if owner is None:
                self._bad += 1
                continue
            yield to_record(line, owner, writer)

    def lines(self) -> Iterator[Line]:
        """The decoded lines after the header; raises BackendError."""
        return itertools.chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[Line]]:
        """As `lines`, many at a time."""
        self._bad, self._torn = 0, False
        for block in self._blocks():
            try:
                yield _lines.decode_lines(block)
            except (ValueError, RecursionError):
                yield list(self._decode_singly(block))

    def _decode_singly(self, block: bytes) -> Iterator[Line]:
        for text in block.splitlines(keepends=True):
            line = decode_line(text)
            if line is not None:
                yield line
            elif not text.endswith(b"\n"):
                self._torn = True
            elif text.strip():
                self._bad += 1

    def _blocks(self) -> Iterator[bytes]:
        """The rest of the file in pieces that end at line ends, all but the last one."""
        pending: list[bytes] = []
        for chunk in self._chunks():
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield b"".join((*pending, chunk[:cut]))
                pending.clear()
            if cut < len(chunk):
                pending.append(chunk[cut:])
        if pending:
            yield b"".join(pending)

    def _chunks(self) -> Iterator[bytes]:
        yield self._first
        if self._more is None:
            return
        try:
            with self.path.open("rb") as file:
                file.seek(self._more)
                while chunk := file.read(BLOCK):
                    yield chunk
        except OSError as error:
            raise BackendError(f"{self.path}: {error}") from error


def read_journal(path: Path, *, header_only: bool = False) -> JournalFile:
    """The journal at `path`; a file that is none has no header, no records and a note.

    With `header_only` the records are not to be asked for. Raises BackendError where the file
    cannot be opened.
    """
    size = _MAX_HEADER if header_only else BLOCK
    try:
        with path.open("rb") as file:
            return JournalFile(path, file.read(size))
    except OSError as error:
        raise BackendError(f"{path}: {error}") from error


def _parse_header(head: bytes) -> tuple[Header | None, str | None]:
    """The header, or None and what is wrong with it; an empty file is nothing to speak of."""
    if not head:
        return None, None
    try:
        header = _header.decode(head[:_MAX_HEADER])
    except (ValueError, RecursionError):
        return None, "no journal (its first line is no header)"
    if header.autolog != FORMAT:
        return None, f"format {header.autolog}; a newer autolog reads it"
    if not is_id(header.writer) or (header.run is not None and not is_id(header.run)):
        return None, "no journal (its header holds no ids)"
    return header, None


def whole_lines(file: BinaryIO) -> bytes:
    """The next lines that are whole, a block or one longer line; none where there is none.

    The file is left at the end of what was read, which may be in the midst of a line.
    """
    data = file.read(BLOCK)
    while b"\n" not in data:
        more = file.read(BLOCK)
        if not more:
            return b""
        data += more
    return data[: data.rfind(b"\n") + 1]


def decode_line(text: bytes) -> Line | None:
    """The record in one line of a journal, or None where there is none."""
    try:
        return _lines.decode(text)
    except (ValueError, RecursionError):
        return None


def decode_lines(text: bytes) -> list[Line]:
    """The records in whole lines; what cannot be read is passed over."""
    try:
        return _lines.decode_lines(text)
    except (ValueError, RecursionError):
        lines = (decode_line(one) for one in text.splitlines())
        return [line for line in lines if line is not None]


def to_record(line: Entry, run: str, writer: str) -> Record:
    """The record that `line` stands for."""
    return Record(
        run,
        writer,
        line.seq,
        line.time,
        cast(Kind, line.kind),
        line.key,
        line.value,
        line.step,
        line.info,
    )


def in_order(
    blocks: Iterable[Sequence[Line]], note: Callable[[str], None]
) -> Iterator[Sequence[Line]]:
    """One writer's lines, each seq once and ascending; `note` is told of missing ones."""
    expected = 0
    source = iter(blocks)
    for lines in source:
        end = expected + len(lines)
        if [line.seq for line in lines] != list(range(expected, end)):
            yield _sorted(expected, itertools.chain(lines, *source), note)
            return
        expected = end
        yield lines


def _sorted(expected: int, lines: Iterable[Line], note: Callable[[str], None]) -> list[Line]:
    held: dict[int, Line] = {}
    for line in lines:
        if line.seq >= expected:
            held.setdefault(line.seq, line)
    missing = max(held, default=expected - 1) + 1 - expected - len(held)
    if missing:
        note(f"{missing} record{'s' * (missing > 1)} missing")
    return [held[seq] for seq in sorted(held)]


def contiguous(seqs: Iterable[int]) -> int:
    """How many of 0, 1, 2, ... `seqs` holds without a gap, in any order."""
    expected = 0
    later: set[int] = set()
    for seq in seqs:
        if seq == expected:
            expected += 1
            while later and expected in later:
                later.remove(expected)
                expected += 1
        elif seq > expected:
            later.add(seq)
    return expected
