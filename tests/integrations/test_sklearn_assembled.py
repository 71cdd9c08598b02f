"""Predictions of all folds in one array: its metrics stand on the newest of their runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import KFold

import autolog
from autolog.view import RunView

Runs = Callable[[], list[RunView]]
X, y = load_breast_cancer(return_X_y=True)
X = X / X.max(0)
few = slice(None, None, 4)
pytestmark = pytest.mark.filterwarnings("ignore")


def folds(count: int, of: Any) -> Any:
    return KFold(count, shuffle=True, random_state=0).split(of)


def link(run: RunView, key: str) -> Any:
    return run.series[key].info["link"]


def test_fractions_of_all_folds(runs: Runs) -> None:
    oof, test = np.zeros(len(y)), np.zeros(30)
    for train, valid in folds(5, X):
        clf = LogisticRegression().fit(X[train], y[train])
        oof[valid] = clf.predict_proba(X[valid])[:, 1]
        test += clf.predict_proba(X[:30])[:, 1] / 5
    auc = roc_auc_score(y, oof)
    accuracy_score(y[:30], test > 0.5)
    *others, last = runs()
    assert last.metrics["roc_auc_score_oof"] == auc
    assert link(last, "roc_auc_score_oof") == "by value"
    assert "accuracy_score_test > 0.5" not in last.metrics
    assert not any("oof" in key for run in others for key in run.metrics)
    assert "oof" not in last.datasets


def test_labels_and_classes_of_all_folds(runs: Runs) -> None:
    data, target = load_iris(return_X_y=True)
    P, labels = np.zeros((len(data), 3)), np.zeros(len(data))
    for train, valid in folds(3, data):
        model = LogisticRegression().fit(data[train], target[train])
        P[valid] = model.predict_proba(data[valid])
        labels[valid] = model.predict(data[valid])
    found = {
        "log_loss_P": log_loss(target, P),
        "accuracy_score_labels": accuracy_score(target, labels),
        "accuracy_score_P.argmax(1)": accuracy_score(target, P.argmax(1)),
    }
    last = runs()[-1]
    assert {key: last.metrics.get(key) for key in found} == found
    sure = {key: link(last, key) == "by value" for key in found}
    assert sure == {key: key == "log_loss_P" for key in found}


@pytest.mark.parametrize("what", ["other", "part", "one model"])
def test_what_is_no_assembly_is_nobody_s(what: str, runs: Runs) -> None:
    oof = np.zeros(len(y))
    model = LogisticRegression().fit(X, y)
    for train, valid in folds(3, X):
        if what != "one model":
            model = LogisticRegression().fit(X[train], y[train])
        oof[valid] = model.predict_proba(X[valid])[:, 1]
    given = {"other": oof**2 + np.arange(len(y)) % 7, "part": oof[:-1], "one model": oof}[what]
    roc_auc_score(y[: len(given)], given)
    assert not any("given" in key for run in runs() for key in run.metrics)


def test_a_run_by_hand_around_the_folds_has_it(runs: Runs) -> None:
    oof = np.zeros(len(y[few]))
    with autolog.start_run("all folds"):
        for train, valid in folds(2, X[few]):
            model = LogisticRegression().fit(X[few][train], y[few][train])
            oof[valid] = model.predict_proba(X[few][valid])[:, 1]
        auc = roc_auc_score(y[few], oof)
    (parent,) = [run for run in runs() if run.name == "all folds"]
    assert parent.metrics["roc_auc_score"] == auc
