"""Metrics on the training data, on request: the only place where a model is called by us."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from autolog.live import Run
from autolog.reporting import guarded

from .params import kind_of

Score = Callable[[], float]


def report(run: Run, estimator: Any, data: Any, target: Any, weight: Any) -> None:
    """`training_accuracy_score` and its like, under MLflow's names.

    Calls the fitted model's `predict`, `predict_proba` and `score` on all training data, which
    costs what they cost. What a model cannot do is left out.
    """
    kind = kind_of(estimator)
    if target is None or kind not in ("classifier", "regressor"):
        return
    metrics = sys.modules.get("sklearn.metrics")
    if metrics is None:
        from importlib import import_module

        metrics = import_module("sklearn.metrics")
    scores = _classifier if kind == "classifier" else _regressor
    found = scores(metrics, target, estimator.predict(data), weight)
    if kind == "classifier" and hasattr(estimator, "predict_proba"):
        found |= _probable(metrics, target, estimator.predict_proba(data), weight)
    given = {} if weight is None else {"sample_weight": weight}
    found["score"] = partial(estimator.score, data, target, **given)
    for name, score in found.items():
        _log(run, f"training_{name}", score)


def _classifier(metrics: Any, y: Any, predicted: Any, weight: Any) -> dict[str, Score]:
    """Averages are weighted by the classes' sizes, as MLflow's are."""
    averaged = {"sample_weight": weight, "average": "weighted", "zero_division": 0}
    names = ("precision_score", "recall_score", "f1_score")
    found = {name: partial(getattr(metrics, name), y, predicted, **averaged) for name in names}
    accuracy = partial(metrics.accuracy_score, y, predicted, sample_weight=weight)
    return {**found, "accuracy_score": accuracy}


def _regressor(metrics: Any, y: Any, predicted: Any, weight: Any) -> dict[str, Score]:
    names = ("mean_squared_error", "mean_absolute_error", "r2_score")
    found: dict[str, Score] = {
        name: partial(getattr(metrics, name), y, predicted, sample_weight=weight) for name in names
    }
    squared = found["mean_squared_error"]
    return {**found, "root_mean_squared_error": lambda: squared() ** 0.5}


def _probable(metrics: Any, y: Any, chances: Any, weight: Any) -> dict[str, Score]:
    binary = getattr(chances, "ndim", 0) == 2 and chances.shape[1] == 2
    scores = chances[:, 1] if binary else chances
    auc = partial(metrics.roc_auc_score, y, scores, sample_weight=weight)
    return {
        "log_loss": partial(metrics.log_loss, y, chances, sample_weight=weight),
        "roc_auc": partial(auc, average="weighted", multi_class="ovo"),
    }


def _log(run: Run, name: str, score: Score) -> None:
    with guarded(name):
        try:
            run.log_metric(name, float(score()))
        except (ValueError, TypeError, AttributeError):
            return  # what this target or model does not have: several outputs, one class alone
