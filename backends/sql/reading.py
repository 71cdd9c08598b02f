"""Reading what is stored: records in their order, the points of one metric."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, select

from autolog.codec import escape_text
from autolog.errors import NotFound
from autolog.journal_read import Line
from autolog.points import Columns, Points, kept_places, thinned, within
from autolog.query import Curve, Range, Window
from autolog.records import Block
from autolog.series import Series, Stats

from .chunks import Packed, decode_lines, decode_points
from .naming import digest_of, known_names
from .schema import chunks, names, runs, series, writers
from .tails import unpacked_stats


class Piece(NamedTuple):
    """Consecutive records of one series, encoded."""

    first: int
    name_id: int
    key: str
    body: bytes

    def lines(self) -> list[Line]:
        """The records."""
        return decode_points(self.body).lines(self.key) if self.name_id else decode_lines(self.body)


def held(connection: Connection, run: str) -> dict[str, int]:
    """For each writer of the run how many records are stored."""
    query = select(writers.c.writer, writers.c.held).join(runs).where(runs.c.run == run)
    return {writer: count for writer, count in connection.execute(query) if count}


def pieces_of(connection: Connection, run: str) -> dict[str, list[Piece]]:
    """All that is stored of a run, encoded, by writer; within each in the order of `first`."""
    found: dict[str, list[Piece]] = {}
    for first, body, table in (
        (chunks.c.first, chunks.c.body, chunks),
        (series.c.tail_first, series.c.tail, series),
    ):
        query = (
            select(writers.c.writer, first, table.c.name_id, names.c.key, body)
            .select_from(
                runs.join(writers).join(table).outerjoin(names, table.c.name_id == names.c.id)
            )
            .where(runs.c.run == run, body.is_not(None))
        )
        for writer, *piece in connection.execute(query):
            found.setdefault(writer, []).append(Piece(*piece))
    for pieces in found.values():
        pieces.sort(key=lambda piece: piece.first)
    return found


PAGE = 64
"""Pieces of a writer that are read at once."""


def page_since(connection: Connection, run: str, seen: Mapping[str, int]) -> list[Page] | None:
    """What each writer has beyond `seen`, or the beginning of it; None where there is no run.

    Within a series records stand in order, so that of the pieces that begin before `seen` the
    last one alone can hold something new.
    """
    query = select(writers.c.id, writers.c.writer, writers.c.held).join(runs)
    rows = connection.execute(query.where(runs.c.run == run)).all()
    found = [
        _page(connection, row.id, row.writer, seen.get(row.writer, 0))
        for row in rows
        if row.held > seen.get(row.writer, 0)
    ]
    return found if any(row.held for row in rows) else None


def _page(connection: Connection, writer_id: int, writer: str, start: int) -> Page:
    later = chunks.alias("later")
    own = (chunks.c.writer_id == writer_id, chunks.c.name_id == later.c.name_id)
    passed = select(later.c.first).where(
        *own, later.c.writer_id == writer_id, later.c.first > chunks.c.first, later.c.first <= start
    )
    ended = select(series.c.tail_first).where(
        series.c.writer_id == writer_id,
        series.c.name_id == chunks.c.name_id,
        series.c.tail_first <= start,
        series.c.tail.is_not(None),
    )
    held = (
        select(chunks.c.first, chunks.c.name_id, names.c.key, chunks.c.body)
        .select_from(chunks.outerjoin(names, chunks.c.name_id == names.c.id))
        .where(chunks.c.writer_id == writer_id, ~passed.exists(), ~ended.exists())
        .order_by(chunks.c.first)
        .limit(PAGE + 1)
    )
    pieces = [Piece(*row) for row in connection.execute(held)]
    end = pieces.pop().first if len(pieces) > PAGE else None
    tails = (
        select(series.c.tail_first, series.c.name_id, names.c.key, series.c.tail)
        .select_from(series.outerjoin(names, series.c.name_id == names.c.id))
        .where(series.c.writer_id == writer_id, series.c.tail.is_not(None))
    )
    if end is not None:
        tails = tails.where(series.c.tail_first < end)
    pieces += [Piece(*row) for row in connection.execute(tails)]
    return Page(writer, sorted(pieces, key=lambda piece: piece.first), start, end)


class Page(NamedTuple):
    """Pieces of a writer that hold what it has from `start` on, all of it before `end`."""

    writer: str
    pieces: list[Piece]
    start: int
    end: int | None

    def blocks(self) -> Iterator[Block]:
        """The records from `start` to `end`."""
        for lines in _in_order(self.pieces):
            wanted = lines[_below(lines, self.start) :]
            if self.end is not None:
                wanted = wanted[: _below(wanted, self.end)]
            if wanted:
                yield Block(self.writer, wanted)


def blocks(by_writer: dict[str, list[Piece]]) -> Iterator[Block]:
    """The records of the pieces, in seq order within each writer."""
    for writer in sorted(by_writer):
        yield from (Block(writer, lines) for lines in _in_order(by_writer[writer]))


def _in_order(pieces: Sequence[Piece]) -> Iterator[list[Line]]:
    waiting: list[Line] = []
    for place, piece in enumerate(pieces):
        lines = piece.lines()
        waiting = lines if not waiting else _merged(waiting, lines)
        end = pieces[place + 1].first if place + 1 < len(pieces) else None
        ready = len(waiting) if end is None else _below(waiting, end)
        if ready:
            yield waiting[:ready]
            waiting = waiting[ready:]


def _merged(one: list[Line], other: list[Line]) -> list[Line]:
    # Both are in order, which the sort finds out.
    return sorted([*one, *other], key=lambda line: line.seq)


def _below(lines: list[Line], seq: int) -> int:
    """How many of the lines stand before `seq`."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if lines[middle].seq < seq else (low, middle)
    return low


