"""What differs between runs, what is the same, and why a number may have changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..view import RunView
from . import circumstances, code, data, names
from .case import Reason
from .data_groups import matched, renamed
from .differences import SECTIONS, Comparison, Difference, note_mappings
from .metrics import note_metrics
from .params import worth_telling
from .reasons import Explanation, explain

__all__ = [
    "SECTIONS",
    "Comparison",
    "Difference",
    "Explanation",
    "Reason",
    "compare",
    "explain",
    "worth_telling",
]


def compare(runs: Sequence[RunView]) -> Comparison:
    """How `runs` differ; a param or metric that a run lacks is a difference."""
    comparison = Comparison(runs)
    groups = matched(runs)
    own, called = names.params(runs)
    note_mappings(comparison, "params", own, called)
    note_metrics(comparison, *names.metrics(runs, renamed(groups, len(runs))))
    data.note_data(comparison, groups)
    homes = [circumstances.home(run) for run in runs]
    code.note_code(comparison, homes)
    circumstances.note_circumstances(comparison, homes)
    return comparison
