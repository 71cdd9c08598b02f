"""Metrics on the training data, which are computed on request alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

import autolog


@pytest.fixture(autouse=True)
def recording(store: Path) -> None:
    autolog.autolog(backend=str(store), sklearn={"training_metrics": True})


def logged() -> dict[str, float]:
    return dict(autolog.get_run("@latest").metrics)


def test_a_classifier_has_mlflows_set() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=5000).fit(X, y)
    found = logged()
    with autolog.paused():
        predicted, chances = model.predict(X), model.predict_proba(X)
    assert found["training_accuracy_score"] == metrics.accuracy_score(y, predicted)
    for name in ("precision_score", "recall_score", "f1_score"):
        expected = getattr(metrics, name)(y, predicted, average="weighted")
        assert found[f"training_{name}"] == expected
    assert found["training_log_loss"] == metrics.log_loss(y, chances)
    assert found["training_roc_auc"] == metrics.roc_auc_score(y, chances[:, 1])
    assert found["training_score"] == found["training_accuracy_score"]


def test_several_classes_and_weights() -> None:
    X, y = load_iris(return_X_y=True)
    weight = np.linspace(0.1, 2, len(y))
    model = LogisticRegression(max_iter=500).fit(X, y, sample_weight=weight)
    found = logged()
    with autolog.paused():
        expected = metrics.accuracy_score(y, model.predict(X), sample_weight=weight)
    assert found["training_accuracy_score"] == expected


def test_a_regressor_has_mlflows_set() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = Ridge().fit(X, y)
    found = logged()
    with autolog.paused():
        predicted = model.predict(X)
    assert found["training_mean_squared_error"] == metrics.mean_squared_error(y, predicted)
    assert found["training_mean_absolute_error"] == metrics.mean_absolute_error(y, predicted)
    assert found["training_r2_score"] == metrics.r2_score(y, predicted)
    assert found["training_root_mean_squared_error"] == pytest.approx(
        metrics.mean_squared_error(y, predicted) ** 0.5
    )


def test_a_model_without_probabilities_has_the_others() -> None:
    X, y = load_iris(return_X_y=True)
    LinearSVC(random_state=0).fit(X, y)
    found = logged()
    assert "training_accuracy_score" in found
    assert "training_log_loss" not in found


def test_nothing_is_called_unless_asked(store: Path) -> None:
    autolog.autolog(backend=str(store), sklearn={"training_metrics": False})
    X, y = load_iris(return_X_y=True)
    LogisticRegression(max_iter=500).fit(X, y)
    assert not [name for name in logged() if name.startswith("training_")]
