"""What the libraries' own tests brought to light, each as the smallest program that shows it."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import autolog
from autolog import reporting

X, y = np.eye(4), np.array([0, 1, 0, 1])


@pytest.fixture(autouse=True)
def recording(store: Path) -> None:
    """Every fit leaves a run in `store`; what goes wrong in a hook is raised."""
    autolog.autolog(backend=store)


@pytest.mark.parametrize(
    "steps",
    [
        [("scale", StandardScaler()), ("model", LogisticRegression)],
        [(0, StandardScaler()), (1, LogisticRegression(C=2.0))],
    ],
    ids=["a class for an object", "numbers for names"],
)
def test_steps_that_fit_refuses_are_read_without_a_note(steps: list[Any], store: Path) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError)):
        Pipeline(steps).fit(X, y)
    run = autolog.get_run("@latest", backend=store)
    assert run.status == "failed"
    assert run.params["verbose"] is False
    assert not reporting.notes()


class Chain(BaseEstimator):
    """Has `steps` that are no pairs of name and estimator."""

    def __init__(self, steps: Any = None) -> None:
        self.steps = steps

    def fit(self, X: Any, y: Any) -> Chain:
        self.coef_ = self.steps[-1].fit(X, y).coef_
        return self


def test_what_is_called_steps_need_not_be_a_pipelines(store: Path) -> None:
    Chain([StandardScaler(), LogisticRegression()]).fit(X, y)
    assert autolog.get_run("@latest", backend=store).name == "Chain"


def test_a_part_of_a_booster_trained_alone_has_no_iterations(store: Path) -> None:
    _BinMapper(n_bins=4).fit(X)
    assert "n_iter" not in autolog.get_run("@latest", backend=store).metrics
    assert not reporting.notes()


def test_a_ridge_with_one_alpha_that_is_no_list(store: Path) -> None:
    RidgeCV(alphas=1, store_cv_results=True).fit(X, y)
    assert autolog.get_run("@latest", backend=store).status == "finished"
    assert not reporting.notes()


class Judge(ClassifierMixin):
    """Shares `score` with scikit-learn's classifiers and is no estimator."""

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), int)


def test_a_mixins_method_is_hooked_on_the_mixin_for_estimators_alone(store: Path) -> None:
    assert "score" not in vars(LogisticRegression)
    assert "predict" not in vars(LogisticRegression)
    assert Judge().score(X, y) == 0.5
    assert not autolog.search_runs(backend=store)
    model = LogisticRegression().fit(X, y)
    assert model.score(X, y) in autolog.get_run("@latest", backend=store).metrics.values()
    assert type(vars(ClassifierMixin)["score"]) is not FunctionType
    autolog.disable()
    assert type(vars(ClassifierMixin)["score"]) is FunctionType


def test_a_trainer_of_keras_that_is_no_model_has_layers_too(store: Path) -> None:
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    from keras.src.backend.torch.trainer import TorchTrainer as Trainer

    class Example(Trainer, keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            keras.layers.Layer.__init__(self)
            Trainer.__init__(self)
            self.dense = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Example()
    model.compile("sgd", "mse")
    model.fit(X, y, verbose=0)
    run = autolog.get_run("@latest", backend=store)
    assert run.tables["layers"]["columns"]["class"] == ["Dense"]
    assert not reporting.notes()
