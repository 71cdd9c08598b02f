"""How much each feature matters to a booster, by each of xgboost's measures."""

from __future__ import annotations

import sys
from typing import Any

KINDS = ("weight", "gain", "cover", "total_gain", "total_cover")
MOST_ROWS = 10_000


def table(booster: Any, kinds: tuple[str, ...] = KINDS) -> dict[str, list[Any]] | None:
    """Features by descending gain (else by the first measure); None where no split was made.

    A linear model has weights alone, one for each class. Asked of trees whose leaves are vectors
    2.1 dies of a segmentation fault; it was tried from 3.2 on.
    """
    config = booster.save_config().replace(" ", "")
    if '"multi_strategy":"multi_output_tree"' in config and _version() < (3, 2):
        return None
    if '"name":"gblinear"' in config:
        kinds = ("weight",)
    found = {kind: booster.get_score(importance_type=kind) for kind in kinds}
    first: dict[str, Any] = found.get("gain") or next(iter(found.values()), {})
    features = sorted(first, key=lambda name: _size(first[name]), reverse=True)[:MOST_ROWS]
    if not features:
        return None
    return {"feature": features, **{k: [v.get(f) for f in features] for k, v in found.items()}}


def first(table: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What the features are ordered by, as a table; a column for each class where it has more."""
    measure = "gain" if "gain" in table else next(name for name in table if name != "feature")
    values = table[measure]
    if not isinstance(values[0], list):
        return {"feature": table["feature"], measure: values}
    classes = {f"{measure}_{i}": list(column) for i, column in enumerate(zip(*values, strict=True))}
    return {"feature": table["feature"], **classes}


def _size(value: Any) -> float:
    return float(max(map(abs, value))) if isinstance(value, list) else float(abs(value))


def _version() -> tuple[int, ...]:
    parts = str(sys.modules["xgboost"].__version__).split(".")
    return tuple(int(part) for part in parts[:2] if part.isdigit())
