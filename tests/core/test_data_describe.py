"""Descriptions: what they tell, what they leave out, and that the program does not feel them."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
import warnings
import weakref
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from autolog.codec import from_wire, to_wire
from autolog.data import describe

FIGURES = {"missing", "min", "max", "mean", "std", "unique", "top", "top_share", "classes"}


def column(data: Any) -> dict[str, Any]:
    found: dict[str, Any] = describe(data)["columns"][0]
    return found


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_of(item)}
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item)}
    return set()


# -- figures -----------------------------------------------------------------------------------


def test_figures_are_those_of_numpy() -> None:
    matrix = np.random.default_rng(0).normal(1e6, 1.0, size=(5000, 3))
    for index, facts in enumerate(describe(matrix)["columns"]):
        values = matrix[:, index]
        assert (facts["min"], facts["max"]) == (values.min(), values.max())
        assert facts["mean"] == pytest.approx(values.mean(), rel=1e-12)
        assert facts["std"] == pytest.approx(values.std(), rel=1e-9)


def test_figures_of_a_long_column_with_gaps() -> None:
    values = np.random.default_rng(0).normal(size=300_000)
    values[::7] = np.nan
    facts = column(values)
    assert facts["missing"] == np.isnan(values).sum()
    assert (facts["min"], facts["max"]) == (np.nanmin(values), np.nanmax(values))
    assert facts["mean"] == pytest.approx(np.nanmean(values))
    assert facts["std"] == pytest.approx(np.nanstd(values))


def test_infinities_count_as_values_and_all_missing_has_no_figures() -> None:
    facts = column(np.array([1.0, np.inf, np.nan, -np.inf]))
    assert (facts["missing"], facts["min"], facts["max"]) == (1, -np.inf, np.inf)
    assert "mean" not in facts
    assert column(np.array([np.nan, np.nan]))["missing"] == 2
    assert "min" not in column(np.array([np.nan, np.nan]))


def test_whole_numbers_stay_exact() -> None:
    assert column(np.array([2**62 + 1, 3]))["max"] == 2**62 + 1
    assert column(np.array([2**63 + 1, 3], dtype=np.uint64))["max"] == 2**63 + 1


def test_texts_are_counted_and_long_ones_not_told() -> None:
    facts = column(["a", "b", "a", None])
    assert (facts["missing"], facts["unique"], facts["top"]) == (1, 2, "a")
    assert facts["top_share"] == pytest.approx(2 / 3)
    secret = "dear diary " * 10
    assert "top" not in column([secret, secret, "x"])
    assert "diary" not in str(describe([secret, secret, "x"], [secret, "y", secret]))


def test_times_have_their_ends() -> None:
    facts = column(np.array(["2020-01-02", "NaT", "2019-01-01"], dtype="M8[D]"))
    assert (facts["missing"], facts["min"][:10], facts["max"][:10]) == (
        1,
        "2019-01-01",
        "2020-01-02",
    )


def test_targets_of_classes_and_of_numbers() -> None:
    X = np.zeros((6, 2))
    for target in ([2, 1, 1, 2, 2, 2], np.array([2, 1, 1, 2, 2, 2]), pd.Series([2, 1, 1, 2, 2, 2])):
        assert describe(X, target)["target"]["classes"] == [[1, 2], [2, 4]]
    assert describe(X, ["b", "a", "b", "b", "b", "b"])["target"]["classes"] == [["a", 1], ["b", 5]]
    flags = describe(X, np.array([True, False] * 3))["target"]
    assert flags["classes"] == [[False, 3], [True, 3]]
    assert type(flags["classes"][0][0]) is bool
    numbers = describe(X, np.arange(6) / 2, target_name="price")["target"]
    assert (numbers["name"], numbers["min"], numbers["max"], numbers["mean"]) == (
        "price",
        0.0,
        2.5,
        1.25,
    )
    assert "classes" not in numbers
    assert "classes" not in describe(X, np.arange(500))["target"]
    assert "classes" not in describe(X, np.arange(500) * 10**9)["target"]
    assert len(describe(X, np.zeros((6, 3)))["target"]["columns"]) == 3


def test_without_statistics_no_figure_is_left() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "t": ["x", "y"], "d": pd.to_datetime(["2020", "2021"])})
    with_figures = describe(frame, ["x", "y"], weight=[1.0, 2.0])
    without = describe(frame, ["x", "y"], weight=[1.0, 2.0], statistics=False)
    assert keys_of(with_figures) >= {"classes", "unique", "mean"}
    assert keys_of(without) & FIGURES == set()
    assert without["digest"] == with_figures["digest"]


# -- kinds of data -----------------------------------------------------------------------------


def lazy_frame() -> Any:
    def collected(frame: Any) -> Any:
        raise AssertionError("collected")

    return pl.LazyFrame({"a": [1]}).map_batches(collected)


STRUCTURED = np.array([(1, 2.0, b"a")], dtype=[("i", "i4"), ("f", "f8"), ("s", "S3")])
NULLABLE = pd.DataFrame(
    {
        "i": pd.array([1, None], dtype="Int64"),
        "b": pd.array([True, None], dtype="boolean"),
        "s": pd.array(["a", None], dtype="string"),
        "c": pd.Categorical(["x", None]),
        "n": pd.Categorical([1, 2]),
        "d": pd.to_datetime(["2020", None]),
        "z": pd.to_datetime(["2020", None], utc=True),
        "t": pd.to_timedelta([1, None]),
        "p": pd.period_range("2020", periods=2),
        "v": pd.interval_range(0, 2),
        "q": pd.arrays.SparseArray([0.0, 1.0]),
        "a": pd.array([1, None], dtype="int64[pyarrow]"),
        "o": [[1], {"k": object()}],
    }
)
ZOO: list[tuple[Any, list[int], int]] = [
    (np.zeros(3), [3], 1),
    (np.array(3.0), [1], 1),
    (np.zeros((2, 3), "f2"), [2, 3], 3),
    (np.zeros((2, 3), np.longdouble), [2, 3], 3),
    (np.zeros((2, 3, 4)), [2, 3, 4], 0),
    (np.zeros((0, 3)), [0, 3], 3),
    (np.zeros((3, 0)), [3, 0], 0),
    (np.zeros((2, 2), complex), [2, 2], 2),
    (np.array([["a", 1], [None, 2.5]], dtype=object), [2, 2], 2),
    (np.array([b"ab", b"c"]), [2], 1),
    (np.array([1, 2], "m8[h]"), [2], 1),
    (np.zeros(2, "V4"), [2], 1),
    (np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), [2, 2], 2),
    (np.matrix([[1, 2]]), [1, 2], 2),
    (STRUCTURED, [1, 3], 3),
    (NULLABLE, [2, 13], 13),
    (pd.DataFrame(), [0, 0], 0),
    (pd.DataFrame([[1, "a"]], columns=["x", "x"]), [1, 2], 2),
    (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), [1, 2], 2),
    (pd.Series([1, 2], name="s"), [2], 1),
    (pd.RangeIndex(4), [4], 1),
    (pl.DataFrame({"l": [[1], [2]], "s": [{"k": 1}, {"k": 2}], "x": [None, None]}), [2, 3], 3),
    (pl.DataFrame({"e": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))}), [2, 1], 1),
    (pl.Series("n", [1, None]), [2], 1),
    (pa.table({"l": [[1], None], "d": [b"a", None]}), [2, 2], 2),
    (pa.array([1, 2]), [2], 1),
    ([[1, 2.5], [3, 4.5]], [2, 2], 2),
    ([[1, 2], [3]], [2], 1),
    ([1, 2**70], [2], 1),
    ([], [0], 1),
    ((1.0, 2.0), [2], 1),
    (range(10), [10], 1),
    ([{"a": 1, "b": "x"}, {"a": 2}], [2, 2], 2),
    ([np.zeros(3), np.ones(3)], [2], 1),
]


@pytest.mark.parametrize(("data", "shape", "columns"), ZOO, ids=lambda item: type(item).__name__)
def test_all_kinds_are_described_in_storable_values(
    data: Any, shape: list[int], columns: int
) -> None:
    facts = describe(data, data)
    assert from_wire(msgspec.json.decode(msgspec.json.encode(to_wire(facts)))) == facts
    assert facts.get("shape") == shape
    assert len(facts.get("columns", [])) == columns
    assert "digest" in facts


def test_names_of_columns() -> None:
    frame = pd.DataFrame([[1, True, 2.0]], columns=[0, ("p", 1), "x"])
    assert [c["name"] for c in describe(frame)["columns"]] == ["0", "['p', 1]", "x"]
    assert [c["dtype"] for c in describe(frame)["columns"]] == ["int64", "bool", "float64"]


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_sparse_matrices_are_left_as_they_are(form: str, kind: str) -> None:
    matrix = getattr(sp, f"{form}_{kind}")(sp.random(50, 30, density=0.1, random_state=0))
    before = {key: np.copy(item) for key, item in vars(matrix).items() if hasattr(item, "dtype")}
    names = set(vars(matrix))
    facts = describe(matrix)
    assert (facts["shape"], facts["dtype"]) == ([50, 30], "float64")
    assert set(vars(matrix)) == names
    assert all(np.array_equal(vars(matrix)[key], item) for key, item in before.items())
    if form in ("csr", "csc", "bsr"):
        other = matrix.copy()
        other.data.flat[3] += 1
        assert describe(other)["digest"] != facts["digest"] == describe(matrix.copy())["digest"]


def test_dicts_are_described_entry_by_entry() -> None:
    facts = describe({"image": np.zeros((2, 3, 3)), 1: [1, 2], "more": iter([])})
    assert {key: item.get("shape") for key, item in facts["entries"].items()} == {
        "image": [2, 3, 3],
        "1": [2],
        "more": None,
    }


class Hostile:
    """Whatever is asked of it by way of the data protocols fails the test."""

    shape = (3, 4)
    dtype = np.dtype("f4")

    def _refuse(self, *args: Any) -> Any:
        raise AssertionError("user code was run")

    __iter__ = __next__ = __len__ = __getitem__ = __array__ = __repr__ = __str__ = _refuse
    __eq__ = __bool__ = __float__ = __reduce_ex__ = __array_interface__ = property(_refuse)  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def test_unknown_objects_show_their_shape_alone() -> None:
    facts = describe(Hostile())
    assert facts == {
        "name": "unknown",
        "role": "train",
        "kind": "Hostile",
        "shape": [3, 4],
        "dtype": "float32",
    }


def test_nothing_is_consumed() -> None:
    numbers = iter([1, 2, 3])
    generator = (item for item in "abc")
    for data in (numbers, generator, map(str, [1]), zip([1], [2], strict=True), lazy_frame()):
        assert set(describe(data, data)) == {"name", "role", "kind", "target"}
    assert list(numbers) == [1, 2, 3]
    assert "".join(generator) == "abc"


class Subclassed(list[Any]):
    """A list with an `__iter__` of its own."""

    def __iter__(self) -> Any:
        raise AssertionError("user code was run")


def test_lists_of_the_users_own_class_are_not_walked() -> None:
    assert describe(Subclassed([1, 2]))["kind"] == "Subclassed"


# -- neutrality --------------------------------------------------------------------------------


def test_data_random_state_and_warnings_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(30_000, 60)) * 1e300
    array[::3, ::2] = np.nan
    array[1, 1] = np.inf
    frame = pd.DataFrame({"f": array[:, 0], "t": ["x"] * 30_000, "i": range(30_000)})
    copies = array.tobytes(), frame.copy(deep=True)
    state = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index,union-attr]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters, errors = list(warnings.filters), np.geterr()
        describe(array, array[:, 2], weight=array[:, 1])
        describe(frame, frame["t"])
        describe(np.array([np.longdouble("1e4000"), 1]))
        describe(np.array([1e30, 5], "f4"))
        assert (list(warnings.filters), np.geterr()) == (filters, errors)
    assert array.tobytes() == copies[0]
    pd.testing.assert_frame_equal(frame, copies[1])
    assert state == (random.getstate(), np.random.get_state()[1].tobytes())  # type: ignore[index,union-attr]


def test_strict_error_state_of_numpy_raises_nothing() -> None:
    with np.errstate(all="raise"):
        describe(np.array([np.nan, np.inf, 1e308, -1e308, 1e-308]), np.zeros(5))
        describe(np.array([2**63 - 1] * 5), np.array([2**64 - 1] * 5, dtype=np.uint64))


def test_nothing_is_kept() -> None:
    array = np.random.default_rng(0).normal(size=(30_000, 60))
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    references = [weakref.ref(array), weakref.ref(frame)]
    facts = [describe(array), describe(frame)]
    del array, frame
    assert [reference() for reference in references] == [None, None]
    assert len(facts) == 2


IMAGES = np.broadcast_to(np.uint8(3), (10**7, 28, 28))
HUGE = np.broadcast_to(np.arange(50.0), (50_000_000, 50))


@pytest.mark.parametrize(
    "data",
    [HUGE, HUGE.T, IMAGES, IMAGES.T, HUGE[:, 0], range(10**15)],
    ids=["tall", "wide", "images", "wide images", "column", "range"],
)
def test_the_memory_used_is_bounded_however_large_the_data(data: Any) -> None:
    describe(data)
    tracemalloc.start()
    facts = describe(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts["rule"] == "sample-v2"
    assert 0 < facts["rows_read"] < len(data)
    assert peak <= 16e6


def test_the_work_is_bounded_for_frames_and_texts() -> None:
    texts = ["word " * 2000] * 30_000
    assert describe(texts)["rows_read"] <= 1024
    assert describe(pd.Series(["ab"] * 200_000))["rows_read"] <= 65_536
    mixed = pd.DataFrame(np.zeros((2, 3000))).astype({0: "int64"})
    assert describe(mixed)["rule"] == "sample-v2"


def test_without_numpy_none_is_loaded() -> None:
    program = (
        "import sys; from autolog.data import describe, model_signature;"
        "f = describe([1, 2], iter([])); assert model_signature([1]) is None;"
        "print(f['shape'], [m for m in ('numpy', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[2] []"


def test_arrays_of_jax() -> None:
    numbers = pytest.importorskip("jax.numpy")
    values = np.random.default_rng(0).normal(size=(20, 3)).astype("f4")
    found = describe(numbers.asarray(values))
    assert (found["digest"], found["kind"]) == (describe(values)["digest"], "Array")
    unread = describe(numbers.zeros((2, 3), dtype="bfloat16"))
    assert unread["shape"] == [2, 3]
    assert "digest" not in unread


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=(20, 3)).astype("f4")
    tensor = torch.tensor(values, requires_grad=True)
    assert describe(tensor)["digest"] == describe(values)["digest"]
    assert describe(torch.nn.Parameter(tensor))["digest"] == describe(values)["digest"]
    for unread in (torch.zeros(2, 3, device="meta"), torch.zeros(2, 3, dtype=torch.bfloat16)):
        assert "digest" not in describe(unread)
        assert describe(unread)["shape"] == [2, 3]
    assert describe(torch.zeros(2, 3, device="meta"))["device"] == "meta"
    loader = torch.utils.data.DataLoader([1, 2])
    assert describe(loader)["kind"] == "DataLoader"
