"""Rows of the data beside the model, as MLflow reads them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import autolog
from autolog import reporting
from autolog.models import signing

Model = pytest.importorskip("mlflow.models").Model
X, y = load_iris(return_X_y=True)
pytestmark = pytest.mark.filterwarnings("ignore")


def ask(store: Path, rows: Any = True, **others: Any) -> None:
    autolog.autolog(str(store), sklearn={"input_example": rows, **others})


def folder(store: Path) -> Path:
    return store / autolog.get_run("@latest").id / "artifacts" / "model"


def read(store: Path) -> Any:
    place = str(folder(store))
    return Model.load(place).load_input_example(place)


def fit(data: Any, model: Any = None) -> Any:
    rows = data.shape[0] if hasattr(data, "shape") else len(data)
    return (model or LogisticRegression(max_iter=500)).fit(data, np.arange(rows) % 2)


def test_none_unless_asked(store: Path) -> None:
    autolog.autolog(str(store))
    fit(X)
    assert not list(folder(store).glob("*example*"))
    assert "saved_input_example_info" not in (folder(store) / "MLmodel").read_text()


@pytest.mark.parametrize(("rows", "count"), [(True, 5), (2, 2), (1000, 150)])
def test_as_many_rows_as_asked(store: Path, rows: Any, count: int) -> None:
    ask(store, rows)
    fit(X)
    assert np.array_equal(read(store), X[:count])
    assert read(store).dtype == X.dtype


def test_a_frame_keeps_its_types(store: Path) -> None:
    ask(store)
    frame = pd.DataFrame(
        {
            "whole": np.arange(8),
            "part": np.arange(8) + 0.5,
            "flag": [True, False] * 4,
            "word": list("abcdabcd"),
            "kind": pd.Categorical(list("pqpqpqpq")),
            "when": pd.date_range("2024-01-31", periods=8),
        }
    )
    frame.loc[1, "part"] = np.nan
    fit(frame, make_pipeline(OneHotEncoder(), LogisticRegression()))
    found = read(store)
    top = frame.head(5).astype({"kind": found["kind"].dtype, "when": found["when"].dtype})
    pd.testing.assert_frame_equal(found, top, check_dtype=True)


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_sparse(store: Path, form: str) -> None:
    ask(store, 3)
    data = sp.random(20, 30, density=0.2, format=form, random_state=0)
    fit(data)
    found = read(store)
    assert found.format == form
    assert np.array_equal(found.toarray(), data.toarray()[:3])


def test_polars_and_series_and_lists(store: Path) -> None:
    ask(store, 2)
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.5, None, 1.5]})
    fit(frame, HistGradientBoostingClassifier(max_iter=1))
    top = pd.DataFrame({"a": [1.0, 2.0], "b": [0.5, np.nan]})
    pd.testing.assert_frame_equal(read(store), top)
    texts = ["one two", "two three", "three", "four"]
    fit(texts, make_pipeline(CountVectorizer(), LogisticRegression()))
    assert read(store) == texts[:2]
    fit(pd.Series(texts, name="text"), make_pipeline(CountVectorizer(), LogisticRegression()))
    assert read(store).to_dict("list") == {"text": texts[:2]}
    fit(X.tolist())
    assert read(store).tolist() == X[:2].tolist()


def test_a_request_for_a_server(store: Path) -> None:
    ask(store, 1)
    fit(X)
    place = str(folder(store))
    request = json.loads(Model.load(place).get_serving_input(place))
    assert request == {"inputs": X[:1].tolist()}
    fit(pd.DataFrame(X, columns=list("abcd")))
    place = str(folder(store))
    request = json.loads(Model.load(place).get_serving_input(place))
    assert request == {"dataframe_split": {"columns": list("abcd"), "data": X[:1].tolist()}}


def test_mlflow_predicts_from_it(store: Path) -> None:
    import mlflow.pyfunc

    ask(store)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = fit(frame)
    place = str(folder(store))
    with autolog.paused():
        expected = model.predict(frame.head(5))
        found = mlflow.pyfunc.load_model(place).predict(read(store))
    assert found.tolist() == expected.tolist()


def test_it_is_signed_with_the_other_files(store: Path) -> None:
    ask(store)
    fit(X)
    run = autolog.get_run("@latest")
    signed = signing.verify((folder(store) / "signature.json").read_bytes()).files
    for name in ("input_example.json", "serving_input_example.json"):
        content = (folder(store) / name).read_bytes()
        assert signed[name] == (len(content), hashlib.sha256(content).hexdigest())
        assert run.models["model"]["sha256"][name] == signed[name].sha256
    assert autolog.load_model(f"{run.id}/model").n_iter_ is not None


def test_secrets_are_redacted(store: Path) -> None:
    ask(store)
    frame = pd.DataFrame({"password": list("abcd"), "note": ["AKIAABCDEFGHIJKLMNOP"] * 4})
    fit(frame, make_pipeline(OneHotEncoder(), LogisticRegression()))
    found = read(store)
    assert {*found["password"], *found["note"]} == {"[redacted]"}
    kept = b"".join(path.read_bytes() for path in folder(store).glob("*example*"))
    assert b"AKIA" not in kept


def test_a_secret_number_leaves_no_example(store: Path) -> None:
    ask(store)
    fit(pd.DataFrame({"token": [1.0, 2.0], "a": [3.0, 4.0]}))
    assert read(store) is None
    assert any(note.place == "input_example" for note in reporting.notes())


def test_the_model_is_not_called_and_wide_rows_are_left_out(store: Path) -> None:
    class Silent(LogisticRegression):
        def predict(self, X: Any) -> Any:
            raise AssertionError("called")

    ask(store, 3)
    fit(X, Silent(max_iter=500))
    assert read(store).shape == (3, 4)
    wide = np.zeros((4, 200_000), dtype=np.float32)
    fit(wide, DummyClassifier())
    assert read(store) is None  # not one row of it is small


def test_a_light_run_has_its_own(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "1")
    ask(store, 2)
    for _ in range(2):
        fit(X)
    assert len(list(autolog.search_runs())) == 2
    assert np.array_equal(read(store), X[:2])
