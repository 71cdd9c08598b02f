"""Metrics against each other: single numbers by value, series by what tells most of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..rendering.facts import direction
from ..rendering.text import float_of
from ..series import Series
from .differences import Comparison, Difference, alike
from .names import Called

MEANS = ("fold", "component")
"""Units of series of which the mean tells most."""
BESTS = ("candidate",)
"""Units of series of which the best value tells most."""


def note_metrics(comparison: Comparison, rows: Sequence[dict[str, Series]], called: Called) -> None:
    """Note the metrics that differ, in any of their points, and count the others."""
    for key in dict.fromkeys(key for row in rows for key in row):
        series = [row.get(key) for row in rows]
        if alike([_course(one) for one in series]):
            comparison.equal("metrics")
            continue
        values = tuple(None if one is None else one.value for one in series)
        detail = {**called(key), **_detail(key, series)}
        comparison.differences.append(Difference("metrics", key, values, "", detail))


def _course(series: Series | None) -> Any:
    """What is equal for equal series: figures, and the points that are kept for drawing."""
    if series is None:
        return None
    figures = (series.count, series.step, series.first, series.value, series.low, series.high)
    return [*figures, *series.sample()]


def _detail(key: str, series: Sequence[Series | None]) -> dict[str, Any]:
    of = _figure(key, series)
    figures = [None if one is None else _told(key, one, of) for one in series]
    found: dict[str, Any] = {"of": of, "figures": figures}
    found["changes"] = [_step(figures[0], one) for one in figures]
    higher = [_higher(series[0], one) for one in series]
    return {**found, "higher": higher} if any(one is not None for one in higher) else found


def _figure(key: str, series: Sequence[Series | None]) -> str:
    """`mean` of folds, `best` of candidates where the name tells what that is, else `last`."""
    units = {one.unit for one in series if one is not None and one.count > 1}
    if units & {*MEANS}:
        return "mean"
    return "best" if units & {*BESTS} and direction(key) else "last"


def _told(key: str, series: Series, of: str) -> dict[str, Any]:
    """The figure that is compared, and the others of the series."""
    value: float | None = series.value
    if of == "mean":
        points = series.sample()
        value = _mean([float_of(point) for point in points]) if len(points) > 1 else series.value
    elif of == "best":
        value = series.high if direction(key) > 0 else series.low
    found = {"value": value, "count": series.count, "first": series.first, "last": series.value}
    return {**found, "low": series.low, "high": series.high, "unit": series.unit}


def _mean(values: list[float]) -> float:
    known = all(map(math.isfinite, values))
    return math.fsum(value / len(values) for value in values) if known else math.nan


def _step(before: dict[str, Any] | None, after: dict[str, Any] | None) -> float | None:
    """How much more than in the first run; None for that one, and where a number is missing."""
    if before is None or after is None or before is after:
        return None
    if before["value"] is None or after["value"] is None:
        return None
    try:
        step: float = after["value"] - before["value"]
    except OverflowError:
        return None
    return step if math.isfinite(float_of(step)) and step else None


def _higher(before: Series | None, after: Series | None) -> int | None:
    """In how many folds it is higher than in the first run; None where folds are no pairs."""
    if before is None or after is None or before is after or before.unit != "fold":
        return None
    pairs = list(zip(before.sample(), after.sample(), strict=False))
    if not len(pairs) == before.count == after.count > 1:
        return None
    return sum(second > first for first, second in pairs)
