"""Validations: a table of folds with splits by digest, the same facts under every backend."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
Only = Callable[[], RunView]
BACKENDS = ("sequential", "threading", "loky", "multiprocessing")
pytestmark = pytest.mark.filterwarnings("ignore")


def digest(indices: Any) -> str:
    """As the documentation says it."""
    return hashlib.sha256(np.asarray(indices, dtype="<i8").tobytes()).hexdigest()[:16]


def columns(run: RunView, name: str) -> dict[str, list[Any]]:
    return dict(run.tables[name]["columns"])


def searches() -> Any:
    """A search, two validations, one inside another; what they give, times apart."""
    forest = RandomForestClassifier(5, random_state=0, n_jobs=2)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), forest), {"standardscaler__with_mean": [True, False]}, cv=2
    )
    grid.fit(X, y)
    folds = cross_validate(GaussianNB(), X, y, cv=KFold(3, shuffle=True), return_train_score=True)
    inner = GridSearchCV(LogisticRegression(max_iter=20), {"C": [0.1, 1]}, cv=2)
    nested = cross_val_score(inner, X, y, cv=2)
    predicted = cross_val_predict(GaussianNB(), X, y, cv=4)
    timeless = {k: v for k, v in {**grid.cv_results_, **folds}.items() if "time" not in k}
    return pickle.dumps([timeless, nested, predicted, np.random.get_state()])


def facts(runs: list[RunView]) -> list[Any]:
    """What was recorded, times apart."""
    found = []
    for run in runs:
        tables = {
            name: {k: v for k, v in table["columns"].items() if "time" not in k}
            for name, table in run.tables.items()
        }
        series = {
            key: [(point.step, point.value) for point in run.history(key)]
            for key in run.metrics
            if key != "progress" and "time" not in key
        }
        progress = run.metrics.get("progress"), run.facts("system")["progress_total"].value
        found.append((run.name, run.status, tables, series, progress, dict(run.tags)))
    return found


@pytest.fixture(scope="module")
def plainly() -> Any:
    np.random.seed(3)
    return searches()


@pytest.fixture(scope="module")
def first_facts() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_and_facts_are_the_same_under_every_backend(
    backend: str, plainly: bytes, first_facts: dict[str, Any], runs: Callable[[], list[RunView]]
) -> None:
    np.random.seed(3)
    with joblib.parallel_config(backend, n_jobs=1 if backend == "sequential" else 2):
        assert searches() == plainly
    names = ["GridSearchCV›Pipeline›RandomForestClassifier", "cross_validate", "cross_val_score"]
    assert [run.name for run in runs()] == [*names, "cross_val_predict"]
    found = json.dumps(facts(runs()), sort_keys=True, default=str)
    assert found == first_facts.setdefault("facts", found)
    assert [run.metrics["progress"] for run in runs()] == [4, 3, 2, 4]


def test_the_table_of_folds_names_the_rows_of_each_split(run: Only) -> None:
    given: list[Any] = []

    def once() -> Iterator[Any]:
        for split in KFold(3, shuffle=True, random_state=0).split(X):
            given.append(split)
            yield split

    result = cross_validate(GaussianNB(), X, y, cv=once(), scoring=["accuracy"])
    table = columns(run(), "folds")
    assert table["test_accuracy"] == result["test_accuracy"].tolist()
    assert table["train_digest"] == [digest(train) for train, _ in given]
    assert table["test_digest"] == [digest(test) for _, test in given]
    assert (table["train_size"], table["test_size"]) == ([100] * 3, [50] * 3)
    assert len(given) == 3
    assert "progress_total" not in run().facts("system")  # a generator does not tell


def test_masks_and_lists_count_as_the_rows_that_they_select(run: Only) -> None:
    rows = np.arange(len(y))
    cv = [(rows % 2 == 0, rows % 2 == 1), (rows[rows % 2 == 1].tolist(), rows[::2].astype("i4"))]
    cross_val_score(GaussianNB(), X, y, cv=cv)
    table = columns(run(), "folds")
    assert (
        table["train_digest"]
        == [digest(rows[::2]), digest(rows[1::2])]
        == table["test_digest"][::-1]
    )


def test_a_split_that_comes_twice_has_two_rows(run: Only) -> None:
    ((train, test), *_) = KFold(3, shuffle=True, random_state=0).split(X)
    cross_val_score(GaussianNB(), X, y, cv=[(train, test)] * 2)
    assert columns(run(), "folds")["train_digest"] == [digest(train)] * 2
    assert len(columns(run(), "folds")["test_score"]) == 2


class NoZero(GaussianNB):
    """Fails where there is no sample of class 0."""

    def fit(self, X: Any, y: Any) -> Any:
        if not (y == 0).any():
            raise RuntimeError("there is no 0")
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("scoring", [None, lambda e, X, y: {"a": e.score(X, y), "b": 1.0}])
def test_failed_folds_are_counted_and_say_why(n_jobs: int, scoring: Any, run: Only) -> None:
    backend = "threading" if n_jobs == 2 else "sequential"
    with joblib.parallel_config(backend):
        result = cross_validate(NoZero(), X, y, cv=KFold(3), scoring=scoring, n_jobs=n_jobs)
    assert run().metrics["failed_fits"] == 1
    assert columns(run(), "folds")["fit_error"] == ["RuntimeError: there is no 0", None, None]
    for name in set(result) - {"fit_time", "score_time"}:
        points = run().history(name)
        assert [point.step for point in points] == [0, 1, 2]
        assert np.array_equal([p.value for p in points], result[name], equal_nan=True)


def test_curves_have_their_splits_and_permutations_their_scores(
    runs: Callable[[], list[RunView]],
) -> None:
    learning_curve(GaussianNB(), X, y, cv=2, train_sizes=[0.5, 1.0])
    learning_curve(
        SGDClassifier(), X, y, cv=2, train_sizes=[0.5, 1.0], exploit_incremental_learning=True,
        shuffle=True, random_state=0,
    )  # fmt: skip
    cv = ShuffleSplit(3, random_state=0)
    validation_curve(GaussianNB(), X, y, param_name="var_smoothing", param_range=[0.1, 0.2], cv=cv)
    _, scores, _ = permutation_test_score(GaussianNB(), X, y, n_permutations=4, random_state=0)
    sizes, incremental, values, permuted = runs()
    assert columns(sizes, "splits")["train_size"] == [37, 75, 37, 75]
    assert incremental.metrics["progress"] == 2
    assert columns(values, "splits")["test_digest"] == [digest(test) for _, test in cv.split(X)]
    assert values.facts("system")["progress_total"].value == {"total": 6, "unit": "fit"}
    assert [point.value for point in permuted.history("permutation_score")] == scores.tolist()
    assert permuted.facts("system")["progress_total"].value == {"total": 4, "unit": "fit"}
    assert permuted.metrics["progress"] == 4


class Telling(GaussianNB):
    """Notes what its run holds while it is fitted."""

    seen: list[Any] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any) -> Any:
        (run,) = autolog.search_runs(backend=autolog.api.state.settings.backend[0])  # type: ignore[attr-defined]
        self.seen.append(
            [p.value for p in run.history("test_score")] if "test_score" in run.metrics else []
        )
        return super().fit(X, y)


def test_scores_of_folds_are_there_while_the_others_are_fitted(uri: str, run: Only) -> None:
    Telling.seen.clear()
    scores = cross_val_score(Telling(), X, y, cv=3)
    assert Telling.seen == [scores[:i].tolist() for i in range(3)]
    assert [point.value for point in run().history("test_score")] == scores.tolist()


def test_validations_in_threads_each_have_their_own(runs: Callable[[], list[RunView]]) -> None:
    def validate(folds: int) -> None:
        cross_val_score(GaussianNB(), X, y, cv=folds)

    threads = [threading.Thread(target=validate, args=(folds,)) for folds in (2, 3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(columns(run, "folds")["test_score"]) for run in runs()) == [2, 3, 4, 5]
    assert all(run.metrics["progress"] == run.params["cv"] for run in runs())


def test_light_runs_keep_their_folds_scores_alone(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "1")
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri)
    for _ in range(2):
        cross_val_score(GaussianNB(), X, y, cv=2)
    light = autolog.search_runs(backend=uri)[0]
    assert list(columns(light, "folds")) == ["test_score"]
    assert "progress" not in light.metrics
