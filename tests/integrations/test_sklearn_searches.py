"""Searches of every kind are one run with all that they tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

from autolog.view import RunView

X, y = load_iris(return_X_y=True)
Only = Callable[[], RunView]
pytestmark = pytest.mark.filterwarnings("ignore")


def columns(run: RunView) -> dict[str, list[Any]]:
    return dict(run.tables["cv_results"]["columns"])


def test_halving_tells_its_rounds(run: Only) -> None:
    grid = {"max_depth": [2, 3, 4]}
    forest = RandomForestClassifier(random_state=0)
    search = HalvingGridSearchCV(forest, grid, resource="n_estimators", max_resources=9, cv=2)
    search.fit(X, y)
    found, results = run(), search.cv_results_
    assert columns(found)["iter"] == results["iter"].tolist()
    assert columns(found)["param_n_estimators"] == results["param_n_estimators"].tolist()
    assert found.params["best_max_depth"] == search.best_params_["max_depth"]
    assert found.metrics["best_score"] == search.best_score_
    assert len(found.history("mean_test_score")) == len(results["iter"]) > 3


def test_a_randomized_search_without_a_refit(run: Only) -> None:
    search = RandomizedSearchCV(
        Ridge(), {"alpha": loguniform(0.01, 10)}, n_iter=4, random_state=0, cv=2, refit=False
    ).fit(X, y)
    found = run()
    assert columns(found)["param_alpha"] == search.cv_results_["param_alpha"].tolist()
    assert found.params["best_alpha"] == search.best_params_["alpha"]
    assert found.metrics["best_score"] == search.best_score_


@pytest.mark.parametrize("refit", [False, "f1_macro"])
def test_several_metrics_each_have_a_series_and_a_best(refit: Any, run: Only) -> None:
    grid = {"C": [0.01, 1, 5]}
    scoring = ["accuracy", "f1_macro"]
    search = GridSearchCV(
        LogisticRegression(max_iter=20), grid, scoring=scoring, refit=refit, cv=2
    ).fit(X, y)
    found = run()
    for name in scoring:
        scores = search.cv_results_[f"mean_test_{name}"].tolist()
        assert [point.value for point in found.history(f"mean_test_{name}")] == scores
        assert found.metrics[f"best_{name}"] == max(scores)
    assert ("best_score" in found.metrics) == bool(refit)
    assert ("best_C" in found.params) == bool(refit)


def test_failed_candidates_take_no_part_in_the_best(run: Only) -> None:
    scoring = {"one": "r2", "two": "neg_mean_squared_error"}
    search = GridSearchCV(Ridge(), {"alpha": [-1, 1]}, scoring=scoring, refit="one", cv=2)
    search.fit(X, y)
    found = run()
    assert np.isnan(columns(found)["mean_test_two"][0])
    assert found.metrics["best_two"] == search.cv_results_["mean_test_two"][1]
    assert found.status == "finished"


def test_scorers_inside_a_search_stay_silent(run: Only) -> None:
    scorer = make_scorer(accuracy_score)
    search = GridSearchCV(LogisticRegression(max_iter=20), {"C": [1]}, scoring=scorer, cv=2)
    search.fit(X, y)
    assert not [key for key in run().metrics if key.startswith("accuracy_score")]
