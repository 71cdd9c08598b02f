"""Which differing params are worth telling."""

from __future__ import annotations

from collections.abc import Callable

from ..rendering.facts import structure
from .differences import Comparison, Difference, alike


def worth_telling(comparison: Comparison) -> Callable[[Difference], bool]:
    """Which params are: plain ones that somebody chose, and those that all runs have.

    Unless they are mere defaults of models of different classes, which say nothing, or lists of
    parts, which stand there under their own names too.
    """
    runs = comparison.runs
    params = [run.facts("param") for run in runs]
    parts = {key for run in runs for key in structure(run)}
    same_model = alike([run.tags.get("estimator_class") for run in runs])

    def worth(difference: Difference) -> bool:
        names = [difference.name(i) for i in range(len(runs))]
        own = [one[name] for one, name in zip(params, names, strict=True) if name in one]
        chosen = any(fact.set is not False for fact in own)
        if parts & {*names} and any(isinstance(value, list) for value in difference.values):
            return False
        everywhere = len(own) == len(params) and (same_model or chosen)
        return everywhere or (chosen and not parts & {*names})

    return worth
