"""The record: one stored fact about one run. It is the only data model of the project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Literal, NamedTuple, Protocol, overload

import msgspec

Kind = Literal[
    "run", "param", "metric", "tag", "dataset", "model", "artifact", "table", "system", "end"
]
Status = Literal["running", "finished", "failed", "killed", "lost"]

KINDS: tuple[Kind, ...] = (
    "run",
    "param",
    "metric",
    "tag",
    "dataset",
    "model",
    "artifact",
    "table",
    "system",
    "end",
)


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact about one run, named for ever by `(run, writer, seq)`.

    Attributes:
        run: The run's id, 32 random hex digits.
        writer: 32 random hex digits (128 bits), one for each writing process.
        seq: 0, 1, 2, ... without gaps within `(run, writer)`.
        time: Seconds since 1970 (UTC) by the writer's clock.
        kind: What sort of fact this is.
        key: What it is about: the param's, metric's, tag's, dataset's or artifact's name.
        value: The fact in wire form (see `autolog.codec` and `docs/format.md`).
        step: Orders a metric's points; any unit, which `info["unit"]` names. None elsewhere.
        info: How the fact is known: `unit`, `call`, `site`, `link`, `set`; absent when empty.
    """

    run: str
    writer: str
    seq: int
    time: float
    kind: Kind
    key: str = ""
    value: Any = None
    step: int | float | None = None
    info: dict[str, Any] | None = None


Fact = tuple[float, Kind, str, Any, "int | float | None", "dict[str, Any] | None"]
"""A record that has no name yet: time, kind, key, value (wire form), step, info."""


class Batch(Sequence[Record]):
    """Facts that follow one another in one (run, writer), numbered from `seq` on.

    A sequence of records that makes each when it is looked at: a store that writes the facts as
    they are saves that, of which a metric by round is mostly made.
    """

    __slots__ = ("facts", "run", "seq", "writer")

    def __init__(self, run: str, writer: str, seq: int, facts: Sequence[Fact]) -> None:
        self.run = run
        self.writer = writer
        self.seq = seq
        self.facts = facts

    def __len__(self) -> int:
        return len(self.facts)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self.facts)))]
        fact = self.facts[at]
        return Record(self.run, self.writer, self.seq + at % len(self.facts), *fact)


class Entry(Protocol):
    """A record as one reads it within a block, which says once whose it is."""

    @property
    def seq(self) -> int: ...
    @property
    def time(self) -> float: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def step(self) -> int | float | None: ...
    @property
    def info(self) -> dict[str, Any] | None: ...


class Block(NamedTuple):
    """Consecutive records of one writer, in seq order."""

    writer: str
    entries: Sequence[Entry]


def blocks_of(records: Iterable[Record], size: int = 1024) -> Iterator[Block]:
    """The records in blocks of at most `size`."""
    for writer, own in groupby(records, key=lambda record: record.writer):
        while entries := list(islice(own, size)):
            yield Block(writer, entries)
