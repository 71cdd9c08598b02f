"""Storing a batch: all of it or nothing, each record once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, select

from autolog.errors import BackendError, permanent
from autolog.paths import check_id
from autolog.records import Record

from . import dialects, tails
from .naming import in_pieces, name_ids
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
        """Sort the records that are not stored yet into series."""
        start = self.held
        for record in self.sent:
            if record.seq < self.held:
                continue
            if record.seq > self.held:
                raise BackendError(
                    f"run {self.run[:8]}, writer {self.writer[:8]}: "
                    f"record {record.seq} came before record {self.held}"
                )
            self.held += 1
            if record.kind == "run":
                self.attempt = _attempt(record.value)
            point = record.kind == "metric"
            key = (record.key, self.attempt) if point else FACTS
            self.pieces.setdefault(key, []).append(record)
        self.new = self.held - start

    @property
    def telling(self) -> bool:
        """Whether there is more than points, of which a run may have many."""
        return FACTS in self.pieces


def _attempt(value: Any) -> int:
    given = value.get("attempt") if isinstance(value, dict) else None
    return given if type(given) is int else 1


def streams_of(batch: Sequence[Record]) -> list[Stream]:
    """The batch by run and writer; raises BackendError for what no store could hold."""
    found: dict[tuple[str, str], Stream] = {}
    for record in batch:
        stream = found.get((record.run, record.writer))
        if stream is None:
            check_id(record.run)
            check_id(record.writer)
            stream = found[record.run, record.writer] = Stream(record.run, record.writer, [])
        stream.sent.append(_checked(record))
    return [found[key] for key in sorted(found)]


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
    if "\x00" in record.key or not _encodable(record.key):
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
        stream.pieces = {}
        stream.cut()
    grown = [stream for stream in streams if stream.new]
    if grown:
        _add(connection, grown)
        _count(connection, grown)
        refresh(connection, _telling(connection, grown))


def _telling(connection: Connection, grown: Sequence[Stream]) -> list[int]:
    return sorted({stream.run_id for stream in grown if stream.telling})


def _find_places(connection: Connection, streams: Sequence[Stream]) -> None:
    """The ids of runs and writers; the rows of the runs stay locked, in the order of their ids."""
    run_ids = lock_runs(connection, sorted({stream.run for stream in streams}))
    for stream in streams:
        stream.run_id = run_ids[stream.run]
    wanted = [{"run_id": s.run_id, "writer": s.writer, "held": 0, "attempt": 1} for s in streams]
    connection.execute(dialects.insert_new(connection, writers), wanted)
    held = {}
    for piece in in_pieces(sorted(set(run_ids.values()))):
        for row in connection.execute(select(writers).where(writers.c.run_id.in_(piece))):
            held[row.run_id, row.writer] = row
    for stream in streams:
        row = held[stream.run_id, stream.writer]
        stream.id, stream.held, stream.attempt = row.id, row.held, row.attempt


def lock_runs(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """The rows of these runs, made where they are missing, and locked for this transaction."""
    new = [{"run": run, "records": 0, "stale": False, "trained": False} for run in wanted]
    connection.execute(dialects.insert_new(connection, runs), new)
    found: dict[str, int] = {}
    for piece in in_pieces(wanted):
        query = select(runs.c.run, runs.c.id).where(runs.c.run.in_(piece))
        found |= {
            row.run: row.id
            for row in connection.execute(query.order_by(runs.c.id).with_for_update())
        }
    return found


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
    few = series.c.name_id.in_(name_ids) if len(name_ids) <= 500 else None
    for piece in in_pieces(sorted(writer_ids)):
        query = select(series).where(series.c.writer_id.in_(piece))
        query = query if few is None else query.where(few)
        for row in connection.execute(query).mappings():
            found[row["writer_id"], row["name_id"], row["attempt"]] = row
    return found


def _count(connection: Connection, grown: Sequence[Stream]) -> None:
    connection.execute(
        writers.update()
        .where(writers.c.id == bindparam("own"))
        .values(held=bindparam("now"), attempt=bindparam("of")),
        [{"own": s.id, "now": s.held, "of": s.attempt} for s in grown],
    )
    new: dict[int, int] = {}
    for stream in grown:
        new[stream.run_id] = new.get(stream.run_id, 0) + stream.new
    connection.execute(
        runs.update()
        .where(runs.c.id == bindparam("own"))
        .values(records=runs.c.records + bindparam("more"), stale=True),
        [{"own": run_id, "more": more} for run_id, more in sorted(new.items())],
    )
