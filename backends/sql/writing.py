"""Storing a batch: all of it or nothing, each record once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, RowMapping, bindparam, select

from autolog.errors import BackendError, permanent
from autolog.paths import check_id
from autolog.records import Record

from . import dialects, tails
from .naming import MANY, in_pieces, name_ids
from .refreshing import refresh
from .schema import runs, series, writers

Key = tuple[str | None, int]
"""A metric's name in wire form, and the attempt."""
FACTS: Key = (None, 0)
"""Records that are no points stand in one series of their own."""


@dataclass(slots=True)
class Stream:
    """What a batch holds of one writer of one run, and what is stored of it."""

    run: str
    writer: str
    sent: list[Record]
    id: int = 0
    run_id: int = 0
    held: int = 0
    attempt: int = 1
    pieces: dict[Key, list[Record]] = field(default_factory=dict)
    new: int = 0

    def cut(self) -> None:
        """Sort the records that are not stored yet into series; raises BackendError for a gap."""
        self.pieces = {}
        new: Sequence[Record] = self.sent
        if [record.seq for record in new] != [*range(self.held, self.held + len(new))]:
            new = self._following()
        if "run" in {record.kind for record in new}:
            self._sort_by_attempt(new)
        else:
            self._sort(new)
        self.held += len(new)
        self.new = len(new)

    def _following(self) -> list[Record]:
        """What is sent and not stored yet."""
        found: list[Record] = []
        for record in self.sent:
            wanted = self.held + len(found)
            if record.seq > wanted:
                raise BackendError(
                    f"run {self.run[:8]}, writer {self.writer[:8]}: "
                    f"record {record.seq} came before record {wanted}"
                )
            if record.seq == wanted:
                found.append(record)
        return found

    def _sort(self, records: Sequence[Record]) -> None:
        """Records of one attempt."""
        metrics: defaultdict[str, list[Record]] = defaultdict(list)
        facts: list[Record] = []
        for record in records:
            (metrics[record.key] if record.kind == "metric" else facts).append(record)
        for key, own in metrics.items():
            self.pieces.setdefault((key, self.attempt), []).extend(own)
        if facts:
            self.pieces.setdefault(FACTS, []).extend(facts)

    def _sort_by_attempt(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.kind == "run":
                self.attempt = _attempt(record.value)
            self._sort([record])

    @property
    def telling(self) -> bool:
        """Whether there is more than points, of which a run may have many."""
        return FACTS in self.pieces


def _attempt(value: Any) -> int:
    given = value.get("attempt") if isinstance(value, dict) else None
    return given if type(given) is int else 1


def streams_of(batch: Sequence[Record]) -> list[Stream]:
    """The batch by run and writer; raises BackendError for what no store could hold."""
    records = batch if _sound(batch) else [_checked(record) for record in batch]
    found: dict[tuple[str, str], Stream] = {}
    for (run, writer), own in groupby(records, attrgetter("run", "writer")):
        stream = found.get((run, writer))
        if stream is None:
            check_id(run)
            check_id(writer)
            stream = found[run, writer] = Stream(run, writer, [])
        stream.sent += own
    return [found[key] for key in sorted(found)]


def _sound(batch: Sequence[Record]) -> bool:
    """Whether each record is one that `_checked` would leave as it is, looked at by columns."""
    keys = [record.key for record in batch]
    steps = [record.step for record in batch if record.step is not None]
    times, seqs = [record.time for record in batch], [record.seq for record in batch]
    return (
        {*map(type, keys)} <= {str}
        and {*map(type, seqs)} <= {int}
        and {*map(type, times), *map(type, steps)} <= {float, int}
        and {type(record.info) for record in batch} <= {dict, type(None)}
        and all(map(_storable, {*keys}))
        and min(seqs, default=0) >= 0
        and all(map(math.isfinite, times))
        and all(map(math.isfinite, steps))
    )


def _storable(key: str) -> bool:
    return "\x00" not in key and _encodable(key)


def _checked(record: Record) -> Record:
    step, time = record.step, record.time
    if (
        type(record.seq) is not int
        or type(time) not in (float, int)
        or not (step is None or type(step) in (float, int))
        or type(record.key) is not str
        or not (record.info is None or type(record.info) is dict)
    ):
        raise refused(record, "its parts are of other types than a record's")
    if not _storable(record.key):
        raise refused(record, "its key is not in wire form")
    if not math.isfinite(time) or record.seq < 0:
        raise refused(record, "its time or seq is no number that orders")
    if step is not None and not math.isfinite(step):
        return msgspec.structs.replace(record, step=None)  # as a journal would have it
    return record


def refused(record: Record, why: str) -> BackendError:
    """The error for a record that is never stored."""
    return permanent(f"{record.kind} {str(record.key)[:80]!r}: {why}")


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def store(connection: Connection, streams: Sequence[Stream]) -> None:
    """Store what is new of the streams; raises BackendError for a gap."""
    _find_places(connection, streams)
    for stream in streams:
        stream.cut()
    grown = [stream for stream in streams if stream.new]
    if grown:
        _add(connection, grown)
        _count(connection, grown)
        refresh(connection, _telling(connection, grown))


def _telling(connection: Connection, grown: Sequence[Stream]) -> list[int]:
    return sorted({stream.run_id for stream in grown if stream.telling})


# Statements are made once: building one anew costs more than the database takes to do it.
_RUNS = (
    select(runs.c.run, runs.c.id)
    .where(runs.c.run.in_(bindparam("some", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update()
)
_WRITERS = select(writers).where(writers.c.run_id.in_(bindparam("some", expanding=True)))
_SERIES = select(series).where(series.c.writer_id.in_(bindparam("some", expanding=True)))
_SERIES_OF = _SERIES.where(series.c.name_id.in_(bindparam("names", expanding=True)))
_COUNT_WRITER = (
    writers.update()
    .where(writers.c.id == bindparam("own"))
    .values(held=bindparam("now"), attempt=bindparam("of"))
)
_COUNT_RUN = (
    runs.update()
    .where(runs.c.id == bindparam("own"))
    .values(records=runs.c.records + bindparam("more"), stale=True)
)


def _find_places(connection: Connection, streams: Sequence[Stream]) -> None:
    """The ids of runs and writers; the rows of the runs stay locked, in the order of their ids."""
    run_ids = lock_runs(connection, sorted({stream.run for stream in streams}))
    for stream in streams:
        stream.run_id = run_ids[stream.run]
    held = _writers(connection, run_ids.values())
    new = [
        {"run_id": s.run_id, "writer": s.writer, "held": 0, "attempt": 1}
        for s in streams
        if (s.run_id, s.writer) not in held
    ]
    if new:
        connection.execute(dialects.insert_new(connection, writers), new)
        held = _writers(connection, run_ids.values())
    for stream in streams:
        row = held[stream.run_id, stream.writer]
        stream.id, stream.held, stream.attempt = row.id, row.held, row.attempt


def _writers(connection: Connection, run_ids: Iterable[int]) -> dict[tuple[int, str], Row[Any]]:
    return {
        (row.run_id, row.writer): row
        for piece in in_pieces(sorted({*run_ids}))
        for row in connection.execute(_WRITERS, {"some": piece})
    }


def lock_runs(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """The rows of these runs, made where they are missing, and locked for this transaction."""
    found = _locked(connection, wanted)
    missing = [run for run in wanted if run not in found]
    if missing:
        new = [{"run": run, "records": 0, "stale": False, "trained": False} for run in missing]
        connection.execute(dialects.insert_new(connection, runs), new)
        found |= _locked(connection, missing)
    return found


def _locked(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    return {
        row.run: row.id
        for piece in in_pieces(wanted)
        for row in connection.execute(_RUNS, {"some": piece})
    }


def _add(connection: Connection, streams: Sequence[Stream]) -> None:
    keys = {("metric", key) for s in streams for key, _ in s.pieces if key is not None}
    ids = name_ids(connection, keys)
    known = _series(connection, [stream.id for stream in streams], [0, *ids.values()])
    changes = tails.Changes()
    for stream in streams:
        for (key, attempt), records in stream.pieces.items():
            name_id = 0 if key is None else ids["metric", key]
            place = (stream.id, name_id, attempt)
            changes.add(place, stream.writer, key, records, known.get(place))
    changes.execute(connection)


def _series(
    connection: Connection, writer_ids: Iterable[int], name_ids: Sequence[int]
) -> dict[tuple[int, int, int], RowMapping]:
    """The series of these writers that a batch goes on with."""
    found: dict[tuple[int, int, int], RowMapping] = {}
    few = len(name_ids) <= MANY
    for piece in in_pieces(sorted(writer_ids)):
        given = {"some": piece} | ({"names": name_ids} if few else {})
        for row in connection.execute(_SERIES_OF if few else _SERIES, given).mappings():
            found[row["writer_id"], row["name_id"], row["attempt"]] = row
    return found


def _count(connection: Connection, grown: Sequence[Stream]) -> None:
    held = [{"own": s.id, "now": s.held, "of": s.attempt} for s in grown]
    connection.execute(_COUNT_WRITER, held)
    new: dict[int, int] = {}
    for stream in grown:
        new[stream.run_id] = new.get(stream.run_id, 0) + stream.new
    more = [{"own": run_id, "more": count} for run_id, count in sorted(new.items())]
    connection.execute(_COUNT_RUN, more)
