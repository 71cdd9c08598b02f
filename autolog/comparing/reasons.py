"""Why a number may have changed between two runs: what differs, the likeliest cause first.

A difference is no proof. What is said is what was recorded, and what to do to be sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import NotFound
from ..rendering.facts import direction
from ..view import RunView
from .case import Case, Reason, figures_of
from .causes import CAUSES
from .differences import Comparison, Difference


@dataclass(frozen=True)
class Explanation:
    """Why `metric` may differ between two runs.

    Attributes:
        runs: The two runs.
        metric: The metric's name, as the comparison calls it.
        values: What each has: of folds the mean, of candidates the best, else the last value.
        reasons: The likeliest first; empty where the metric is the same in both.
    """

    runs: tuple[RunView, RunView]
    metric: str
    values: tuple[float | None, float | None]
    reasons: list[Reason]


def explain(comparison: Comparison, metric: str | None = None) -> Explanation | None:
    """Why a metric of two runs differs; None where no metric that both have does.

    Without `metric`, the first one that changed: preferably one that the program computed, and
    whose name tells what is better. Raises NotFound where not both runs have `metric`.
    """
    runs = (comparison.runs[0], comparison.runs[1])
    chosen = _chosen(comparison, metric)
    if chosen is None:
        if metric is None:
            return None
        value = runs[0].metrics[metric]
        return Explanation(runs, metric, (value, value), [])
    case = Case(comparison, chosen)
    found = [reason for cause in CAUSES for reason in cause(case)]
    ranked = sorted(found, key=lambda reason: not reason.likely)
    if not any(reason.likely for reason in ranked):
        ranked = [*_nothing(case, ranked), *ranked]
    return Explanation(runs, chosen.key, figures_of(chosen), ranked)


def _chosen(comparison: Comparison, metric: str | None) -> Difference | None:
    both = [d for d in comparison.of("metrics") if None not in d.values]
    if metric is not None:
        found = next((d for d in both if metric in (d.key, d.name(0), d.name(1))), None)
        if found is None and not all(metric in run.metrics for run in comparison.runs):
            raise _unknown(comparison, metric)
        return found
    moved = [d for d in both if d.detail["changes"][1] is not None]
    return min(moved or both, key=lambda d: _dullness(comparison, d), default=None)


def _unknown(comparison: Comparison, metric: str) -> NotFound:
    common = set.intersection(*(set(run.metrics) for run in comparison.runs))
    common |= {d.key for d in comparison.of("metrics") if None not in d.values}
    have = f"they share {', '.join(sorted(common)[:8])}" if common else "they share none"
    return NotFound(f"compare --metric: not all of the runs have {metric!r}; {have}")


def _dullness(comparison: Comparison, difference: Difference) -> tuple[bool, ...]:
    series = [r.series.get(difference.name(i)) for i, r in enumerate(comparison.runs)]
    computed = all(one is not None and "site" in one.info for one in series)
    probable = any(one is not None and one.probable for one in series)
    return probable, not direction(difference.key), not computed


def _nothing(case: Case, others: Sequence[Reason]) -> Iterator[Reason]:
    if case.tiny and not others:
        says = "nothing recorded differs; the numbers differ in their last digits alone"
        yield Reason("rounding", says, "sums in another order, by threads, round otherwise")
        return
    known = any(reason.cause != "not recorded" for reason in others)
    says = "nothing recorded differs" + (" that usually matters" if known else "")
    look = "the training is not deterministic, or depends on what was not recorded (files, clock)"
    yield Reason("unknown", says, look)
