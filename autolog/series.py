"""One metric of a run: its figures by attempt, and a bounded sample of its points."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .codec import from_wire
from .records import Entry

SAMPLE = 128
"""Points of each attempt of a series that are kept for drawing, evenly over its length."""

Place = tuple[float, float, str, int]
"""(step, time, writer, seq) of a point; without a step it stands before all that have one."""

FIRST_ATTEMPT = 1


class Point(NamedTuple):
    """One value of a metric; `step` is None where the caller gave none, `time` is Unix seconds."""

    step: int | float | None
    value: int | float
    time: float
    attempt: int = FIRST_ATTEMPT


@dataclass(slots=True)
class Stats:
    """The figures of one attempt's points of one metric; NaN takes no part in low and high.

    With a `stride` of 0 no sample is kept.
    """

    count: int = 0
    begin: Place | None = None
    end: Place | None = None
    first: int | float = math.nan
    last: int | float = math.nan
    low: int | float = math.inf
    high: int | float = -math.inf
    info: Mapping[str, Any] = field(default_factory=dict)
    sample: list[tuple[Place, int | float]] = field(default_factory=list)
    stride: int = 1

    def extend(self, writer: str, entries: Sequence[Entry], values: Sequence[int | float]) -> None:
        """Count points of one writer in, with their `values`; they may come in any order.

        Nothing is counted where a TypeError is raised: steps or times that do not compare.
        """
        steps = [-math.inf if entry.step is None else entry.step for entry in entries]
        if ascending(steps):
            first, last = 0, len(steps) - 1
        else:
            keys = [(step, e.time, e.seq) for step, e in zip(steps, entries, strict=True)]
            first, last = keys.index(min(keys)), keys.index(max(keys))

        def place(i: int) -> Place:
            return steps[i], entries[i].time, writer, entries[i].seq

        if self.end is None or place(last) > self.end:
            self.end, self.last = place(last), values[last]
        if self.begin is None or place(first) < self.begin:
            self.begin, self.first = place(first), values[first]
        sound = [value for value in values if value == value]
        self.low = min(self.low, min(sound, default=math.inf))
        self.high = max(self.high, max(sound, default=-math.inf))
        for info in [entry.info for entry in entries if entry.info]:
            # Writers give a unit once, with the first point.
            if info != self.info:
                self.info = {**self.info, **from_wire(info)}
        self._keep(place, values)

    def absorb(self, other: Stats) -> None:
        """Count in the figures of other points, later ones where a writer's; not their sample."""
        if other.end is not None and (self.end is None or other.end > self.end):
            self.end, self.last = other.end, other.last
        if other.begin is not None and (self.begin is None or other.begin < self.begin):
            self.begin, self.first = other.begin, other.first
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.info = {**self.info, **other.info}
        self.count += other.count

    def _keep(self, place: Callable[[int], Place], values: Sequence[int | float]) -> None:
        """Keep every `stride`th point; twice as sparsely each time that the sample is full."""
        if not self.stride:
            self.count += len(values)
            return
        at = -self.count % self.stride
        while at < len(values):
            chosen = range(at, len(values), self.stride)[: 2 * SAMPLE - len(self.sample)]
            self.sample += [(place(i), values[i]) for i in chosen]
            if len(self.sample) < 2 * SAMPLE:
                break
            del self.sample[1::2]
            self.stride *= 2
            at = chosen[-1] + 1
            at += -(self.count + at) % self.stride
        self.count += len(values)


def ascending(steps: Sequence[float]) -> bool:
    """Whether each is greater than the one before."""
    return all(map(operator.lt, steps, itertools.islice(steps, 1, None)))


class Series:
    """One metric of a run: its last value, its figures, and a bounded sample of its points."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.attempts: dict[int, Stats] = {}

    @property
    def newest(self) -> Stats:
        """The figures of the newest attempt alone."""
        return self.attempts[max(self.attempts)]

    @property
    def value(self) -> int | float:
        """The last value: that of the greatest (attempt, step, time, writer, seq)."""
        return self.newest.last

    @property
    def step(self) -> int | float | None:
        """The step of the last value, None where it has none."""
        step = self.newest.end[0] if self.newest.end else -math.inf
        return None if step == -math.inf else step

    @property
    def time(self) -> float:
        """When the last value was recorded, in seconds since 1970."""
        return self.newest.end[1] if self.newest.end else math.nan

    @property
    def info(self) -> Mapping[str, Any]:
        """How the last value is known: `unit`, `call`, `site`, `link`; empty where unknown."""
        return self.newest.info

    @property
    def unit(self) -> str | None:
        """What the steps count: `epoch`, `boosting round`, …; None where unknown."""
        unit = self.info.get("unit")
        return unit if isinstance(unit, str) else None

    @property
    def probable(self) -> bool:
        """Whether the link between the last value and this run is only probable."""
        return self.info.get("link") == "probable"

    @property
    def count(self) -> int:
        """How many points stand; those that a later attempt supersedes are not counted."""
        return sum(stats.count for stats in self.standing())

    @property
    def first(self) -> int | float:
        """The value of the first point that stands."""
        return self.standing()[0].first

    @property
    def low(self) -> int | float | None:
        """The least value; None if all are NaN."""
        low = min(stats.low for stats in self.standing())
        return None if all(stats.low > stats.high for stats in self.standing()) else low

    @property
    def high(self) -> int | float | None:
        """The greatest value; None if all are NaN."""
        high = max(stats.high for stats in self.standing())
        return None if self.low is None else high

    @property
    def sampled(self) -> bool:
        """Whether `sample` leaves points out."""
        return self.count > len(self.sample())

    def sample(self) -> list[int | float]:
        """Values for drawing, in order, evenly taken; the last value is always the last."""
        drawn: list[int | float] = []
        for stats in self.standing():
            drawn += [value for _, value in sorted(stats.sample, key=lambda item: item[0])]
        if self.newest.count > len(self.newest.sample):
            drawn.append(self.value)
        return drawn

    def standing(self) -> list[Stats]:
        """The attempts with points that no later attempt supersedes, oldest first."""
        if len(self.attempts) == 1:
            return [*self.attempts.values()]
        bounds = self.bounds()
        return [
            stats
            for attempt, stats in sorted(self.attempts.items())
            if stats.begin is not None and stats.begin[0] < bounds.get(attempt, math.inf)
        ] or [self.newest]

    def bounds(self) -> dict[int, float]:
        """For each attempt that a later one supersedes: from which step on."""
        found: dict[int, float] = {}
        begin = None
        for attempt in sorted(self.attempts, reverse=True):
            if begin is not None:
                found[attempt] = begin
            own = self.attempts[attempt].begin
            if own is not None:
                begin = own[0] if begin is None else min(begin, own[0])
        return found

    def cut(self) -> bool:
        """Whether an attempt stands in part only: its figures need a pass without the rest."""
        ranges = ((self.attempts[attempt], bound) for attempt, bound in self.bounds().items())
        return any(
            stats.begin is not None
            and stats.end is not None
            and stats.begin[0] < bound <= stats.end[0]
            for stats, bound in ranges
        )
