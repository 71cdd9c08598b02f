"""A small model and its data, and how a metric of a run is known: for tests of predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn import linear_model, model_selection
from sklearn.datasets import load_breast_cancer, load_diabetes

from autolog.view import RunView

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = model_selection.train_test_split(X, y, random_state=0)
R, target = load_diabetes(return_X_y=True)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]


def model(**params: Any) -> Any:
    """A classifier of the training part."""
    return linear_model.LogisticRegression(solver="liblinear", **params).fit(X_train, y_train)


def told(run: RunView, key: str) -> dict[str, Any]:
    """How a metric is known."""
    return dict(run.series[key].info)
