"""Runs as plain JSON, the form of `--json` that `docs/cli.md` describes; it only ever grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..codec import to_wire
from ..comparing import Comparison, Difference, Explanation
from ..fold import Fact
from ..records import Record
from ..series import Series
from ..view import RunView


def run_json(run: RunView, *, full: bool = False) -> dict[str, Any]:
    """One run; with `full` also what is known of every value, and the circumstances."""
    found: dict[str, Any] = {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "error": run.error._asdict() if run.error else None,
        "started": run.summary.started,
        "ended": run.summary.ended,
        "duration": run.duration,
        "parent": run.parent,
        "only_child": run.only_child.id if run.only_child else None,
        "site": run.site,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "probable": [key for key in run.metrics if key in run.probable],
        "tags": dict(run.tags),
    }
    if full:
        found |= _circumstances(run)
    wire: dict[str, Any] = to_wire(found)
    return wire


def _circumstances(run: RunView) -> dict[str, Any]:
    return {
        "params_info": {key: _fact(fact) for key, fact in run.facts("param").items()},
        "metrics_info": {key: _series(series) for key, series in run.series.items()},
        "datasets": dict(run.datasets),
        "models": dict(run.models),
        "tables": dict(run.tables),
        "artifacts": run.artifacts,
        "system": dict(run.system),
        "attempts": run.folded.attempts,
        "children": [child.id for child in run.children()],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {"time": fact.time, **fact.info}


def _series(series: Series) -> dict[str, Any]:
    return {
        "step": series.step,
        "time": series.time,
        "count": series.count,
        "first": series.first,
        "low": series.low,
        "high": series.high,
        **series.info,
    }


def record_json(record: Record) -> dict[str, Any]:
    """One record as `tail` prints it; its value is in wire form already."""
    found = {name: getattr(record, name) for name in ("run", "time", "kind", "key", "value")}
    return found | {"step": record.step, "info": record.info}


def comparison_json(comparison: Comparison, why: Sequence[Explanation] = ()) -> dict[str, Any]:
    """A comparison: the runs' ids, the differences by section, what is the same, and why."""
    wire: dict[str, Any] = to_wire(
        {
            "runs": [run.id for run in comparison.runs],
            "differences": [_difference(one) for one in comparison.differences],
            "same": comparison.same,
            "unknown": comparison.unknown,
            "why": [_explanation(one) for one in why],
        }
    )
    return wire


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "section": one.section,
        "key": one.key,
        "values": list(one.values),
        "note": one.note,
        "detail": dict(one.detail),
        "parts": [_difference(part) for part in one.parts],
    }


def _explanation(one: Explanation) -> dict[str, Any]:
    return {
        "runs": [run.id for run in one.runs],
        "metric": one.metric,
        "values": list(one.values),
        "reasons": [reason._asdict() for reason in one.reasons],
    }
