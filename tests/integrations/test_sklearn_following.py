"""How what a metric is given is known to come from a prediction: exactly, by value, probably."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import (
    ensemble,
    linear_model,
    neighbors,
    pipeline,
    preprocessing,
)
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn_small import Only, Runs, X_test, X_train, model, told, y_test, y_train

import autolog
from autolog.reporting import notes

pytestmark = pytest.mark.filterwarnings("ignore")


# -- what is given to them ---------------------------------------------------------------------

EXACT = {
    "a slice": lambda p: (y_test[:20], p[:20]),
    "a column": lambda p: (y_test, p.reshape(-1, 1)[:, 0]),
    "a series of it": lambda p: (y_test, pd.Series(p, copy=False)),
    "backwards": lambda p: (y_test[::-1], p[::-1]),
    "a view by name": lambda p: (y_test, p.view()),
}
BY_VALUE = {
    "a list": lambda p: (y_test, list(p)),
    "a list of numbers": lambda p: (y_test, p.tolist()),
    "a tuple": lambda p: (y_test, tuple(p.tolist())),
    "a copy": lambda p: (y_test, np.array(p)),
    "another type": lambda p: (y_test, p.astype(float)),
    "a series": lambda p: (y_test, pd.Series(p.copy())),
    "an indexed series": lambda p: (y_test, pd.Series(p.copy(), index=range(7, 7 + len(p)))),
    "other labels": lambda p: (y_test + 5, p + 5),
    "a part of a list": lambda p: (y_test[20:90], p.tolist()[20:90]),
}
PROBABLE = {
    "another order": lambda p: (np.sort(y_test), np.sort(p)),
    "a function of it": lambda p: (y_test, np.where(p > 0, 1, 1)),
}


@pytest.mark.parametrize("made", EXACT.values(), ids=EXACT.keys())
def test_the_same_memory_is_exact(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "exact"


@pytest.mark.parametrize("made", BY_VALUE.values(), ids=BY_VALUE.keys())
def test_copies_are_known_by_value(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "by value"
    assert not run().series["accuracy_score_X_test"].probable


@pytest.mark.parametrize("made", PROBABLE.values(), ids=PROBABLE.keys())
def test_as_many_rows_are_only_probable(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "probable"


OF_PROBABILITIES = {
    "argmax": lambda p, names: p.argmax(1),
    "argmax's names": lambda p, names: names[p.argmax(1)],
    "threshold": lambda p, names: p[:, 1] > 0.3,
    "threshold as numbers": lambda p, names: (p[:, 1] >= 0.7).astype(int),
    "names by threshold": lambda p, names: np.where(p[:, 1] > 0.4, names[1], names[0]),
    "low side": lambda p, names: p[:, 0] < 0.2,
}


@pytest.mark.parametrize("made", OF_PROBABILITIES.values(), ids=OF_PROBABILITIES.keys())
def test_labels_made_of_probabilities(made: Callable[..., Any], run: Only) -> None:
    names = np.array(["benign", "malign"])
    clf = linear_model.LogisticRegression(solver="liblinear").fit(X_train, names[y_train])
    p = clf.predict_proba(X_test)
    labels = made(p, names)
    value = accuracy_score(names[y_test] if labels.dtype.kind == "U" else y_test == 1, labels == 1
                           if labels.dtype.kind != "U" else labels)  # fmt: skip
    assert run().metrics["accuracy_score_X_test"] == value
    assert told(run(), "accuracy_score_X_test")["link"] == "by value"


def test_the_column_of_a_lost_output(run: Only) -> None:
    scores = model().predict_proba(X_test)[:, 1]
    gc.collect()
    roc_auc_score(y_test, scores)
    roc_auc_score(y_test, scores.tolist())
    assert told(run(), "roc_auc_score_X_test")["link"] == "exact"
    assert told(run(), "roc_auc_score-2_X_test")["link"] == "by value"


class Turned(ClassifierMixin, BaseEstimator):
    """Gives a view whose own memory has another shape."""

    def fit(self, X: Any, y: Any) -> Any:
        self.inner_ = linear_model.LogisticRegression(solver="liblinear").fit(X, y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.array(self.inner_.predict_proba(X).T, order="C").T


def test_a_lost_view_of_memory_that_lives(run: Only) -> None:
    scores = Turned().fit(X_train, y_train).predict_proba(X_test)[:, 1]
    gc.collect()
    roc_auc_score(y_test, scores)
    accuracy_score(y_test, (scores > 0.4).tolist())
    assert told(run(), "roc_auc_score_X_test")["link"] == "exact"
    assert told(run(), "accuracy_score_X_test")["link"] == "by value"


def test_what_is_nobodys_stands_in_the_notes(runs: Runs) -> None:
    accuracy_score(y_test, y_test)
    fitted = model()
    fitted.predict(X_test)
    accuracy_score(y_test[:50], np.zeros(50))
    assert [key for key in runs()[0].metrics if "accuracy" in key] == []
    texts = [note.text for note in notes() if note.place == "sklearn.metrics"]
    assert len(texts) == 2
    assert all("no prediction of a recorded model" in text for text in texts)


def test_an_unrecorded_model_never_passes_for_a_recorded_one(runs: Runs) -> None:
    with autolog.paused():
        stranger = linear_model.LogisticRegression(C=1e-6, solver="liblinear").fit(X_train, y_train)
    kept = model().predict(X_test)
    accuracy_score(y_test, stranger.predict(X_test))
    assert [key for key in runs()[0].metrics if "accuracy" in key] == []
    assert len(kept) == len(y_test)


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "cloudpickle": lambda m: cloudpickle.loads(cloudpickle.dumps(m)),
}
MODELS = {
    "linear": lambda: linear_model.LogisticRegression(solver="liblinear"),
    "forest": lambda: ensemble.RandomForestClassifier(3, random_state=0),
    "boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3),
    "pipeline": lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()
    ),
    "neighbours": lambda: neighbors.KNeighborsClassifier(),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_of_a_model_is_probable(
    copied: Callable[[Any], Any], make: Callable[[], Any], run: Only
) -> None:
    fitted = make().fit(X_train, y_train)
    other = copied(fitted)
    del fitted
    gc.collect()
    accuracy_score(y_test, other.predict(X_test))
    other.score(X_test, y_test)
    keys = "accuracy_score_X_test", f"{type(other).__name__}_score_X_test"
    assert {told(run(), key)["link"] for key in keys} == {"probable"}


def test_a_model_from_a_file(run: Only, tmp_path: Path) -> None:
    fitted = model()
    joblib.dump(fitted, tmp_path / "model")
    joblib.load(tmp_path / "model").score(X_test, y_test)
    assert told(run(), "LogisticRegression_score_X_test")["link"] == "probable"


def test_other_models_are_no_copies(runs: Runs) -> None:
    fitted = model()
    with autolog.paused():
        others = [
            clone(fitted).set_params(C=2.0).fit(X_train, y_train),
            clone(fitted).fit(X_train[:-1], y_train[:-1]),
            copy.deepcopy(fitted),
        ]
        others[-1].coef_[0, 0] += 1e-9
    for other in others:
        other.score(X_test, y_test)
    assert not [key for key in runs()[0].metrics if "_score" in key]


def test_after_the_model_and_the_data_are_gone(run: Only) -> None:
    fitted, data = model(), X_test.copy()
    p = fitted.predict(data)
    del fitted, data
    gc.collect()
    accuracy_score(y_test, p)
    found = run()
    assert told(found, "accuracy_score_data")["link"] == "exact"
    assert found.datasets["data"]["shape"] == [143, 30]
    assert "digest" not in found.datasets["data"]


def test_a_loop_over_single_rows(run: Only) -> None:
    fitted = model()
    p = [fitted.predict(X_test[i : i + 1])[0] for i in range(len(X_test))]
    accuracy_score(y_test, p)
    key = next(key for key in run().metrics if key.startswith("accuracy_score"))
    assert told(run(), key)["link"] == "probable"
    assert key == "accuracy_score_X_test[i : i + 1]"
