"""What a training was given: names, shapes, weights, frames, lineage; nothing is mutated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]


def test_names_come_from_the_call(run: Only) -> None:
    measured, sort = X[:100], y[:100]
    LogisticRegression().fit(measured, y=sort)
    found = run().datasets["measured"]
    assert found["name"] == "measured"
    assert found["role"] == "train"
    assert found["shape"] == [100, 4]
    assert found["dtype"] == "float64"
    assert found["target"]["name"] == "sort"
    assert found["target"]["shape"] == [100]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame(X, columns=list("abcd")),
        lambda: pl.DataFrame(X, schema=list("abcd")),
    ],
    ids=["pandas", "polars"],
)
def test_frames_have_columns_with_statistics(make: Any, run: Only) -> None:
    frame = make()
    Ridge().fit(frame, y)
    found = run().datasets["frame"]
    columns = {column["name"]: column for column in found["columns"]}
    assert list(columns) == list("abcd")
    assert columns["a"]["min"] == X[:, 0].min()
    assert columns["a"]["mean"] == pytest.approx(X[:, 0].mean(), rel=1e-12)
    assert found["shape"] == [150, 4]


def test_column_digests_agree_between_numpy_and_pandas(runs: Runs) -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    Ridge().fit(X, y)
    Ridge().fit(frame, y)
    array, table = (next(iter(run.datasets.values()))["columns"] for run in runs())
    assert [c["digest"] for c in array] == [c["digest"] for c in table]


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_sparse_data_are_described_and_not_changed(kind: str, run: Only) -> None:
    data = sp.random(50, 6, density=0.3, format=kind, random_state=0)
    before = {name: id(value) for name, value in vars(data).items()}
    content = data.toarray().copy()
    LinearRegression().fit(data, np.arange(50.0))
    assert run().datasets["data"]["shape"] == [50, 6]
    assert (data.toarray() == content).all()
    assert {name: id(vars(data)[name]) for name in before} == before


def test_lists_and_weights(run: Only) -> None:
    rows, labels, weights = X.tolist(), y.tolist(), np.linspace(1, 2, 150)
    LogisticRegression().fit(rows, labels, sample_weight=weights)
    found = run().datasets["rows"]
    assert found["shape"] == [150, 4]
    assert found["weight"]["shape"] == [150]


def test_weights_routed_by_metadata_reach_the_model_unchanged(run: Only) -> None:
    weights = np.linspace(0.1, 2, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        step = Ridge().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        with autolog.paused():
            expected = make_pipeline(scaler, step).fit(X, y, sample_weight=weights)
        model = make_pipeline(scaler, step).fit(X, y, sample_weight=weights)
    assert (model[-1].coef_ == expected[-1].coef_).all()
    assert run().datasets["X"]["weight"]["shape"] == [150]


def test_set_output_reaches_the_user(uri: str, run: Only) -> None:
    model = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas")
    out = model.fit_transform(pd.DataFrame(X, columns=list("abcd")))
    assert list(out.columns) == ["pca0", "pca1"]
    assert run().name == "Pipeline›PCA"


def test_column_transformer_over_mixed_types(run: Only) -> None:
    frame = pd.DataFrame(
        {"n": X[:, 0], "c": np.where(y > 0, "a", "b"), "t": pd.Timestamp("2020-1-1")}
    )
    columns = ColumnTransformer([("n", StandardScaler(), ["n"]), ("c", OneHotEncoder(), ["c"])])
    make_pipeline(columns, LogisticRegression()).fit(frame, y)
    found = run()
    assert [column["name"] for column in found.datasets["frame"]["columns"]] == ["n", "c", "t"]
    assert "StandardScaler" in found.params["columntransformer__n"]


@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(), OneHotEncoder(), SelectKBest(k=2), PolynomialFeatures(2)],
    ids=lambda t: type(t).__name__,
)
def test_a_lone_preparation_opens_no_run(transformer: Any, runs: Runs) -> None:
    transformer.fit(X, y)
    transformer.fit_transform(X, y)
    assert runs() == []


def test_a_lone_preparation_opens_a_run_if_asked(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, sklearn={"preprocessing": True})
    MinMaxScaler(clip=True).fit(X)
    (run,) = autolog.search_runs(backend=uri)
    assert run.name == "MinMaxScaler"
    assert run.params["clip"] is True


@pytest.mark.parametrize("method", ["fit", "fit_transform", "fit_predict"])
def test_each_way_to_train_leaves_one_run(method: str, run: Only) -> None:
    KMeans(2, n_init=1).__getattribute__(method)(X)
    assert run().name == "KMeans"
    assert run().datasets["X"]["shape"] == [150, 4]


@pytest.mark.parametrize("early", [True, False], ids=["enabled first", "imported first"])
def test_lineage_names_the_transformers(early: bool, run: Only) -> None:
    if early:  # a class that is made under us, as all are where autolog() comes first

        class Scaler(StandardScaler):
            def transform(self, X: Any, copy: Any = None) -> Any:
                return super().transform(X, copy)

    else:
        Scaler = StandardScaler  # type: ignore[assignment,misc]
    scaled = Scaler(with_mean=False).set_output(transform="pandas").fit_transform(X)
    chosen = SelectKBest(k=3).fit(scaled, y).transform(scaled)
    LogisticRegression().fit(chosen, y)
    lineage = run().datasets["chosen"]["lineage"]
    assert [step["class"] for step in lineage] == [Scaler.__qualname__, "SelectKBest"]
    assert lineage[0]["params"] == {"with_mean": False}
    assert lineage[1]["params"] == {"k": 3}


def test_lineage_is_of_the_object_itself(run: Only) -> None:
    StandardScaler().fit_transform(X)
    LogisticRegression().fit(X, y)
    assert "lineage" not in run().datasets["X"]


def test_statistics_may_be_left_out(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, sklearn={"statistics": False})
    people, grades = pd.DataFrame({"income": [1.0, 2.0, 987654.0]}), [1, 2, 3]
    Ridge().fit(people, grades)
    (run,) = autolog.search_runs(backend=uri)
    (found,) = run.datasets.values()
    assert found["shape"] == [3, 1]
    assert "987654" not in str(dict(found))


def test_a_generator_is_not_consumed(run: Only) -> None:
    from sklearn.base import BaseEstimator

    class Streaming(BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            self.seen_ = list(X)
            return self

    stream = (row for row in X)
    model = Streaming().fit(stream)
    assert len(model.seen_) == 150
    assert run().datasets["stream"]["kind"] == "generator"


def test_the_data_of_a_search_are_described_once(run: Only) -> None:
    GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=2).fit(X, y)
    assert list(run().datasets) == ["X"]
