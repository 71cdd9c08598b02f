"""What an estimator says of itself after `fit`, searches, validations, failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import (
    cluster,
    decomposition,
    ensemble,
    linear_model,
    model_selection,
    neural_network,
    pipeline,
    preprocessing,
)  # fmt: skip
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
frame = pd.DataFrame(X, columns=list("abcd"))
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")

NUMBERS = [
    (linear_model.LogisticRegression(max_iter=5), {"n_iter": lambda m: m.n_iter_[0]}),
    (
        ensemble.RandomForestClassifier(20, oob_score=True, random_state=0),
        {"oob_score": lambda m: m.oob_score_},
    ),
    (cluster.KMeans(3, n_init=1, random_state=0), {"inertia": lambda m: m.inertia_}),
    (linear_model.Ridge(), {"intercept": lambda m: m.intercept_}),
    (
        model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1]}, cv=2),
        {"best_score": lambda m: m.best_score_, "refit_time": lambda m: m.refit_time_},
    ),
]


@pytest.mark.parametrize(("model", "numbers"), NUMBERS, ids=lambda v: type(v).__name__)
def test_numbers_are_the_estimators_own(model: Any, numbers: dict[str, Any], run: Only) -> None:
    model.fit(X, y)
    for name, of in numbers.items():
        assert run().metrics[name] == of(model)


@pytest.mark.parametrize(
    ("model", "noise"),
    [
        (cluster.DBSCAN(eps=0.4), {"n_noise"}),
        (pipeline.make_pipeline(preprocessing.StandardScaler(), cluster.MeanShift()), set()),
    ],
    ids=["DBSCAN", "MeanShift"],
)
def test_clusters_are_counted_in_the_labels(model: Any, noise: set[str], run: Only) -> None:
    labels = model.fit(X)[-1].labels_ if noise == set() else model.fit(X).labels_
    found = run()
    assert found.metrics["n_clusters"] == len({*labels.tolist()} - {-1})
    assert {key for key in found.metrics if key == "n_noise"} == noise
    for key in noise:
        assert found.metrics[key] == (labels == -1).sum() > 0
        assert "labels_" in found.series[key].info["call"]


def test_what_the_best_params_were_chosen_from(run: Only) -> None:
    grid = {"max_depth": [None, 2], "n_estimators": [2, 3], "bootstrap": [True, False]}
    forest = ensemble.RandomForestClassifier(random_state=0, criterion="gini")
    model_selection.GridSearchCV(forest, {**grid, "criterion": ["gini"]}, cv=2).fit(X, y)
    notes = {key: fact.info.get("note") for key, fact in run().facts("param").items()}
    assert notes["best_max_depth"] == "best of None, 2"
    assert notes["best_n_estimators"] == "best of 2 … 3"
    assert notes["best_bootstrap"] == "best of True, False"
    assert notes["best_criterion"] is None


def test_clusters_that_were_asked_for_are_not_counted(run: Only) -> None:
    cluster.KMeans(3, n_init=1, random_state=0).fit(X)
    assert "n_clusters" not in run().metrics


SERIES = [
    (linear_model.LassoLarsIC(), "criterion", "criterion_", "alpha"),
    (
        neural_network.MLPClassifier((4,), max_iter=5, random_state=0),
        "loss",
        "loss_curve_",
        "epoch",
    ),
    (
        neural_network.MLPClassifier((4,), max_iter=5, early_stopping=True, random_state=0),
        "validation_score",
        "validation_scores_",
        "epoch",
    ),
    (
        ensemble.GradientBoostingRegressor(n_estimators=4),
        "train_score",
        "train_score_",
        "boosting round",
    ),
    (
        ensemble.HistGradientBoostingClassifier(max_iter=3, early_stopping=True),
        "validation_score",
        "validation_score_",
        "boosting round",
    ),
    (
        decomposition.PCA(3),
        "explained_variance_ratio",
        "explained_variance_ratio_",
        "component",
    ),
]


@pytest.mark.parametrize(("model", "key", "attribute", "unit"), SERIES)
def test_series_are_whole_and_have_units(
    model: Any, key: str, attribute: str, unit: str, run: Only
) -> None:
    model.fit(X, y)
    history = run().history(key)
    assert [point.value for point in history] == [float(v) for v in getattr(model, attribute)]
    assert [point.step for point in history] == list(range(len(history)))
    assert history.unit == unit


def test_coefficients_have_the_features_names(run: Only) -> None:
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()
    )
    model.fit(frame, y)
    table = run().tables["coef"]["columns"]
    assert table["feature"] == list("abcd")
    assert table["coef_0"] == model[-1].coef_[0].tolist()
    assert len(table) == 4


def test_importances_of_a_forest(run: Only) -> None:
    model = ensemble.RandomForestClassifier(5, random_state=0).fit(frame, y)
    table = run().tables["feature_importances"]["columns"]
    assert table["feature"] == list("abcd")
    assert table["feature_importances"] == model.feature_importances_.tolist()


def test_features_that_are_made_on_the_way_keep_no_wrong_names(run: Only) -> None:
    steps = preprocessing.PolynomialFeatures(2), linear_model.Ridge()
    pipeline.make_pipeline(*steps).fit(frame, y)
    names = run().tables["coef"]["columns"]["feature"]
    assert len(names) == 15
    assert "a" not in names


def test_a_search_is_one_table_with_its_best(run: Only) -> None:
    grid = {"alpha": [0.01, 0.1, 1.0, 10.0]}
    search = model_selection.GridSearchCV(linear_model.Ridge(), grid, cv=3).fit(X, y)
    found = run()
    table = found.tables["cv_results"]["columns"]
    assert table["param_alpha"] == grid["alpha"]
    assert table["mean_test_score"] == search.cv_results_["mean_test_score"].tolist()
    assert [p.value for p in found.history("mean_test_score")] == table["mean_test_score"]
    assert found.history("mean_test_score").unit == "candidate"
    assert found.params["best_alpha"] == search.best_params_["alpha"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_cross_validation_is_one_run_with_its_folds(n_jobs: int, run: Only) -> None:
    scores = model_selection.cross_validate(
        linear_model.Ridge(alpha=3), X, y, cv=3, n_jobs=n_jobs, return_train_score=True
    )
    found = run()
    assert found.name == "cross_validate"
    assert found.params["alpha"] == 3
    folds = found.tables["folds"]["columns"]
    assert folds["test_score"] == scores["test_score"].tolist()
    assert folds["train_score"] == scores["train_score"].tolist()
    assert found.metrics["mean_test_score"] == scores["test_score"].mean()
    assert found.history("test_score").unit == "fold"


def test_the_other_validations(runs: Runs) -> None:
    ridge = linear_model.Ridge()
    scores = model_selection.cross_val_score(ridge, X, y, cv=3)
    predicted = model_selection.cross_val_predict(ridge, X, y, cv=3)
    model_selection.learning_curve(ridge, X, y, cv=2, train_sizes=[0.5, 1.0])
    model_selection.permutation_test_score(ridge, X, y, cv=2, n_permutations=3)
    names = ["cross_val_score", "cross_val_predict", "learning_curve", "permutation_test_score"]
    assert [run.name for run in runs()] == names
    assert runs()[0].tables["folds"]["columns"]["test_score"] == scores.tolist()
    assert predicted.shape == (150,)
    assert {run.status for run in runs()} == {"finished"}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_searches_and_ensembles_are_one_run_in_whatever_workers(n_jobs: int, runs: Runs) -> None:
    def train() -> list[Any]:
        search = model_selection.GridSearchCV(
            linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs
        ).fit(X, y)
        forest = ensemble.RandomForestClassifier(4, n_jobs=n_jobs, random_state=0).fit(X, y)
        voting = ensemble.VotingClassifier(
            [("a", linear_model.LogisticRegression(max_iter=20)), ("b", forest)], n_jobs=n_jobs
        ).fit(X, y)
        return [
            search.cv_results_["mean_test_score"].tobytes(),
            forest.predict_proba(X).tobytes(),
            voting.estimators_[0].coef_.tobytes(),
        ]

    recorded = train()
    assert [run.name for run in runs()] == [
        "GridSearchCV›Ridge",
        "RandomForestClassifier",
        "VotingClassifier",
    ]
    with autolog.paused():
        assert train() == recorded


class Refuses(BaseEstimator):
    """Fails as it is told."""

    def __init__(self, error: Any = None) -> None:
        self.error = error

    def fit(self, X: Any, y: Any = None) -> Any:
        raise self.error


def test_a_failed_fit_says_why(run: Only) -> None:
    data = X.copy()
    data[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        linear_model.LogisticRegression(C=2).fit(data, y)
    found = run()
    assert found.status == "failed"
    assert found.error is not None
    assert found.error.type == "ValueError"
    assert "Input X contains NaN" in found.error.message
    assert "test_a_failed_fit_says_why" in found.error.traceback
    assert "importlib_bootstrap" not in found.error.traceback
    assert found.params["C"] == 2
    assert found.datasets["data"]["columns"][1]["missing"] == 1
    assert not found.models


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "killed"),
        (SystemExit(3), "failed"),
        (SystemExit(0), "finished"),
        (RuntimeError("no"), "failed"),
        (Warning("as an error"), "failed"),
        (GeneratorExit(), "failed"),
        (StopIteration(7), "failed"),
    ],
    ids=repr,
)
def test_the_status_follows_the_exception(error: BaseException, status: str, run: Only) -> None:
    with pytest.raises(type(error)) as raised:
        Refuses(error).fit(X)
    assert raised.value is error
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert run().status == status
    assert autolog.active_run() is None


def test_an_error_that_cannot_be_printed_does_no_harm(run: Only) -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    error = Unprintable()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AUTOLOG_STRICT")
        with pytest.raises(Unprintable) as raised:
            Refuses(error).fit(X)
    assert raised.value is error
    assert run().status == "failed"


def test_a_failing_candidate_fails_nothing_else(run: Only) -> None:
    grid = {"alpha": [-1.0, 1.0]}
    search = model_selection.GridSearchCV(linear_model.Ridge(), grid, cv=2).fit(X, y)
    assert search.best_params_ == {"alpha": 1.0}
    assert run().status == "finished"
    scores = run().tables["cv_results"]["columns"]["mean_test_score"]
    assert np.isnan(scores[0])
    assert scores[1] == search.best_score_
