"""The configuration that xgboost in fact trains with: `Booster.save_config`, flattened."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

NOT_SETTINGS = frozenset(("name", "num_trees", "specified_updater"))
"""Leaves that name a part, which `booster`, `objective` and `updater` do, or count as it grows."""

_WHOLE = re.compile(r"-?\d+")


def effective(booster: Any) -> dict[str, Any]:
    """Every setting by its own name; by its part's as well where two parts differ in it."""
    learner = json.loads(booster.save_config())["learner"]
    leaves: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, value in _leaves(learner):
        leaves[path[-1]][".".join(path[-2:])] = value
    found: dict[str, Any] = {}
    for name, places in leaves.items():
        values = list(places.values())
        if all(value == values[0] for value in values):
            found[name] = value_of(values[0])
        else:
            found.update({place: value_of(value) for place, value in places.items()})
    metrics = [metric["name"] for metric in learner.get("metrics", ())]
    if metrics:
        found["eval_metric"] = metrics if len(metrics) > 1 else metrics[0]
    return found


def _leaves(part: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(part, list):
        for item in part:
            yield from _leaves(item, *path)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name not in NOT_SETTINGS:
                yield from _leaves(value, *path, name)
    elif path:
        yield path, part


def value_of(text: Any) -> Any:
    """A setting as the number that it is; xgboost holds most as 32-bit numbers."""
    if not isinstance(text, str):
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if text.startswith("["):  # base_score, one for each output
        values = [shortest(part) for part in text.strip("[]").split(",") if part]
        return values[0] if len(values) == 1 else values
    try:
        return shortest(text)
    except ValueError:
        return text


def shortest(text: str) -> float:
    """The number with the fewest digits that is the same in 32 bits: 0.3, not 0.300000012."""
    import numpy

    value = float(text)
    with numpy.errstate(all="ignore"):
        single = float(str(numpy.float32(value)))
    return single if math.isfinite(single) else value
