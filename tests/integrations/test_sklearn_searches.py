"""Searches of every kind are one run with all that they tried."""

from __future__ import annotations

import gc
import itertools
import time
import weakref
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer
from sklearn.covariance import GraphicalLassoCV
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV
from sklearn.linear_model import (
    ElasticNetCV,
    LassoCV,
    LassoLarsCV,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
)
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import autolog
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


class Ladder(BaseSearchCV):
    """Somebody's search: tries the next value only if the one before was better."""

    def __init__(self, estimator: Any, values: Any, *, cv: Any = None, n_jobs: Any = None) -> None:
        super().__init__(estimator, cv=cv, n_jobs=n_jobs)
        self.values = values

    def _run_search(self, evaluate_candidates: Any) -> None:
        best = -np.inf
        for value in self.values:
            results = evaluate_candidates([{"alpha": value}])
            if results["mean_test_score"][-1] < best:
                break
            best = results["mean_test_score"][-1]


@pytest.mark.parametrize("backend", ["sequential", "threading", "multiprocessing"])
def test_a_search_of_the_programs_own(backend: str, run: Only) -> None:
    with joblib.parallel_config(backend):
        search = Ladder(Ridge(), [100, 10, 1, 0.1, 5], cv=3, n_jobs=2).fit(X, y)
    found, tried = run(), len(search.cv_results_["params"])
    assert columns(found)["param_alpha"] == search.cv_results_["param_alpha"].tolist()
    assert found.params["best_alpha"] == search.best_params_["alpha"]
    assert steps(found, "mean_test_score") == search.cv_results_["mean_test_score"].tolist()
    assert found.facts("system")["progress_total"].value == {"total": 3 * tried, "unit": "fit"}
    assert found.metrics["progress"] == 3 * tried
    assert len(found.tables["splits"]["columns"]["split"]) == 3


def steps(run: RunView, key: str) -> list[Any]:
    """A series' values, whose steps must count up by one."""
    points = run.history(key)
    assert [point.step for point in points] == list(range(len(points)))
    return [point.value for point in points]


def test_candidates_of_mixed_kinds_stand_in_the_table_readably(run: Only) -> None:
    clf = LogisticRegression(max_iter=20)
    pipe = Pipeline([("scale", StandardScaler()), ("clf", clf)])
    grid = [{"clf": [clf], "clf__C": [0.1, 1]}, {"clf": [GaussianNB()], "scale": ["passthrough"]}]
    GridSearchCV(pipe, grid, cv=2).fit(X, y)
    table = columns(run())
    assert [str(name).partition("(")[0] for name in table["param_clf"]] == [
        "LogisticRegression", "LogisticRegression", "GaussianNB",
    ]  # fmt: skip
    assert table["param_clf__C"] == [0.1, 1, None]
    assert table["param_scale"] == [None, None, "passthrough"]


def test_halving_splits_anew_for_each_iteration(run: Only) -> None:
    search = HalvingGridSearchCV(Ridge(), {"alpha": [1, 2, 3, 4]}, cv=2, random_state=0).fit(X, y)
    table = run().tables["splits"]["columns"]
    rounds = len(search.n_resources_)
    assert table["round"] == [number for number in range(rounds) for _ in range(2)]
    total = 2 * sum(search.n_candidates_)
    assert run().facts("system")["progress_total"].value["total"] == total
    assert run().metrics["progress"] == total


class Telling(Ridge):
    """Notes what its run holds while it is fitted."""

    seen: list[Any] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any) -> Any:
        (run,) = autolog.search_runs(backend=self.copy_X)
        points = run.history("mean_test_score") if "mean_test_score" in run.metrics else ()
        self.seen.append([point.value for point in points])
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_of_candidates_are_there_while_the_next_is_fitted(
    n_jobs: int, uri: str, run: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Telling, "_parameter_constraints", {})
    Telling.seen.clear()
    with joblib.parallel_config("threading"):
        search = GridSearchCV(
            Telling(copy_X=uri), {"alpha": [1, 2, 3, 4, 5, 6]}, cv=2, n_jobs=n_jobs, refit=False
        ).fit(X, y)
    means = search.cv_results_["mean_test_score"].tolist()
    assert steps(run(), "mean_test_score") == means
    seen = {len(known) for known in Telling.seen}
    assert seen == set(range(6)) if n_jobs == 1 else len(seen) > 2
    assert run().metrics["progress"] == 12


