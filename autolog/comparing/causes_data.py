"""Data as the cause of another number: what was trained on, and what it was measured on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..filters import text_of
from ..rendering.facts import mapping
from .case import Case, Reason
from .differences import Difference


def test_data(case: Case) -> Iterator[Reason]:
    for difference in case.comparison.of("data"):
        if case.judged[1] is not None and difference.name(1) == case.judged[1]:
            shared = [p for p in difference.parts if p.key == "rows_shared"]
            if shared:
                counts = " → ".join(str(value) for value in shared[0].values)
                says = f"rows of {difference.key} that were trained on: {counts}"
                yield Reason("test data", says, "a number measured on them is too good")
            if not difference.key.startswith("train "):
                yield from _of_data(
                    case, difference, "test data", "score both on one and the same set to be sure"
                )


def training_data(case: Case) -> Iterator[Reason]:
    for difference in case.comparison.of("data"):
        if difference.key.startswith("train "):
            look = "see DATA; train on the old data once more to be sure"
            yield from _of_data(case, difference, "training data", look)


def _of_data(case: Case, difference: Difference, cause: str, look: str) -> Iterator[Reason]:
    state = difference.detail["states"][1]
    if state == "unknown":
        says = f"{difference.key}: not known to be the same, the digests have different rules"
        yield Reason(cause, says, look, likely=False)
    elif None in difference.values:
        gone = "appeared" if difference.values[0] is None else "is gone"
        yield Reason(cause, f"{difference.key} {gone}", look, likely=False)
    elif state == "values":
        says = f"{difference.key}: {difference.note or 'other values'}{_most(difference)}"
        yield Reason(cause, says, _as_if(difference) or look)
    lineage = [p for p in difference.parts if p.key == "lineage"]
    if lineage and state in ("values", "unknown"):
        before, after = (lineage_text(value) for value in lineage[0].values)
        yield Reason(cause, f"prepared by {before} → {after}", "see the transformers' params")


def _most(difference: Difference) -> str:
    """The column that moved furthest, if it moved further than samples do."""
    moved = [p for p in difference.parts if p.detail["change"] in ("values", "figures", "type")]
    moved = [p for p in moved if p.detail["part"] == "column" and not p.detail.get("chance")]
    return f"; most of all {moved[0].key}: {moved[0].note}" if moved else ""


def lineage_text(steps: Any) -> str:
    """The transformers behind data: `StandardScaler › PCA(n_components=2)`."""
    found = []
    for step in map(mapping, steps if isinstance(steps, list) else []):
        params = ", ".join(f"{k}={text_of(v)}" for k, v in mapping(step.get("params")).items())
        found.append(f"{step.get('class')}{f'({params})' if params else ''}")
    return " › ".join(found) or "nothing"


def _as_if(difference: Difference) -> str:
    """What the figures look like: the same rows in another order, or another random split."""
    shapes = [mapping(value).get("shape") for value in difference.values]
    parts = [p for p in difference.parts if p.detail.get("part") in ("column", "target")]
    changed = [p for p in parts if p.detail["change"] == "values"]
    if shapes[0] != shapes[1] or not changed or len(changed) != len(parts):
        return ""
    if all(p.detail.get("like") for p in changed):
        return "all figures are the same: perhaps the same rows in another order"
    if all(p.detail.get("chance") for p in changed):
        return "shifts are as small as from sample to sample: perhaps another random split"
    return ""
