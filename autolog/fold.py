"""The fold: the records of one run → the run as a person sees it. Written once, for all backends.

One streaming pass. Of a metric it keeps figures and at most `SAMPLE` of its points for drawing,
whatever the number of points; `history` reads the points themselves in a pass of its own.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .backend import Backend
from .codec import escape_text, from_wire, unescape_text
from .records import Record

SAMPLE = 128
"""Points of each attempt of a series that are kept for drawing, evenly over its length."""

Order = tuple[int, float, str, int]
"""(attempt, time, writer, seq): the greatest counts."""

Place = tuple[float, float, str, int]
"""(step, time, writer, seq) of a point; without a step it stands before all that have one."""

Bounds = Mapping[tuple[str, int], float]
"""For (key, attempt): the step from which on a later attempt has superseded its points."""

_FIRST_ATTEMPT = 1


class Point(NamedTuple):
    """One value of a metric; `step` is None where the caller gave none, `time` is Unix seconds."""

    step: int | float | None
    value: int | float
    time: float
    attempt: int = _FIRST_ATTEMPT


class Fact(NamedTuple):
    """One stored value that is not a metric's point, decoded, with its place in the order."""

    order: Order
    value: Any
    info: Mapping[str, Any]

    @property
    def time(self) -> float:
        """Seconds since 1970 by the writer's clock."""
        return self.order[1]

    @property
    def set(self) -> bool | None:
        """True where the user chose the value, False for a default, None if unknown."""
        chosen = self.info.get("set")
        return chosen if isinstance(chosen, bool) else None


@dataclass(slots=True)
class Stats:
    """The figures of one attempt's points of one metric; NaN takes no part in low and high."""

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

    def add(self, record: Record, value: int | float) -> None:
        """Count one point in; points may come in any order."""
        step = record.step
        order = (-math.inf if step is None else step, record.time, record.writer, record.seq)
        if self.end is None or order > self.end:
            self.end, self.last = order, value
        # Writers give a unit once, with the first point.
        if record.info and record.info != self.info:
            self.info = {**self.info, **from_wire(record.info)}
        if self.begin is None or order < self.begin:
            self.begin, self.first = order, value
        if value < self.low:
            self.low = value
        if value > self.high:
            self.high = value
        if self.count % self.stride == 0:
            self._keep(order, value)
        self.count += 1

    def _keep(self, order: Place, value: int | float) -> None:
        self.sample.append((order, value))
        if len(self.sample) >= 2 * SAMPLE:
            del self.sample[1::2]
            self.stride *= 2


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


@dataclass(slots=True)
class Folded:
    """One run as its records tell it; values are decoded, `past` has every value ever stored.

    Attributes:
        id: The run's id.
        facts: The run's facts (`name`, `experiment`, `parent`, …), the newest that is not null.
        openings: Every `run` record, oldest first; their values hold the process's facts.
        past: For each kind and key all values, oldest first; the last one counts.
        series: The metrics by name.
        end: The record that ended the run; None while it is open, or opened once more.
        newest: Time of the newest record, in seconds since 1970; 0.0 without records.
        count: How many records there are.
        unreadable: How many of them could not be understood.
        bounds: From which step on a later attempt supersedes the points of (key, attempt).
    """

    id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    openings: list[Fact] = field(default_factory=list)
    past: dict[str, dict[str, list[Fact]]] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    end: Fact | None = None
    newest: float = 0.0
    count: int = 0
    unreadable: int = 0
    bounds: dict[tuple[str, int], float] = field(default_factory=dict)

    def latest(self, kind: str) -> dict[str, Fact]:
        """What counts of each key of `kind` (`param`, `tag`, …), in order of first appearance."""
        return {key: facts[-1] for key, facts in self.past.get(kind, {}).items()}

    def values(self, kind: str) -> dict[str, Any]:
        """The values alone of `latest(kind)`."""
        return {key: facts[-1].value for key, facts in self.past.get(kind, {}).items()}

    @property
    def started(self) -> float | None:
        """When the run was first opened, in seconds since 1970; None without a `run` record."""
        return min((fact.time for fact in self.openings), default=None)

    @property
    def attempts(self) -> list[int]:
        """The attempts that opened the run, ascending."""
        return sorted({fact.order[0] for fact in self.openings})


def fold(records: Iterable[Record]) -> Folded:
    """The run that `records` tell of; they come in seq order within each writer.

    A record that cannot be understood is counted in `unreadable` and hides nothing else.
    """
    folded = Folded()
    attempts: dict[str, int] = {}
    series = folded.series
    newest = 0.0
    for record in records:
        folded.count += 1
        try:
            if record.kind == "metric":
                _add_point(series, attempts.get(record.writer, _FIRST_ATTEMPT), record)
            else:
                _add_fact(folded, attempts, record)
            if record.time > newest:
                newest = record.time
        except (TypeError, ValueError, AttributeError, OverflowError):
            folded.unreadable += 1
    folded.newest = newest
    return _settled(folded)


