"""All libraries in one program, one after the other, below a run and in threads."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autolog
from autolog.view import RunView

for _library in ("xgboost", "lightgbm", "keras", "torch"):
    if importlib.util.find_spec(_library) is None:
        pytest.skip(f"needs {_library}", allow_module_level=True)

Job = Callable[[], float]

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


def xgboost_classifier() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=4, n_jobs=1)


def lightgbm_classifier() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=4, n_jobs=1, verbose=-1)


def judged(model: Any) -> float:
    """Fits a classifier and judges it on the test data."""
    model.fit(X_train, y_train)
    return float(accuracy_score(y_test, model.predict(X_test)))


def native_xgboost() -> float:
    import xgboost

    dtrain = xgboost.DMatrix(X_train, label=y_train)
    dtest = xgboost.DMatrix(X_test, label=y_test)
    params = {"objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(params, dtrain, 4, evals=[(dtest, "test")], verbose_eval=False)
    return float(accuracy_score(y_test, booster.predict(dtest) > 0.5))


def native_lightgbm() -> float:
    import lightgbm

    train_set = lightgbm.Dataset(X_train, y_train)
    test_set = lightgbm.Dataset(X_test, y_test, reference=train_set)
    params = {"objective": "binary", "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(params, train_set, 4, valid_sets=[test_set])
    return float(accuracy_score(y_test, np.asarray(booster.predict(X_test)) > 0.5))


def network() -> float:
    import keras

    scaled = StandardScaler().fit(X_train)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(scaled.transform(X_train), y_train, epochs=2, verbose=0)
    return float(accuracy_score(y_test, model.predict(scaled.transform(X_test), verbose=0) > 0.5))


def ensemble() -> float:
    members = [("xgb", xgboost_classifier()), ("lgb", lightgbm_classifier())]
    return judged(VotingClassifier(members, voting="soft"))


def search() -> float:
    model = make_pipeline(StandardScaler(), xgboost_classifier())
    return judged(GridSearchCV(model, {"xgbclassifier__max_depth": [2, 3]}, cv=2))


def validation() -> float:
    return float(cross_val_score(lightgbm_classifier(), X_train, y_train, cv=2).mean())


JOBS: dict[str, Job] = {
    "LogisticRegression": lambda: judged(LogisticRegression(solver="liblinear")),
    "XGBClassifier": lambda: judged(xgboost_classifier()),
    "LGBMClassifier": lambda: judged(lightgbm_classifier()),
    "xgboost.train": native_xgboost,
    "lightgbm.train": native_lightgbm,
    "Sequential": network,
    "VotingClassifier": ensemble,
    "GridSearchCV›Pipeline›XGBClassifier": search,
    "cross_val_score": validation,
}
"""What each library trains, by the name of the one run that it leaves."""

JUDGED = {name for name in JOBS if name != "cross_val_score"}


def check(found: list[RunView], scores: dict[str, float], parent: str | None) -> None:
    """One run for each job, with the accuracy that the job saw, and no other run."""
    names = Counter(run.name for run in found)
    assert names == Counter(list(JOBS))
    assert {run.status for run in found} == {"finished"}
    assert {run.parent for run in found} == {parent}
    told = Counter(
        value
        for run in found
        for key, value in run.metrics.items()
        if key.startswith("accuracy_score")
    )
    assert told == Counter(scores[name] for name in JUDGED)


@pytest.fixture(scope="module", autouse=True)
def once() -> None:
    """Without recording: what is built on the first use is not built in several threads at once."""
    for job in JOBS.values():
        job()


def test_one_after_the_other(runs: Any) -> None:
    scores = {name: job() for name, job in JOBS.items()}
    check(runs(), scores, None)


def test_below_a_run_opened_by_hand(runs: Any) -> None:
    with autolog.start_run("all of them") as outer:
        scores = {name: job() for name, job in JOBS.items()}
    check([run for run in runs() if run.id != outer.id], scores, outer.id)


def test_in_threads(runs: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = {name: pool.submit(job) for name, job in JOBS.items()}
        scores = {name: job.result() for name, job in jobs.items()}
    check(runs(), scores, None)
