"""Early stopping, by argument or by an `EarlyStopping` object, and what callbacks were told."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from autolog.values import plain
from autolog.values import text_of as shown

SETTINGS = {
    "rounds": "rounds",
    "metric_name": "metric_name",
    "data": "data_name",
    "maximize": "maximize",
    "save_best": "save_best",
    "_min_delta": "min_delta",
}
"""Attributes of an `EarlyStopping` and the arguments that they hold (xgboost 2.1 to 3.2)."""

DEFAULTS = {"metric_name": None, "data_name": None, "maximize": None, "save_best": False}


def stopper(callbacks: Iterable[Any]) -> Any:
    """The first `EarlyStopping` among callbacks, None where there is none."""
    kind = getattr(sys.modules.get("xgboost.callback"), "EarlyStopping", ())
    return next((one for one in callbacks if isinstance(one, kind)), None)


def settings(stopping: Any) -> tuple[dict[str, Any], set[str]]:
    """All settings of an `EarlyStopping` as params, and which of them were set."""
    held = vars(stopping)
    told = {name: held.get(attribute) for attribute, name in SETTINGS.items()}
    chosen = {k for k, v in told.items() if v != DEFAULTS.get(k, 0.0)}
    return {f"early_stopping_{k}": v for k, v in told.items()}, {
        f"early_stopping_{k}" for k in chosen
    }


def listed(callbacks: Iterable[Any]) -> list[str]:
    """Callbacks as the calls that make them, as far as their attributes tell."""
    return [told(one) for one in callbacks]


def told(callback: Any) -> str:
    """A callback, or a splitter, as the call that makes it."""
    held = vars(callback) if hasattr(callback, "__dict__") else {}
    named = {SETTINGS.get(k, k.lstrip("_")): v for k, v in held.items() if _is_setting(k, v)}
    text = ", ".join(f"{k}={shown(plain(v), quoted=True)}" for k, v in named.items())
    return f"{type(callback).__qualname__}({text})"


def _is_setting(name: str, value: Any) -> bool:
    """Attributes that hold what was given: plain, and not a count of the training itself."""
    known = name not in ("current_rounds", "starting_round", "_epoch", "_start", "_latest")
    return known and isinstance(value, bool | int | float | str)
