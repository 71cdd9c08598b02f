"""Digests: equal for equal values in whatever library and layout, different for different ones."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.data import describe, row_digests


def digest(data: Any) -> str:
    return str(describe(data)["digest"])


def libraries(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        "pandas": pd.DataFrame(columns),
        "polars": pl.DataFrame(columns),
        "arrow": pa.table(columns),
        "batch": pa.RecordBatch.from_pydict(columns),
    }


def matrix_of(rows: int, width: int, dtype: str) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(3).normal(size=(rows, width)) * 100
    return values.astype(dtype)


@pytest.mark.parametrize("rows", [1, 150, 24_000])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int16", "bool"])
def test_one_matrix_has_one_digest_in_every_library(rows: int, dtype: str) -> None:
    matrix = matrix_of(rows, 50, dtype)
    frames = libraries({f"c{index}": matrix[:, index] for index in range(50)})
    expected = digest(matrix)
    assert expected.startswith("sample-v2:" if rows == 24_000 else "full-v2:")
    assert {name: digest(frame) for name, frame in frames.items()} == dict.fromkeys(
        frames, expected
    )
    assert digest(pd.DataFrame(matrix, columns=range(50))) == expected


@pytest.mark.parametrize("rows", [5, 70_000])
def test_columns_of_mixed_types_agree(rows: int) -> None:
    start = datetime.datetime(2020, 1, 1)
    columns: dict[str, Any] = {
        "number": [index * 0.5 for index in range(rows)],
        "whole": list(range(rows)),
        "gap": [None if index % 3 == 0 else index for index in range(rows)],
        "flag": [index % 2 == 0 for index in range(rows)],
        "text": [None if index % 5 == 0 else f"wört {index % 7}" for index in range(rows)],
        "time": [start + datetime.timedelta(hours=index) for index in range(rows)],
    }
    frames = libraries(columns)
    frames["pandas"]["gap"] = pd.array(columns["gap"], dtype="Int64")
    facts = {name: describe(frame) for name, frame in frames.items()}
    columnwise = {
        name: {column["name"]: column["digest"] for column in fact["columns"]}
        for name, fact in facts.items()
    }
    assert columnwise == dict.fromkeys(frames, columnwise["arrow"])
    assert len({fact["digest"] for fact in facts.values()}) == 1
    assert {tuple(c["missing"] for c in fact["columns"]) for fact in facts.values()} == {
        tuple(c["missing"] for c in facts["arrow"]["columns"])
    }


def test_texts_have_one_digest_in_every_container() -> None:
    texts = ["a", "", "ß\x00", "long " * 30]
    held = [
        texts,
        tuple(texts),
        np.array(texts, dtype=object),
        pd.Series(texts),
        pd.Series(texts, dtype="category"),
        pd.Series(texts, dtype="string"),
        pd.Series(texts, dtype=object),
        pl.Series(texts),
        pl.Series(texts, dtype=pl.Categorical),
        pa.array(texts),
        pa.array(texts).dictionary_encode(),
        pa.chunked_array([texts[:2], texts[2:]]),
    ]
    assert len({digest(one) for one in held}) == 1
    assert digest(np.array(["ab", "c"])) == digest(["ab", "c"]) != digest(["a", "bc"])


def test_missing_values_are_one_thing() -> None:
    floats = [
        np.array([1.0, np.nan]),
        pd.Series([1.0, None]),
        pd.Series([1.0, None], dtype="Float64"),
        pl.Series([1.0, None]),
        pl.Series([1.0, float("nan")]),
        pa.array([1.0, None]),
        np.ma.array([1.0, 5.0], mask=[False, True]),
        [1.0, None],
    ]
    assert len({digest(one) for one in floats}) == 1
    texts = [["a", None], pd.Series(["a", None]), pl.Series(["a", None]), pa.array(["a", None])]
    texts.append(np.array(["a", np.nan], dtype=object))
    assert len({digest(one) for one in texts}) == 1
    assert digest(["a", None]) != digest(["a", ""])
    assert digest(pd.Series([1, None], dtype="Int64")) != digest(pd.Series([1, 0], dtype="Int64"))


def test_times_agree_over_units_and_zones() -> None:
    base = np.array(["2020-03-01T12:00:00", "1999-01-01T00:00:00"], dtype="M8[s]")
    zoned = pd.Series(base).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    held = [base, base.astype("M8[ns]"), base.astype("M8[ms]"), pd.Series(base), zoned]
    held += [pl.Series(base.astype("M8[us]")), pa.array(base), base.astype("M8[us]").tolist()]
    held.append([item.to_pydatetime() for item in zoned])
    assert len({digest(one) for one in held}) == 1
    far = np.array(["0001-01-01", "9999-01-01"], dtype="M8[s]")
    assert digest(far) != digest(far[::-1])


def test_negative_zero_and_the_bits_of_nan_take_no_part() -> None:
    odd_nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert digest(odd_nan) == digest(np.array([np.nan, np.nan]))
    assert digest(np.array([[-0.0, 1.0]])) == digest(np.array([[0.0, 1.0]]))


def test_kinds_of_numbers_are_told_apart() -> None:
    held = [np.array([0, 1]), np.array([0.0, 1.0]), np.array([False, True]), np.array(["0", "1"])]
    assert len({digest(one) for one in held}) == 4
    assert digest(np.array([1, 2], "u1")) == digest(np.array([1, 2], "i8"))
    assert digest(np.array([2**64 - 1], "u8")) != digest(np.array([-1], "i8"))


LAYOUTS: list[Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = [
    np.asfortranarray,
    lambda a: np.repeat(a, 2, axis=0)[::2],
    lambda a: np.repeat(a, 3, axis=1)[:, ::3],
    lambda a: a[::-1].copy()[::-1],
    lambda a: a.astype(a.dtype.newbyteorder(">")),
    lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(40, 6), (30_000, 40), (50, 4, 3)])
def test_the_layout_in_memory_takes_no_part(layout: Any, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).normal(size=shape)
    assert digest(layout(array)) == digest(array)


def test_a_memory_map_and_a_read_only_array(tmp_path: Path) -> None:
    array = matrix_of(30_000, 40, "float32")
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    array.flags.writeable = False
    assert describe(mapped)["kind"] == "memmap"
    assert digest(mapped) == digest(array)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 300), st.data())
def test_any_one_change_shows(rows: int, width: int, data: Any) -> None:
    array = np.arange(rows * width, dtype=np.float64).reshape(rows, width)
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, width - 1))
    changed = array.copy()
    changed[row, column] = np.nextafter(array[row, column], np.inf)
    assert digest(changed) != digest(array)
    assert digest(pd.DataFrame(changed)) == digest(changed)


def test_the_order_of_rows_and_columns_and_the_shape_show() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert len({digest(a) for a in (array, array[::-1], array[:, ::-1], array.T)}) == 4
    assert digest(np.zeros((2, 6))) != digest(np.zeros((3, 4)))
    assert digest(np.zeros((2, 3, 4))) != digest(np.zeros((2, 4, 3)))
    assert digest(np.zeros((0, 4))) != digest(np.zeros((0, 5)))


def test_wide_data_are_digested_to_the_last_column() -> None:
    wide = np.random.default_rng(0).normal(size=(20, 50_000))
    facts = describe(wide)
    assert (facts["rule"], len(facts["columns"]), facts["columns_total"]) == (
        "full-v2",
        200,
        50_000,
    )
    changed = wide.copy()
    changed[7, 49_999] += 1
    assert digest(changed) != facts["digest"] == digest(pd.DataFrame(wide))


def test_a_sample_holds_both_ends_and_is_always_the_same() -> None:
    array = matrix_of(200_000, 10, "float64")
    assert digest(array) == digest(array.copy())
    for row in (0, -1):
        changed = array.copy()
        changed[row, 3] += 1
        assert digest(changed) != digest(array)


def test_objects_count_by_their_plain_values() -> None:
    rows: list[Any] = [{"a": 1}, [1, 2], None, {"a": 2}]
    changed: list[Any] = [{"a": 1}, [1, 2], None, {"a": 3}]
    made = [np.empty(4, dtype=object), np.empty(4, dtype=object)]
    for target, values in zip(made, (rows, changed), strict=True):
        target[:] = values
    assert digest(made[0]) == digest(rows) == digest(pd.Series(rows)) != digest(made[1])


def test_the_rules_of_version_2_stay_as_they_are() -> None:
    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "t": ["ä", None],
            "b": [True, False],
            "d": np.array(["2020", "NaT"], "M8[ns]"),
            "f": [0.5, np.nan],
        }
    )
    assert digest(frame) == ("full-v2:c538e41491ebec04e788ba10d37595bd")
    assert digest(np.arange(2_000_000.0).reshape(-1, 20)) == (
        "sample-v2:1b969d77f64d690be0f33ef1786a0fcd"
    )


# -- rows --------------------------------------------------------------------------------------


def test_rows_are_equal_in_every_library_and_number_type() -> None:
    columns: dict[str, Any] = {
        "a": [1.5, 2.5, None, -0.0],
        "b": [1, 2, 3, 4],
        "c": ["x", None, "ß", "x"],
    }
    held = list(libraries(columns).values())
    held.append(pd.DataFrame(columns).astype({"b": "float64"}))
    held.append([list(row) for row in zip(*columns.values(), strict=True)])
    found = [row_digests(one) for one in held]
    assert all(np.array_equal(one, found[0]) for one in found if one is not None)
    assert found[0] is not None
    assert found[0].dtype == np.uint64
    assert len(set(found[0].tolist())) == 4


def test_rows_that_two_sets_share_are_found() -> None:
    matrix = matrix_of(1000, 7, "float64")
    train, test = row_digests(matrix[:800]), row_digests(pd.DataFrame(matrix[750:]))
    assert train is not None
    assert test is not None
    assert len(np.intersect1d(train, test)) == 50
    swapped = row_digests(matrix[:, ::-1])
    assert swapped is not None
    assert len(np.intersect1d(train, swapped)) == 0


def test_rows_are_bounded() -> None:
    endless = np.broadcast_to(np.arange(50.0), (10_000_000, 50))
    found = row_digests(endless, 1000)
    assert found is not None
    assert len(found) <= 1000
    assert row_digests(iter([1])) is None
