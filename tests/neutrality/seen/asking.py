"""What the questions share: their list, data, estimators of the user's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.datasets import make_classification

X, y = make_classification(60, 6, random_state=0)
QUESTIONS: list[Callable[[], Any]] = []


def question(function: Callable[[], Any]) -> Callable[[], Any]:
    """Have `function` asked."""
    QUESTIONS.append(function)
    return function


def plain(text: str) -> str:
    """A text without addresses."""
    return re.sub(r"0x[0-9a-f]+", "0x…", text)


class Own(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of the user's own, which does what `inside` says while it is fitted."""

    def __init__(self, inside: Any = None) -> None:
        self.inside = inside

    def fit(self, X: Any, y: Any) -> Own:
        self.seen_ = self.inside() if callable(self.inside) else None
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), int)


class Centred(RegressorMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that passes scikit-learn's own checks, or not, with us as without."""

    def fit(self, X: Any, y: Any = None) -> Centred:
        X = np.asarray(X, float)
        self.n_features_in_ = X.shape[1]
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) - self.mean_

    def predict(self, X: Any) -> Any:
        return np.asarray(X) @ self.mean_
