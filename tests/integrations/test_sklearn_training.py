"""Metrics on the training data, which are computed on request alone."""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import autolog
from autolog import reporting


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


SET = {
    "precision_score", "recall_score", "f1_score", "accuracy_score", "log_loss", "roc_auc", "score"
}  # fmt: skip


def of_training() -> set[str]:
    return {name.removeprefix("training_") for name in logged() if name.startswith("training_")}


def test_the_set_is_the_same_for_names_as_labels() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.array(["malignant", "benign"])[y]
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    for target in (labels, labels.tolist(), pd.Series(labels), pd.Categorical(labels)):
        steps.fit(X, target)
        assert of_training() == SET
    steps.fit(pl.DataFrame(X), pl.Series(labels))
    assert of_training() == SET
    GridSearchCV(steps, {"logisticregression__C": [0.1, 1]}, cv=2).fit(X, labels)
    assert of_training() == SET


def test_a_positive_class_has_its_own(store: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = X / X.max(axis=0)
    labels = np.array(["bad", "good"])[y]
    for target, chosen in ((labels, "good"), (labels, "bad"), (y, 0), (y, "1")):
        autolog.autolog(str(store), sklearn={"training_metrics": True, "pos_label": chosen})
        weight = np.linspace(1, 2, len(y))
        model = LogisticRegression(max_iter=500).fit(X, target, sample_weight=weight)
        found = logged()
        with autolog.paused():
            for name in ("precision_score", "recall_score", "f1_score"):
                score = getattr(metrics, name)
                label = chosen if target is labels else int(chosen)
                expected = score(target, model.predict(X), pos_label=label, sample_weight=weight)
                assert found[f"training_{name}"] == expected


def test_a_wrong_positive_class_loses_its_three_alone(store: Path) -> None:
    autolog.autolog(str(store), sklearn={"training_metrics": True, "pos_label": "neither"})
    X, y = load_breast_cancer(return_X_y=True)
    LogisticRegression(max_iter=3000).fit(X, y)
    assert of_training() == SET - {"precision_score", "recall_score", "f1_score"}


def test_several_outputs_have_what_can_be_told() -> None:
    X, y = load_iris(return_X_y=True)
    Ridge().fit(X[:, :2], X[:, 2:])
    errors = {f"mean_{kind}_error" for kind in ("squared", "absolute")}
    assert of_training() == {*errors, "root_mean_squared_error", "r2_score", "score"}
    both = np.stack([y == 0, y == 1], axis=1).astype(int)
    DummyClassifier().fit(X, both)
    assert {"accuracy_score", "f1_score"} <= of_training()


def test_without_labels_there_is_nothing_to_score() -> None:
    X, y = load_iris(return_X_y=True)
    KMeans(2, n_init=1, random_state=0).fit_predict(X)
    assert not of_training()
    KMeans(2, n_init=1, random_state=0).fit(X, y)
    assert of_training() == {"score"}  # as MLflow has it


def test_two_ways_into_the_same(store: Path) -> None:
    X, y = load_iris(return_X_y=True)
    svc = SVC().fit(X=X, y=y)
    assert of_training() == SET - {"log_loss", "roc_auc"}
    assert logged()["training_score"] == svc.score(X, y)


class Loud(ClassifierMixin, BaseEstimator):
    """Prints, warns and draws random numbers when asked, and fails if it was told to."""

    def __init__(self, generator: Any = None, state: Any = None, error: Any = None) -> None:
        self.generator = generator
        self.state = state
        self.error = error

    def fit(self, X: Any, y: Any) -> Loud:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.writelines(["more"])
        warnings.warn("loud", stacklevel=1)
        draws = random.random() + np.random.rand()
        if self.generator is not None:
            draws += self.generator.random() + self.state.rand()
        if self.error is not None:
            raise self.error
        return np.where(np.arange(len(X)) % 3 == 0, 1, 0) if draws else None


def test_nobody_hears_and_no_random_number_is_used_up(capfd: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = Loud(np.random.default_rng(0), np.random.RandomState(0))
    sys.stdout.write("")

    def state() -> Any:
        held = model.generator.bit_generator.state, model.state.get_state(legacy=False)
        return repr((random.getstate(), np.random.get_state(legacy=False), *held))

    before, filters, out = state(), [*warnings.filters], sys.stdout
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
        assert "training_f1_score" in logged()
        DummyClassifier(strategy="constant", constant=1).fit(X, y)  # warns of precision
        assert "training_precision_score" in logged()
    assert state() == before
    assert [*warnings.filters] == filters
    assert sys.stdout is out
    assert capfd.readouterr() == ("", "")


def test_what_the_program_does_itself_is_heard_as_before() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = Loud().fit(X, y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(X)
    assert [str(one.message) for one in caught] == ["loud"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), ValueError("broken"), MemoryError()])
def test_an_error_of_the_model_is_told_and_loses_nothing_else(error: Any, capfd: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    Loud(error=error).fit(X, y)
    run = autolog.get_run("@latest")
    assert (run.status, run.models["model"]["path"]) == ("finished", "model")
    assert not of_training()
    (note,) = [n for n in reporting.notes() if n.place.startswith("asking the model")]
    assert type(error).__name__ in note.text
    assert capfd.readouterr().err.count("asking the model") == 1


def test_it_is_what_mlflow_computes(store: Path) -> None:
    theirs = pytest.importorskip("mlflow.sklearn.utils")
    X, y = load_breast_cancer(return_X_y=True)
    X = X / X.max(axis=0)
    weight = np.linspace(0.5, 2, len(y))
    iris, kinds = load_iris(return_X_y=True)
    for data, target, given, chosen in (
        (X, y, None, None),
        (X, y, weight, 1),
        (X, np.array(["no", "yes"])[y], weight, None),
        (iris, kinds, None, None),
    ):
        autolog.autolog(str(store), sklearn={"training_metrics": True, "pos_label": chosen})
        model = LogisticRegression(max_iter=500).fit(data, target, sample_weight=given)
        found = logged()
        with autolog.paused():
            expected = theirs._get_classifier_metrics(
                model, "training_", data, target, given, chosen
            )
        assert {name: found[name] for name in expected} == expected
        assert {n for n in found if n.startswith("training_")} == {*expected, "training_score"}
    C, d = load_diabetes(return_X_y=True)
    ridge = Ridge().fit(C, d)
    found = logged()
    with autolog.paused():
        expected = theirs._get_regressor_metrics(ridge, "training_", C, d, None)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=0)
