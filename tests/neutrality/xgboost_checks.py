"""XGBoost's own checks (`xgboost.testing`, part of its wheel) and scikit-learn's of its classes.

`python -m tests.neutrality.run xgboost_checks`. XGBoost's tests themselves are not in any package;
these functions are what they call, with assertions inside.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pandas
import pytest
import xgboost
import xgboost.testing
from sklearn.utils.estimator_checks import parametrize_with_checks

ELSEWHERE = ("dask", "federated")
"""Modules whose checks need a cluster."""

VALUES: dict[str, tuple[Any, ...]] = {
    "device": ("cpu",),
    "tree_method": ("hist",),
    "weighted": (False, True),
    "DMatrixT": (xgboost.DMatrix, xgboost.QuantileDMatrix),
    "n_samples": (100,),
    "learning_rate": (None, 0.3),
    "sampling_method": ("uniform",),
    "grow_policy": ("lossguide",),
    "impl": (pandas,),
    "objective": ("reg:squarederror",),
}
"""What the checks are given by the names of their parameters."""


def checks() -> Iterator[Any]:
    """Each check with each of its arguments that are known here."""
    for module in pkgutil.iter_modules(xgboost.testing.__path__):
        if module.name in ELSEWHERE:
            continue
        try:
            loaded = importlib.import_module(f"xgboost.testing.{module.name}")
        except ImportError:
            continue
        for name, function in sorted(vars(loaded).items()):
            own = getattr(function, "__module__", "") == loaded.__name__
            if own and name.startswith(("run_", "check_")):
                yield from arguments(f"{module.name}.{name}", function)


def arguments(name: str, function: Callable[..., Any]) -> Iterator[Any]:
    """One test for each combination; none where a parameter is unknown."""
    names = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    if set(names) <= {*VALUES, "rng"}:
        known = [name for name in names if name != "rng"]
        for values in itertools.product(*(VALUES[name] for name in known)):
            given = dict(zip(known, values, strict=True))
            words = [getattr(value, "__name__", str(value)) for value in values]
            yield pytest.param(function, given, "rng" in names, id="-".join([name, *words]))


@pytest.mark.parametrize(("function", "given", "random"), checks())
def test_xgboost(function: Callable[..., Any], given: dict[str, Any], random: bool) -> None:
    """One check of XGBoost's own."""
    more = {"rng": numpy.random.default_rng(0)} if random else {}
    function(**given, **more)


@parametrize_with_checks(
    [
        xgboost.XGBClassifier(n_estimators=2, n_jobs=1),
        xgboost.XGBRegressor(n_estimators=2, n_jobs=1),
        xgboost.XGBRFClassifier(n_estimators=2, n_jobs=1),
        xgboost.XGBRFRegressor(n_estimators=2, n_jobs=1),
    ]
)
def test_estimators(estimator: Any, check: Callable[[Any], None]) -> None:
    """One of scikit-learn's common checks of estimators."""
    check(estimator)
