"""All points of a run's metrics, read in one pass and kept by columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from .codec import escape_text, unescape_text
from .fold import Bounds, Part, by_metric, numbers, standing
from .records import Entry
from .series import Point, ascending


@dataclass(slots=True)
class _Columns:
    """Points of one metric as they were met; `writers` and `attempts` say of how many each."""

    steps: list[int | float | None] = field(default_factory=list)
    values: list[int | float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    origins: list[tuple[int, str, int]] = field(default_factory=list)

    def add(self, writer: str, attempt: int, entries: Sequence[Entry]) -> None:
        try:
            values = numbers(entries)
        except (TypeError, ValueError):
            if len(entries) > 1:
                for entry in entries:
                    self.add(writer, attempt, [entry])
            return
        self.values += values
        self.steps += [entry.step for entry in entries]
        self.times += [entry.time for entry in entries]
        self.seqs += [entry.seq for entry in entries]
        if self.origins and self.origins[-1][:2] == (attempt, writer):
            self.origins[-1] = (attempt, writer, self.origins[-1][2] + len(values))
        else:
            self.origins.append((attempt, writer, len(values)))

    def points(self) -> Points:
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
    columns: dict[str, _Columns] = {}
    for writer, of, entries in standing(found, {} if attempt is not None else bounds or {}):
        if attempt not in (None, of):
            continue
        for name, points in by_metric(entries)[0].items():
            if wire in (None, name):
                columns.setdefault(name, _Columns()).add(writer, of, points)
    return {unescape_text(name): column.points() for name, column in columns.items()}