def test_progress_is_said_often_and_not_too_often(run: Only) -> None:
    class Slow(Ridge):
        def fit(self, X: Any, y: Any) -> Any:
            time.sleep(0.04)
            return super().fit(X, y)

    GridSearchCV(Slow(), {"alpha": [1, 2, 3, 4, 5]}, cv=2).fit(X, y)
    points = run().history("progress")
    assert [point.step for point in points] == [point.value for point in points]
    assert points[-1].value == 10
    assert 2 <= len(points) <= 8
    assert all(b.time - a.time > 0.05 for a, b in itertools.pairwise(points[:-1]))


def test_the_parallel_of_what_is_fitted_inside_does_not_count(run: Only) -> None:
    inner = GridSearchCV(RandomForestClassifier(3, n_jobs=2), {"max_depth": [1, 2]}, cv=2)
    GridSearchCV(inner, {"estimator__n_estimators": [2, 3]}, cv=2).fit(X, y)
    assert run().metrics["progress"] == 4
    assert run().facts("system")["progress_total"].value["total"] == 4


def test_in_a_run_by_hand_and_under_a_pause(uri: str, runs: Callable[[], list[RunView]]) -> None:
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2)
    with autolog.paused():
        search.fit(X, y)
    assert runs() == []
    with autolog.start_run("mine"):
        search.fit(X, y)
    mine, child = sorted(runs(), key=lambda run: run.name != "mine")
    assert child.parent == mine.id
    assert child.metrics["progress"] == mine.metrics["progress"] == 4


def test_nothing_is_left_of_a_search(uri: str) -> None:
    data = np.random.default_rng(0).random((20, 2))
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2)
    with joblib.parallel_config("threading", n_jobs=2):
        search.fit(data, data[:, 0])
    gone = weakref.ref(search), weakref.ref(data)
    autolog.search_runs(backend=uri)
    del search, data
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    autolog.disable()
    assert not hasattr(joblib.parallel.BatchCompletionCallBack.__init__, "_self_old")


def test_a_search_at_the_end_of_a_pipeline(run: Only) -> None:
    first = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", "passthrough", [2])])
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2)
    pipe = make_pipeline(first, search)
    with joblib.parallel_config("threading", n_jobs=2):
        pipe.fit(X, y)
    assert columns(run())["param_alpha"] == [1, 2]
    assert run().params["best_alpha"] == pipe[-1].best_params_["alpha"]
    assert run().metrics["progress"] == 4


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_a_search_that_fails_leaves_what_it_had_tried(backend: str, run: Only) -> None:
    grid = {"alpha": [1, 2, -1]}
    with joblib.parallel_config(backend), pytest.raises(ValueError, match="alpha"):
        GridSearchCV(Ridge(), grid, cv=2, error_score="raise", n_jobs=1).fit(X, y)
    assert run().status == "failed"
    assert columns(run())["param_alpha"] == [1, 2, -1]
    assert len([v for v in columns(run())["mean_test_score"] if v is not None]) == 2
    assert run().metrics["progress"] == 4


def test_why_candidates_failed(run: Only) -> None:
    GridSearchCV(Ridge(), {"alpha": [-1, 1]}, cv=2).fit(X, y)
    assert columns(run())["failed_fits"] == [2, 0]
    assert "alpha" in columns(run())["fit_error"][0]
    assert columns(run())["fit_error"][1] is None
    assert run().metrics["failed_fits"] == 2


def test_a_refit_by_a_function(run: Only) -> None:
    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2, refit=lambda results: 0).fit(X, y)
    assert run().params["best_alpha"] == 1
    assert "best_score" not in run().metrics


