"""Series grow: small additions gather in a series' tail, which becomes a chunk when it is long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam

from autolog.codec import from_wire, to_wire
from autolog.fold import count_points
from autolog.records import Record
from autolog.series import Stats

from .chunks import (
    Points,
    decode_points,
    encode_lines,
    encode_points,
    joined_lines,
    points_of,
)
from .schema import chunks, series

TAIL = 256
"""Records of a tail beyond which it becomes a chunk: it is written anew with each addition."""
TAIL_BYTES = 1 << 14

Row = Mapping[Any, Any]
Place = tuple[int, int, int]
"""Writer, name, attempt."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def packed_stats(stats: Stats) -> bytes:
    """The figures of a series; its sample is left out."""
    parts = (stats.count, stats.begin, stats.end, stats.first, stats.last, stats.low, stats.high)
    return _pack(to_wire([*parts, dict(stats.info)]))


def unpacked_stats(data: bytes | None) -> Stats:
    """The figures that `packed_stats` was given."""
    if data is None:
        return Stats()
    count, begin, end, first, last, low, high, info = from_wire(_unpack(data))
    begin, end = (None if place is None else tuple(place) for place in (begin, end))
    return Stats(count, begin, end, first, last, low, high, info)


@dataclass(slots=True)
class Changes:
    """Rows to insert and to update, gathered over a batch."""

    new_chunks: list[dict[str, Any]] = field(default_factory=list)
    new_series: list[dict[str, Any]] = field(default_factory=list)
    old_series: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        place: Place,
        writer: str,
        key: str | None,
        records: Sequence[Record],
        held: Row | None,
    ) -> None:
        """Have `records` follow what is `held` of their series."""
        row = {
            "first": held["first"] if held else records[0].seq,
            "newest": held["newest"] if held else None,
            "stats": None,
        }
        if key is not None:
            stats = unpacked_stats(held["stats"] if held else None)
            stats.stride = 0
            newest, _ = count_points(stats, writer, records)
            row |= {"newest": max(newest, row["newest"] or 0.0), "stats": packed_stats(stats)}
        row |= self._grown(place, key, records, held)
        if held:
            own = zip(("of_writer", "of_name", "of_attempt"), place, strict=True)
            self.old_series.append({**dict(own), **{f"new_{k}": row[k] for k in _CHANGED}})
        else:
            own = zip(("writer_id", "name_id", "attempt"), place, strict=True)
            self.new_series.append({**dict(own), **row})

    def _grown(
        self,
        place: Place,
        key: str | None,
        records: Sequence[Record],
        held: Row | None,
    ) -> dict[str, Any]:
        """The tail as it is then; what is too long for one goes into chunks."""
        tail = held["tail"] if held else None
        first = records[0].seq if tail is None else held["tail_first"]  # type: ignore[index]
        before = 0 if tail is None else held["tail_count"]  # type: ignore[index]
        body, bounds = _lines(tail, records) if key is None else _points(tail, records)
        count = before + len(records)
        if count < TAIL and len(body) < TAIL_BYTES:
            return {"tail_first": first, "tail_count": count, "tail": body}
        writer_id, name_id, attempt = place
        self.new_chunks.append(
            {
                "writer_id": writer_id,
                "name_id": name_id,
                "first": first,
                "attempt": attempt,
                "count": count,
                "body": body,
                **bounds,
            }
        )
        return {"tail_first": None, "tail_count": 0, "tail": None}

    def execute(self, connection: Connection) -> None:
        """Do it all."""
        if self.new_chunks:
            connection.execute(_NEW_CHUNK, self.new_chunks)
        if self.new_series:
            connection.execute(_NEW_SERIES, self.new_series)
        if self.old_series:
            connection.execute(_GROW, self.old_series)


_NEW_CHUNK, _NEW_SERIES = chunks.insert(), series.insert()
_CHANGED = ("newest", "stats", "tail_first", "tail_count", "tail")
_GROW = (
    series.update()
    .where(series.c.writer_id == bindparam("of_writer"))
    .where(series.c.name_id == bindparam("of_name"))
    .where(series.c.attempt == bindparam("of_attempt"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)


def _points(tail: bytes | None, records: Sequence[Record]) -> tuple[bytes, dict[str, Any]]:
    points = points_of(records)
    if tail is not None:
        points = decode_points(tail).extended(points)
    return encode_points(points), bounds_of(points)


def _lines(tail: bytes | None, records: Sequence[Record]) -> tuple[bytes, dict[str, Any]]:
    body = encode_lines(records)
    none = dict.fromkeys(("low_step", "high_step", "low_time", "high_time"))
    return body if tail is None else joined_lines(tail, body), none


def bounds_of(points: Points) -> dict[str, Any]:
    """Between which steps and times the points lie, for reading a part of a series."""
    steps = [step for step in points.steps if step is not None]
    return {
        "low_step": float(min(steps)) if steps else None,
        "high_step": float(max(steps)) if steps else None,
        "low_time": float(min(points.times)),
        "high_time": float(max(points.times)),
    }
