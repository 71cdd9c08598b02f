"""The fold: the records of one run → the run as a person sees it. Written once, for all backends.

One streaming pass over blocks of records. Of a metric it keeps figures and at most `SAMPLE` of its
points for drawing, whatever the number of points; `points.history` reads the points themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .backend import Backend
from .codec import escape_text, from_wire, unescape_text
from .records import Block, Entry, Status
from .series import FIRST_ATTEMPT, Series, Stats

Part = tuple[str, int, Sequence[Entry]]
"""A writer, its attempt, and consecutive records that it wrote in it."""

Order = tuple[int, float, str, int]
"""(attempt, time, writer, seq): the greatest counts."""


Bounds = Mapping[tuple[str, int], float]
"""For (key, attempt): the step from which on a later attempt has superseded its points."""


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
    def outcome(self) -> Status | None:
        """How the run ended; None while it is open."""
        if self.end is None:
            return None
        given = self.end.value.get("status") if isinstance(self.end.value, dict) else None
        return given if given in ("failed", "killed") else "finished"

    @property
    def processes(self) -> list[dict[str, Any]]:
        """Facts of the processes that opened the newest attempt."""
        newest = max((fact.order[0] for fact in self.openings), default=None)
        return [fact.value for fact in self.openings if fact.order[0] == newest]

    @property
    def attempts(self) -> list[int]:
        """The attempts that opened the run, ascending."""
        return sorted({fact.order[0] for fact in self.openings})


def parts(blocks: Iterable[Block]) -> Iterator[Part]:
    """The blocks by attempt: that of a record is its writer's at the last `run` record before."""
    attempts: dict[str, int] = {}
    for writer, entries in blocks:
        begin = 0
        for i in _openings(entries):
            if i > begin:
                yield writer, attempts.get(writer, FIRST_ATTEMPT), entries[begin:i]
            begin = i
            if isinstance(entries[i].value, dict):
                attempts[writer] = _attempt(entries[i].value)
        if begin < len(entries):
            yield writer, attempts.get(writer, FIRST_ATTEMPT), entries[begin:]


def _openings(entries: Sequence[Entry]) -> list[int]:
    if "run" not in {entry.kind for entry in entries}:
        return []
    return [i for i, entry in enumerate(entries) if entry.kind == "run"]


def _attempt(value: Mapping[str, Any]) -> int:
    attempt = value.get("attempt")
    return attempt if type(attempt) is int else FIRST_ATTEMPT


class Counted(NamedTuple):
    """Points of a metric, by its name in wire form, of which only the figures are at hand."""

    key: str
    attempt: int
    stats: Stats
    newest: float


def fold(found: Iterable[Part], counted: Iterable[Counted] = ()) -> Folded:
    """The run whose parts these are; they come in seq order within each writer.

    A record that cannot be understood is counted in `unreadable` and hides nothing else. A store
    that has the figures of metrics at hand gives them as `counted` in place of the points.
    """
    folded = Folded()
    for writer, attempt, entries in found:
        folded.count += len(entries)
        metrics, others = by_metric(entries)
        for entry in others:
            _add_fact(folded, writer, attempt, entry)
        for key, points in metrics.items():
            _add_points(folded, key, writer, attempt, points)
    for one in counted:
        _add_stats(folded, one)
    return _settled(folded)


def by_metric(entries: Sequence[Entry]) -> tuple[Mapping[str, Sequence[Entry]], Sequence[Entry]]:
    """The points by the metric's name in wire form, and the records that are no points."""
    named = {(entry.kind, entry.key) for entry in entries}
    if len(named) == 1 and entries[0].kind == "metric":
        return {entries[0].key: entries}, ()
    metrics: dict[str, list[Entry]] = {}
    others = []
    for entry in entries:
        if entry.kind == "metric":
            metrics.setdefault(entry.key, []).append(entry)
        else:
            others.append(entry)
    return metrics, others


def _add_points(
    folded: Folded, key: str, writer: str, attempt: int, points: Sequence[Entry]
) -> None:
    series = folded.series.get(key)
    stats = series.attempts.get(attempt) if series is not None else None
    stats = stats or Stats()
    newest, unreadable = count_points(stats, writer, points)
    folded.unreadable += unreadable
    if stats.count:
        _add_stats(folded, Counted(key, attempt, stats, newest))


def _add_stats(folded: Folded, counted: Counted) -> None:
    series = folded.series.get(counted.key)
    if series is None:
        series = folded.series[counted.key] = Series(unescape_text(counted.key))
    held = series.attempts.setdefault(counted.attempt, counted.stats)
    if held is not counted.stats:
        held.absorb(counted.stats)
    folded.newest = max(folded.newest, counted.newest)


def count_points(stats: Stats, writer: str, points: Sequence[Entry]) -> tuple[float, int]:
    """Count one writer's points in; the newest time, and how many could not be understood."""
    try:
        values = numbers(points)
        newest = max([point.time for point in points])
        stats.extend(writer, points, values)
    except (TypeError, ValueError, AttributeError, OverflowError):
        if len(points) == 1:
            return 0.0, 1
        told = [count_points(stats, writer, [point]) for point in points]
        return max(newest for newest, _ in told), sum(bad for _, bad in told)
    return newest, 0


def numbers(points: Sequence[Entry]) -> list[int | float]:
    """The points' values; raises TypeError or ValueError where one is no number."""
    values = [point.value for point in points]
    return values if {*map(type, values)} <= {float, int} else [_number(v) for v in values]


def _number(wire: Any) -> int | float:
    value = from_wire(wire)
    if not isinstance(value, int | float):
        raise TypeError(f"a metric's value is no number: {type(value).__name__}")
    return value


def _add_fact(folded: Folded, writer: str, attempt: int, entry: Entry) -> None:
    try:
        value = from_wire(entry.value)
        if entry.kind == "run":
            value = dict(value)
        info = from_wire(entry.info) if isinstance(entry.info, dict) else {}
        fact = Fact((attempt, entry.time, writer, entry.seq), value, info)
        key = unescape_text(entry.key)
        newest = max(folded.newest, entry.time)
        folded.past.setdefault(entry.kind, {}).setdefault(key, []).append(fact)
    except (TypeError, ValueError, AttributeError, OverflowError):
        folded.unreadable += 1
    else:
        folded.newest = newest


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
    folded = fold(parts(backend.blocks(run)))
    folded.id = run
    if any(series.cut() for series in folded.series.values()):
        left = standing(parts(backend.blocks(run)), folded.bounds)
        again = fold(left).series
        folded.series = {key: again[key] for key in folded.series if key in again}
    return folded


def standing(found: Iterable[Part], bounds: Bounds) -> Iterator[Part]:
    """The parts without the metrics' points beyond `bounds`."""
    for writer, attempt, entries in found:
        own = {escape_text(key): bound for (key, of), bound in bounds.items() if of == attempt}
        if own:
            entries = [entry for entry in entries if not _superseded(entry, own)]
        if entries:
            yield writer, attempt, entries


def _superseded(entry: Entry, bounds: Mapping[str, float]) -> bool:
    bound = bounds.get(entry.key) if entry.kind == "metric" else None
    return bound is not None and (-math.inf if entry.step is None else entry.step) >= bound
