"""The scikit-learn classes: what their `fit` says that `train` inside it cannot know."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autolog.context import variable
from autolog.following import datasets, naming
from autolog.integration import Call
from autolog.live import Run

from . import arguments, results

if TYPE_CHECKING:
    from . import Xgboost

under_way = variable("xgboost.fitting", None)
"""The model of the scikit-learn interface whose `fit` is under way here."""


@contextmanager
def fitting(model: Any) -> Iterator[None]:
    """Let `train` know whose training it is."""
    token = under_way.set(model)
    try:
        yield
    finally:
        under_way.reset(token)


def name_eval_sets(call: Call) -> None:
    """Give the data of `eval_set=[(X_valid, y_valid)]` the names that stand there."""
    given = call.arg("eval_set")
    if not isinstance(given, list | tuple):
        return
    names = naming.names_of_pairs(call, "eval_set", len(given))
    for pair, pair_names in zip(given, names, strict=True):
        if isinstance(pair, list | tuple) and len(pair) == 2:
            for part, name in zip(pair, pair_names, strict=True):
                naming.noted(part, name)


def prefix(outer: Any, model: Any) -> str | None:
    """What stands before the params of `model` among those of the training that it is a part of.

    `xgb__` in a pipeline, `estimator__` as what a search has refitted; None where it is not found.
    """
    if outer is model or not hasattr(outer, "__dict__"):
        return "" if outer is model else None
    held = vars(outer)
    steps = held.get("steps")
    parts = [pair for pair in steps if len(pair) == 2] if isinstance(steps, list) else []
    for name, part in [*parts, ("estimator", held.get("best_estimator_"))]:
        found = None if part is None else prefix(part, model)
        if found is not None:
            return f"{name}__{found}"
    return None


# -- where the integration of scikit-learn is switched off ---------------------------------------


def describe(integration: Xgboost, run: Run, call: Call) -> None:
    """Params, tags and data, as the integration of scikit-learn records them."""
    model = call.instance
    params, chosen = _params(model)
    run.log_params({name: arguments.told(value) for name, value in params.items()}, chosen=chosen)
    kind = type(model)
    run.set_tags(
        {
            "estimator_name": kind.__qualname__,
            "estimator_class": f"{kind.__module__}.{kind.__qualname__}",
        }
    )
    datasets.trained_with(run, call, integration.kept)


def _params(model: Any) -> tuple[dict[str, Any], set[str]]:
    """What the constructor was told: `get_params` would draw from a random state given there."""
    base = sys.modules["xgboost.sklearn"].XGBModel
    held = vars(model)
    defaults = {
        name: parameter.default
        for cls in (base, type(model))
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
    }
    params = {name: held[name] for name in defaults if name in held}
    chosen = {name for name, value in params.items() if value is not defaults[name]}
    extra = held.get("kwargs") or {}
    return {**params, **extra}, {*chosen, *extra}


def save(integration: Xgboost, run: Run, call: Call) -> None:
    """The fitted model."""
    if integration.options.models:
        results.save(run, call.instance, integration.options, call.arg("X"), call.arg("y"))
