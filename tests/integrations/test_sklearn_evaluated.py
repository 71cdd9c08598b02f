"""The data that predictions are made from: what is told of them, what they share with training."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import linear_model, model_selection, pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score

import autolog
from autolog.following import datasets, naming, predictions
from autolog.rendering.showing import run_lines
from autolog.view import RunView

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = model_selection.train_test_split(X, y, random_state=0)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


def model(data: Any = X_train, labels: Any = y_train) -> Any:
    return linear_model.LogisticRegression(solver="liblinear").fit(data, labels)


def test_test_data_are_described_with_their_labels(run: Only) -> None:
    fitted = model(X_train, y_train)
    p = fitted.predict(X_test)
    assert [*run().datasets] == ["X_train"]
    accuracy_score(y_test, p)
    facts = run().datasets["X_test"]
    assert facts["role"] == "test"
    assert facts["shape"] == [143, 30]
    assert facts["target"]["name"] == "y_test"
    assert facts["target"]["classes"] == [[0, 53], [1, 90]]
    assert len(facts["columns"]) == 30


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("X_val", "validation"), ("X_dev", "validation"), ("valid", "validation"),
        ("Xval", "validation"), ("val_X", "validation"), ("x_validation", "validation"),
        ("X_test", "test"), ("interval", "test"), ("X", "test"), ("device_data", "test"),
        ("X_values", "test"), ("X_val2", "validation"),
        ("train_frame", "train"), ("train.iloc[val_idx][features]", "validation"),
        ("x_train[te]", "test"), ("X.iloc[train_index]", "train"), ('train["test"]', "train"),
        ("X_train[mask]", "train"), ("train.loc[valid_mask, :]", "validation"),
    ],
)  # fmt: skip
def test_the_name_tells_the_role(name: str, role: str) -> None:
    assert datasets.role_of(name) == role


def test_options_leave_them_out(uri: str, runs: Runs) -> None:
    autolog.autolog(uri, sklearn={"datasets": False})
    accuracy_score(y_test, model().predict(X_test))
    autolog.autolog(uri, sklearn={"datasets": True, "statistics": False})
    accuracy_score(y_test, model().predict(X_test))
    without, plain = runs()
    assert not without.datasets
    assert "accuracy_score_X_test" in without.metrics
    assert "mean" not in plain.datasets["X_test"]["columns"][0]


def test_lists_of_texts(run: Only) -> None:
    texts = ["good day", "bad luck", "good luck", "bad day"] * 4
    labels = [1, 0, 1, 0] * 4
    held_out = ["good good", "bad bad day", "luck"]
    pipe = pipeline.make_pipeline(CountVectorizer(), linear_model.LogisticRegression())
    pipe.fit(texts, labels)
    pipe.score(held_out, [1, 0, 1])
    pipe.score(texts, labels)
    found = run()
    assert found.datasets["held_out"]["shape"] == [3]
    assert "digest" in found.datasets["held_out"]
    assert found.datasets["held_out"]["rows_shared"] == 0
    assert {"Pipeline_score_held_out", "Pipeline_score_texts"} <= {*found.metrics}
    assert [*found.datasets] == ["texts", "held_out"]


# -- rows that were trained on -----------------------------------------------------------------

FORMS = {
    "numpy": lambda part: part,
    "pandas": lambda part: pd.DataFrame(part),
    "fortran": lambda part: np.asfortranarray(part),
    "single": lambda part: part.astype(np.float32),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("leaked", [0, 7])
def test_shared_rows_are_counted(leaked: int, form: Callable[[Any], Any], run: Only) -> None:
    held_out = np.concatenate([X_test, X_train[:leaked]])
    base = X_train if form is not FORMS["single"] else X_train.astype(np.float32)
    fitted = model(form(base))
    fitted.score(form(held_out), np.concatenate([y_test, y_train[:leaked]]))
    name = next(name for name, facts in run().datasets.items() if facts["role"] == "test")
    assert run().datasets[name]["rows_shared"] == leaked
    tag = run().tags.get("rows_shared_with_train")
    assert tag == (f"7 of 150 rows of {name}" if leaked else None)


def test_shared_rows_are_shown(run: Only) -> None:
    fitted = model()
    fitted.score(X_test, y_test)
    mixed = np.concatenate([X_test[:1], X_train[:1]])
    fitted.score(mixed, [1, 0])
    lines = [line.plain for line in run_lines(run(), {run().id: run().id})]
    (clean,) = [line for line in lines if "X_test" in line and "143×30" in line]
    (leaky,) = [line for line in lines if "mixed" in line and "2×30" in line]
    assert clean.endswith("0 rows shared with train")
    assert leaky.endswith("1 row shared with train")


@pytest.mark.parametrize("changed", [False, True])
def test_large_training_data_are_counted_as_long_as_they_are_unchanged(
    changed: bool, run: Only
) -> None:
    rng = np.random.default_rng(0)
    large, labels = rng.random((20_000, 10)), rng.integers(0, 2, 20_000)
    fitted = model(large, labels)
    held_out = large[500:600].copy()
    if changed:
        large *= 2
    fitted.score(held_out, labels[500:600])
    assert run().datasets["held_out"].get("rows_shared") == (None if changed else 100)


def test_gone_training_data_beyond_the_bound_are_unknown(run: Only) -> None:
    rng = np.random.default_rng(0)
    large, labels = rng.random((20_000, 10)), rng.integers(0, 2, 20_000)
    fitted = model(large, labels)
    held_out = large[500:600].copy()
    del large
    fitted.score(held_out, labels[500:600])
    assert "rows_shared" not in run().datasets["held_out"]


def test_a_loop_over_partial_fit_knows_only_its_first_batch(run: Only) -> None:
    loop = linear_model.SGDClassifier(random_state=0)
    loop.partial_fit(X_train[:100], y_train[:100], classes=[0, 1])
    loop.partial_fit(X_train[100:200], y_train[100:200])
    loop.score(X_test, y_test)
    assert "rows_shared" not in run().datasets["X_test"]


# -- memory ------------------------------------------------------------------------------------


@pytest.fixture
def clean() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_nothing_is_kept_alive(uri: str, clean: None) -> None:
    data, labels = X_train.copy(), y_train.copy()
    held_out, truth = X_test.copy(), y_test.copy()
    fitted = model(data, labels)
    p = fitted.predict(held_out)
    accuracy_score(truth, p)
    accuracy_score(truth, list(p))
    run = weakref.ref(predictions.maker(fitted)[0])  # type: ignore[type-var]
    watched = {
        name: weakref.ref(value)
        for name, value in {
            "data": data, "labels": labels, "held_out": held_out, "truth": truth, "p": p,
            "fitted": fitted,
        }.items()
    }  # fmt: skip
    with autolog.start_run("another"):  # is the last run from here on
        pass
    del data, labels, held_out, truth, p, fitted
    assert [name for name, ref in watched.items() if ref() is not None] == []
    other = model(X_train, y_train)
    for _ in range(predictions.HELD):  # what is made of the newest may still be judged
        other.predict(X_test)
    del other
    assert run() is None
    assert not predictions._outputs
    assert not predictions._trained


def test_many_predictions_take_no_room(uri: str) -> None:
    fitted = model()
    for i in range(3000):
        fitted.predict(X_test[i % 143 : i % 143 + 1])
    assert len(predictions._outputs) <= 1
    kept = [fitted.predict(X_test[i % 143 : i % 143 + 1]) for i in range(predictions.MOST + 200)]
    assert len(predictions._outputs) == predictions.MOST
    del kept
    assert len(predictions._outputs) <= 1
    assert len(naming._known) < 10


def test_switching_off_forgets(uri: str) -> None:
    fitted = model()
    p = fitted.predict(X_test)
    autolog.disable()
    assert not predictions._outputs
    assert not naming._known
    autolog.autolog(uri)
    accuracy_score(y_test, p)
    (run,) = autolog.search_runs(backend=uri)
    assert "accuracy_score_X_test" not in run.metrics
