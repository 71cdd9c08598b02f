"""Signatures: real MLflow accepts, under a schema made of some data, those same data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from autolog.data import model_signature
from autolog.values import plain

pytest.importorskip("mlflow")
from mlflow.models import ModelSignature
from mlflow.models.utils import _enforce_schema

COLUMNS: dict[str, tuple[Any, str]] = {
    "int64": (pd.Series([1, 2]), "long"),
    "int32": (pd.Series([1, 2], dtype="int32"), "integer"),
    "uint8": (pd.Series([1, 2], dtype="uint8"), "integer"),
    "uint32": (pd.Series([1, 2], dtype="uint32"), "long"),
    "uint64": (pd.Series([1, 2], dtype="uint64"), "any"),
    "Int64 with a gap": (pd.Series([1, None], dtype="Int64"), "any"),
    "Int64": (pd.Series([1, 2], dtype="Int64"), "any"),
    "Float64": (pd.Series([1.5, None], dtype="Float64"), "double"),
    "float32": (pd.Series([1.5, 2], dtype="float32"), "float"),
    "float64 with a gap": (pd.Series([1, None]), "double"),
    "bool": (pd.Series([True, False]), "boolean"),
    "boolean with a gap": (pd.Series([True, None], dtype="boolean"), "any"),
    "text": (pd.Series(["a", None]), "string"),
    "object text": (pd.Series(["a", None], dtype=object), "string"),
    "object whole": (pd.Series([1, 2], dtype=object), "long"),
    "mixed": (pd.Series([1, "a"], dtype=object), "any"),
    "category": (pd.Series(["a", "b"], dtype="category"), "any"),
    "time": (pd.Series(np.array(["2020", "NaT"], "M8[ns]")), "datetime"),
    "time with a zone": (pd.Series(pd.to_datetime(["2020"] * 2, utc=True)), "any"),
    "duration": (pd.Series(pd.to_timedelta([1, 2])), "any"),
    "bytes": (pd.Series([b"a", b"b"]), "binary"),
    "lists": (pd.Series([[1], [2]]), "any"),
    "arrow": (pd.Series([1, None], dtype="int64[pyarrow]"), "any"),
}


def accepted(data: Any) -> Any:
    found = model_signature(data)
    assert found is not None
    signature = ModelSignature.from_dict(found)
    return _enforce_schema(data, signature.inputs)


def inputs(data: Any) -> Any:
    found = model_signature(data)
    assert found is not None
    return json.loads(found["inputs"] or "")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_frame_fits_its_own_schema(name: str) -> None:
    series, expected = COLUMNS[name]
    frame = pd.DataFrame({"a": series, "b": [1.0, 2.0]})
    assert inputs(frame)[0] == {"type": expected, "required": True, "name": "a"}
    assert [told(item) for item in accepted(frame)["a"]] == [told(item) for item in series]


def told(item: Any) -> Any:
    found = plain(item)
    return None if found != found else found


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(np.eye(2)),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
        pd.Series([1.5, 2.5], name="s"),
        pd.Series(["a", "b"]),
        ["a", "b"],
        np.eye(3),
        np.ones((2, 3, 4), "f4"),
        np.array(["a", "bc"]),
        np.array([["a", 1]], dtype=object),
        np.array(["2020"], "M8[s]"),
        sp.csr_matrix(np.eye(3)),
        [{"a": 1, "b": "x"}],
    ],
    ids=lambda data: type(data).__name__,
)
def test_other_data_fit_their_schema(data: Any) -> None:
    accepted(data)


def test_names_are_kept_as_they_are() -> None:
    assert [spec["name"] for spec in inputs(pd.DataFrame(np.eye(2)))] == [0, 1]
    assert list(accepted(pd.DataFrame(np.eye(2))).columns) == [0, 1]
    assert model_signature(pd.DataFrame([[1, 2]], columns=["x", "x"])) is None


def test_polars_and_arrow_give_columns() -> None:
    columns: dict[str, Any] = {"a": [1], "b": ["x"], "c": [1.5], "d": [True]}
    expected = [
        {"type": kind, "required": True, "name": name}
        for name, kind in zip("abcd", ("long", "string", "double", "boolean"), strict=True)
    ]
    assert inputs(pl.DataFrame(columns)) == inputs(pa.table(columns)) == expected


def test_lists_of_numbers_and_tensors() -> None:
    assert inputs([[1, 2], [3, 4]]) == [
        {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}}
    ]


def test_outputs_come_from_the_sample_or_the_target() -> None:
    X = np.eye(3)

    def spec(y: Any, outputs: Any = None) -> Any:
        found = model_signature(X, y, outputs)
        assert found is not None
        return json.loads(found["outputs"] or "null")

    assert spec(None) is None
    assert spec([0, 1, 0]) == spec(pd.Series([0, 1, 0]))
    assert spec([0, 1, 0])[0]["tensor-spec"] == {"dtype": "int64", "shape": [-1]}
    assert spec(np.zeros((3, 2), "f4"))[0]["tensor-spec"] == {"dtype": "float32", "shape": [-1, 2]}
    assert spec(["a", "b", "a"])[0]["tensor-spec"]["dtype"] == "object"
    assert spec([0, 1, 0], np.zeros(3))[0]["tensor-spec"]["dtype"] == "float64"


def test_what_cannot_be_read_has_no_signature() -> None:
    for data in (iter([1]), object(), pl.LazyFrame({"a": [1]})):
        assert model_signature(data) is None
    assert model_signature(pd.DataFrame(np.zeros((1, 10_001)))) is None
    assert inputs(np.zeros((1, 10_001)))[0]["tensor-spec"]["shape"] == [-1, 10_001]