# -- histories ---------------------------------------------------------------------------------


def history(connection: Connection, run: str, key: str, window: Window) -> Curve:
    """The points of one metric of the run; raises NotFound."""
    name = ("metric", escape_text(key))
    ids = known_names(connection, {digest_of(name): name})
    kept = _series(connection, run, ids.get(name, 0)) if ids else []
    figures = Series(key)
    for row in kept:
        stats = unpacked_stats(row.stats)
        if stats.count:
            figures.attempts.setdefault(row.attempt, Stats()).absorb(stats)
    if not figures.attempts:
        raise NotFound(f"run {run[:8]} has no metric {key!r}")
    bounds = {} if window.attempt is not None else figures.bounds()
    few = None if len(kept) > 1 or bounds else _sampled(connection, kept[0], window)
    if few is not None:
        return Curve(few, figures.unit, figures.attempts[kept[0].attempt].count)
    columns = Columns()
    for row in kept:
        if window.attempt in (None, row.attempt):
            for body in _bodies(connection, row, window):
                _extend(columns, row, body, bounds.get(row.attempt))
    points = within(columns.points(), window)
    return Curve(thinned(points, window.limit), figures.unit, len(points))


def _series(connection: Connection, run: str, name_id: int) -> Sequence[Row[Any]]:
    """What is held of the metric by each writer and attempt."""
    query = (
        select(writers.c.writer, series)
        .select_from(runs.join(writers).join(series))
        .where(runs.c.run == run, series.c.name_id == name_id)
    )
    return sorted(connection.execute(query).all(), key=lambda row: (row.writer, row.attempt))


def _bodies(connection: Connection, of: Row[Any], window: Window) -> Iterator[bytes]:
    query = select(chunks.c.body).where(
        chunks.c.writer_id == of.writer_id,
        chunks.c.name_id == of.name_id,
        chunks.c.attempt == of.attempt,
    )
    query = _overlapping(query, window.steps, chunks.c.low_step, chunks.c.high_step)
    query = _overlapping(query, window.times, chunks.c.low_time, chunks.c.high_time)
    yield from connection.execute(query.order_by(chunks.c.first)).scalars()
    if of.tail is not None:
        yield of.tail


def _overlapping(query: Select[Any], bounds: Range | None, low: Any, high: Any) -> Select[Any]:
    least, greatest = bounds or (None, None)
    if least is not None:
        query = query.where(high >= float(least))
    return query if greatest is None else query.where(low <= float(greatest))


def _sampled(connection: Connection, of: Row[Any], window: Window) -> Points | None:
    """As `thinned`, of a single writer's points, of which most columns are never decoded.

    None where that is not to be: few points, steps that do not count up, values of other types.
    """
    limit, attempt = window.limit, of.attempt
    if limit is None or window != Window(limit=limit):
        return None
    packed = [Packed(body) for body in _bodies(connection, of, window)]
    steps = [one.column("steps") for one in packed]
    if not _count_up(steps) or sum(map(len, steps)) <= max(limit, 5):
        return None
    values: list[int | float] = []
    for one in packed:
        column = one.numbers()
        if column is None:
            return None
        values += column
    found = kept_places(values, limit)
    times: list[float] = []
    kept_steps: list[int | float | None] = []
    first = 0
    for piece, of_piece in zip(packed, steps, strict=True):
        until = first + len(of_piece)
        own = found[bisect.bisect_left(found, first) : bisect.bisect_left(found, until)]
        here = [place - first for place in own]
        kept_steps += [of_piece[place] for place in here]
        times += piece.some("times", here)
        first = until
    return Points(kept_steps, [values[place] for place in found], times, [attempt] * len(found))


def _count_up(pieces: Sequence[Sequence[int | float | None]]) -> bool:
    """Whether the steps are whole numbers that rise, each piece by a stride of its own."""
    ranges = [piece for piece in pieces if isinstance(piece, range) and piece.step > 0]
    together = itertools.pairwise(ranges)
    return len(ranges) == len(pieces) and all(a[-1] < b[0] for a, b in together)


def _extend(columns: Columns, of: Row[Any], body: bytes, bound: float | None) -> None:
    points = decode_points(body)
    if bound is None and {*map(type, points.values)} <= {float, int}:
        columns.extend(
            of.writer, of.attempt, points.steps, points.values, points.times, points.seqs
        )
        return
    lines = points.lines("")
    kept = [line for line in lines if bound is None or _step(line) < bound]
    if kept:
        columns.add(of.writer, of.attempt, kept)


def _step(line: Line) -> float:
    return -math.inf if line.step is None else line.step