def _add_point(series: dict[str, Series], attempt: int, record: Record) -> None:
    value = record.value
    if type(value) is not float and type(value) is not int:
        value = _number(value)
    try:
        stats = series[record.key].attempts[attempt]
    except KeyError:
        one = series.get(record.key) or series.setdefault(record.key, Series(_text(record.key)))
        stats = one.attempts.setdefault(attempt, Stats())
    stats.add(record, value)


def _number(wire: Any) -> int | float:
    value = wire if type(wire) is float else from_wire(wire)
    if not isinstance(value, int | float):
        raise TypeError(f"a metric's value is no number: {type(value).__name__}")
    return value


def _add_fact(folded: Folded, attempts: dict[str, int], record: Record) -> None:
    folded.id = folded.id or record.run
    value = from_wire(record.value)
    if record.kind == "run":
        value = dict(value)
        attempts[record.writer] = _attempt(value)
    attempt = attempts.get(record.writer, _FIRST_ATTEMPT)
    info = from_wire(record.info) if isinstance(record.info, dict) else {}
    fact = Fact((attempt, record.time, record.writer, record.seq), value, info)
    folded.past.setdefault(record.kind, {}).setdefault(_text(record.key), []).append(fact)


def _attempt(value: Mapping[str, Any]) -> int:
    attempt = value.get("attempt")
    return attempt if type(attempt) is int else _FIRST_ATTEMPT


def _text(key: str) -> str:
    return unescape_text(key)


def _settled(folded: Folded) -> Folded:
    """Put all in order once the last record is in."""
    for keys in folded.past.values():
        for facts in keys.values():
            facts.sort(key=lambda fact: fact.order)
    folded.series = {series.key: series for series in folded.series.values()}
    folded.bounds = {
        (key, attempt): bound
        for key, series in folded.series.items()
        if len(series.attempts) > 1
        for attempt, bound in series.bounds().items()
    }
    folded.openings = folded.past.pop("run", {}).get("", [])
    for opening in folded.openings:
        folded.facts.update({k: v for k, v in opening.value.items() if v is not None})
    ends = folded.past.pop("end", {}).get("", [])
    if ends and not (folded.openings and folded.openings[-1].order > ends[-1].order):
        folded.end = ends[-1]
    return folded


def read_run(backend: Backend, run: str) -> Folded:
    """The run of that id, folded; raises NotFound, or BackendError where it cannot be read.

    A second pass is made only where a later attempt supersedes part of an earlier one's points.
    """
    folded = fold(backend.records(run))
    folded.id = run
    if any(series.cut() for series in folded.series.values()):
        left = standing(backend.records(run), folded.bounds)
        folded.series = fold(record for record, _ in left).series
    return folded


def standing(records: Iterable[Record], bounds: Bounds) -> Iterator[tuple[Record, int]]:
    """The records with their attempts, without the metrics' points beyond `bounds`."""
    attempts: dict[str, int] = {}
    for record in records:
        if record.kind == "run" and isinstance(record.value, dict):
            attempts[record.writer] = _attempt(record.value)
        attempt = attempts.get(record.writer, _FIRST_ATTEMPT)
        if bounds and record.kind == "metric":
            bound = bounds.get((_text(record.key), attempt))
            if bound is not None and (-math.inf if record.step is None else record.step) >= bound:
                continue
        yield record, attempt


def history(
    records: Iterable[Record], key: str, *, bounds: Bounds | None = None, attempt: int | None = None
) -> list[Point]:
    """All points of the metric `key`, ordered by (attempt, step, time, writer, seq).

    With `bounds` (see `Folded`) without those that a later attempt supersedes; with
    `attempt` those of that attempt alone, superseded or not.
    """
    wire = escape_text(key)
    found: list[tuple[tuple[int, float, float, str, int], Point]] = []
    for record, of in standing(records, {} if attempt is not None else bounds or {}):
        if record.key != wire or record.kind != "metric" or attempt not in (None, of):
            continue
        step, time = record.step, record.time
        try:
            point = Point(step, _number(record.value), time, of)
        except (TypeError, ValueError):
            continue
        place = (of, -math.inf if step is None else step, time, record.writer, record.seq)
        found.append((place, point))
    found.sort(key=_place)
    return [point for _, point in found]


_place = operator.itemgetter(0)
