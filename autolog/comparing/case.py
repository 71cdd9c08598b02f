"""What is known of two runs for those who look for the cause of a difference."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..series import Series
from .differences import Comparison, Difference

WHICH = ("first", "second")
ROUNDING = 1e-9
"""Relative change below which a number differs in its last digits alone."""


class Reason(NamedTuple):
    """One possible cause.

    Attributes:
        cause: One word for it: `measure`, `test data`, `params`, ….
        says: What differs.
        look: What to look at, or to do, to be sure.
        likely: False for what may have changed the number, but usually does not.
    """

    cause: str
    says: str
    look: str
    likely: bool = True


class Case:
    """What is known of the two runs, for the functions that look for one cause each."""

    def __init__(self, comparison: Comparison, metric: Difference) -> None:
        self.comparison = comparison
        self.runs = comparison.runs
        self.metric = metric
        own = (run.series.get(metric.name(i)) for i, run in enumerate(self.runs))
        self.series: list[Series | None] = list(own)
        self.judged = judged_data(comparison, metric)

    def infos(self, key: str) -> list[Any]:
        """What each metric's record tells under `key`."""
        return [None if one is None else one.info.get(key) for one in self.series]

    @property
    def tiny(self) -> bool:
        """Whether the numbers differ in their last digits only."""
        before, after = figures_of(self.metric)
        if before is None or after is None:
            return False
        try:
            return 0 < abs(after - before) <= ROUNDING * max(abs(before), abs(after))
        except OverflowError:
            return False


def figures_of(difference: Difference) -> tuple[float | None, float | None]:
    """The number of each run that is compared."""
    figures = difference.detail["figures"]
    before, after = (None if one is None else one["value"] for one in figures)
    return before, after


def judged_data(comparison: Comparison, metric: Difference) -> list[str | None]:
    """The dataset of each run that the metric was measured on, by the end of the metric's name."""
    found: list[str | None] = []
    for i, run in enumerate(comparison.runs):
        names = [name for name in run.datasets if metric.name(i).endswith(f"_{name}")]
        found.append(max(names, key=len, default=None))
    return found