@pytest.mark.parametrize(
    ("estimator", "column", "axis"),
    [
        (LassoCV(cv=3, eps=0.1), "split2_test_mse", "alpha"),
        (ElasticNetCV(cv=2, eps=0.1, l1_ratio=[0.1, 0.9]), "split1_test_mse", "l1_ratio"),
        (LassoLarsCV(cv=2), "split0_test_mse", "alpha"),
        (LogisticRegressionCV(Cs=3, cv=2, max_iter=20), "split1_test_score", "C"),
        (RFECV(Ridge(), cv=2, min_features_to_select=2), "split1_test_score", "n_features"),
        (GraphicalLassoCV(cv=2), "split1_test_score", "alphas"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else str(value),
)
def test_folds_that_an_estimator_keeps(estimator: Any, column: str, axis: str, run: Only) -> None:
    estimator.fit(X, y)
    table = columns(run())
    means = next(values for name, values in table.items() if name.startswith("mean_test_"))
    # Before scikit-learn 1.5 `RFECV` does not say how many features there were.
    assert len(table[column]) == len(table.get(axis, means)) == len(means) > 1
    found = next(run().history(key) for key in run().metrics if key.startswith("mean_test_"))
    assert sorted(point.value for point in found) == sorted(means)
    if hasattr(estimator, "mse_path_"):
        assert np.allclose(means, estimator.mse_path_.mean(axis=-1).ravel())


@pytest.mark.parametrize(("most", "count"), [(1, 1), (2, 2), (-1, 3), (9, 3), (0, 0)])
def test_the_best_candidates_are_children_on_request(most: int, count: int, uri: str) -> None:
    autolog.autolog(uri, sklearn={"search_children": most})
    pipe = Pipeline([("clf", LogisticRegression(max_iter=20, C=7))])
    grid = [{"clf__C": [0.001, 1]}, {"clf": [GaussianNB(var_smoothing=0.1)]}]
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    (parent,) = [run for run in autolog.search_runs(backend=uri) if run.parent is None]
    children = parent.children()
    results = search.cv_results_
    assert len(children) == count
    assert [child.metrics["rank_test_score"] for child in children] == sorted(
        results["rank_test_score"]
    )[:count]
    for child in children:
        index = int(child.tags["candidate"])
        assert child.metrics["mean_test_score"] == results["mean_test_score"][index]
        folds = [results[f"split{fold}_test_score"][index] for fold in range(2)]
        assert [point.value for point in child.history("test_score")] == folds
        assert child.status == "finished"
        assert not child.models
        assert child.params.get("clf__C") == {0: 0.001, 1: 1}.get(index)
        assert child.params.get("clf__var_smoothing") == {2: 0.1}.get(index)
        assert child.name == (
            "Pipeline›GaussianNB" if index == 2 else "Pipeline›LogisticRegression"
        )
    best = [child.id for child in children if int(child.tags["candidate"]) == search.best_index_]
    assert [value for key, value in parent.tags.items() if key == "best_child"] == best


def test_bayes_search_of_scikit_optimize(run: Only) -> None:
    skopt = pytest.importorskip("skopt")
    search = skopt.BayesSearchCV(Ridge(), {"alpha": (0.1, 10.0)}, n_iter=3, cv=2, random_state=0)
    search.fit(X, y)
    assert columns(run())["param_alpha"] == list(search.cv_results_["param_alpha"])
    assert run().params["best_alpha"] == search.best_params_["alpha"]
    assert run().metrics["progress"] == 6


def test_a_halving_search_imported_before_and_after_enabling(program: Any) -> None:
    source = """
import autolog
{before}
autolog.autolog()
{after}
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
X, y = load_iris(return_X_y=True)
HalvingRandomSearchCV(Ridge(), {{"alpha": [1, 2, 3, 4]}}, random_state=0, cv=2).fit(X, y)
"""
    lines = (
        "from sklearn.experimental import enable_halving_search_cv\n"
        "from sklearn.model_selection import HalvingRandomSearchCV"
    )
    for before, after in ((lines, ""), ("", lines)):
        _, found = program(source.format(before=before, after=after))
        assert found[-1].name == "HalvingRandomSearchCV›Ridge"
        assert set(found[-1].tables["cv_results"]["columns"]) > {"iter", "n_resources"}
