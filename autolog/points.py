"""All points of a run's metrics, read in one pass and kept by columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from .codec import escape_text, unescape_text
from .fold import Bounds, Part, by_metric, numbers, standing
from .query import Range, Window
from .records import Entry
from .series import Point, ascending


@dataclass(slots=True)
class Columns:
    """Points of one metric as they were met; `writers` and `attempts` say of how many each."""

    steps: list[int | float | None] = field(default_factory=list)
    values: list[int | float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    origins: list[tuple[int, str, int]] = field(default_factory=list)

    def add(self, writer: str, attempt: int, entries: Sequence[Entry]) -> None:
        """Take in records of one writer and attempt; those whose value is no number are none."""
        try:
            values = numbers(entries)
        except (TypeError, ValueError):
            if len(entries) > 1:
                for entry in entries:
                    self.add(writer, attempt, [entry])
            return
        steps, times, seqs = zip(*[(one.step, one.time, one.seq) for one in entries], strict=True)
        self.extend(writer, attempt, steps, values, times, seqs)

    def extend(
        self,
        writer: str,
        attempt: int,
        steps: Sequence[int | float | None],
        values: Sequence[int | float],
        times: Sequence[float],
        seqs: Sequence[int],
    ) -> None:
        """Take in what stands in columns already, of one writer and attempt."""
        self.steps += steps
        self.values += values
        self.times += times
        self.seqs += seqs
        if self.origins and self.origins[-1][:2] == (attempt, writer):
            self.origins[-1] = (attempt, writer, self.origins[-1][2] + len(values))
        else:
            self.origins.append((attempt, writer, len(values)))

    def points(self) -> Points:
        """All points in order."""
        attempts = [one for attempt, _, count in self.origins for one in [attempt] * count]
        found = Points(self.steps, self.values, self.times, attempts)
        steps = [-math.inf if step is None else step for step in self.steps]
        if len(self.origins) == 1 and ascending(steps):
            return found
        writers = [one for _, writer, count in self.origins for one in [writer] * count]
        places = list(zip(attempts, steps, self.times, writers, self.seqs, strict=True))
        return found.reordered(sorted(range(len(places)), key=places.__getitem__))


class Points(Sequence[Point]):
    """Points in order, each made when it is asked for."""

    def __init__(
        self,
        steps: list[int | float | None],
        values: list[int | float],
        times: list[float],
        attempts: list[int],
    ) -> None:
        self.columns = (steps, values, times, attempts)

    def reordered(self, order: Sequence[int]) -> Points:
        """The points at the places that `order` names."""
        steps, values, times, attempts = self.columns
        return Points(
            [steps[i] for i in order],
            [values[i] for i in order],
            [times[i] for i in order],
            [attempts[i] for i in order],
        )

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> list[Point]: ...
    def __getitem__(self, index: int | slice) -> Point | list[Point]:
        steps, values, times, attempts = self.columns
        if isinstance(index, slice):
            return [*map(Point, steps[index], values[index], times[index], attempts[index])]
        return Point(steps[index], values[index], times[index], attempts[index])

    def __iter__(self) -> Iterator[Point]:
        return map(Point, *self.columns)


def histories(
    found: Iterable[Part],
    *,
    key: str | None = None,
    bounds: Bounds | None = None,
    attempt: int | None = None,
) -> dict[str, Points]:
    """By name the points of all metrics, or of `key` alone.

    They stand by (attempt, step, time, writer, seq). With `bounds` (see `Folded`) without those
    that a later attempt supersedes; with `attempt` those of that attempt alone, superseded or not.
    """
    wire = None if key is None else escape_text(key)
    columns: dict[str, Columns] = {}
    for writer, of, entries in standing(found, {} if attempt is not None else bounds or {}):
        if attempt not in (None, of):
            continue
        for name, points in by_metric(entries)[0].items():
            if wire in (None, name):
                columns.setdefault(name, Columns()).add(writer, of, points)
    return {unescape_text(name): column.points() for name, column in columns.items()}


# -- a part of them ----------------------------------------------------------------------------


def within(points: Points, window: Window) -> Points:
    """Those of `points` whose step and time lie in the window's ranges."""
    if window.steps is None and window.times is None:
        return points
    steps, _, times, _ = points.columns
    kept = range(len(points))
    for values, bounds in ((steps, window.steps), (times, window.times)):
        if bounds is not None:
            kept = [i for i in kept if _inside(values[i], bounds)]  # type: ignore[assignment]
    return points.reordered(kept)


def _inside(value: float | None, bounds: Range) -> bool:
    low, high = bounds
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def thinned(points: Points, limit: int | None) -> Points:
    """At most `limit` of the points, but 5 in any case.

    The first and the last stay, and of each of equally long stretches between them the least and
    the greatest value, and the first NaN where there is any.
    """
    if limit is None or len(points) <= max(limit, 5):
        return points
    return points.reordered(kept_places(points.columns[1], limit))


def kept_places(values: list[int | float], limit: int) -> list[int]:
    """Where the points stand that `thinned` keeps of more than `limit`."""
    each = 3 if _has_nan(values) else 2
    count = (max(limit, 5) - 2) // each
    inner = len(values) - 2
    edges = [1 + inner * i // count for i in range(count + 1)]
    kept = {0, len(values) - 1}
    for begin, end in itertools.pairwise(edges):
        kept.update(_extremes(values, begin, end, each == 3))
    return sorted(kept)


def _extremes(values: list[int | float], begin: int, end: int, nans: bool) -> Iterator[int]:
    stretch = values[begin:end]
    if nans:
        places = [i for i, value in enumerate(stretch) if value == value]
        if len(places) < len(stretch):
            yield begin + next(i for i, value in enumerate(stretch) if value != value)
        if places:
            yield begin + min(places, key=stretch.__getitem__)
            yield begin + max(places, key=stretch.__getitem__)
    elif stretch:
        yield begin + stretch.index(min(stretch))
        yield begin + stretch.index(max(stretch))


def _has_nan(values: list[int | float]) -> bool:
    try:
        return sum(values) != sum(values)
    except OverflowError:  # an integer beyond all floats
        return any(value != value for value in values)
