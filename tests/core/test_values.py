"""Plain values: exact where they can be, readable where they cannot, and no user code is run."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import pathlib
import subprocess
import sys
import types
import uuid
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from autolog.codec import from_wire, to_wire
from autolog.values import plain


class Colour(enum.Enum):
    RED = "red"
    MIXED = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Settings:
    depth: int
    inner: Any = None

    def method(self) -> None: ...


Point = collections.namedtuple("Point", "x y")


class Hostile:
    """Runs no code of its own without failing the test."""

    def _refuse(self, *args: Any) -> Any:
        raise AssertionError("user code was run")

    __repr__ = __str__ = __iter__ = __len__ = __getitem__ = __eq__ = __hash__ = _refuse  # type: ignore[assignment]
    __float__ = __int__ = __index__ = __bool__ = __array__ = __fspath__ = __format__ = _refuse
    __class__ = property(_refuse)  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


class LyingText(str):
    def __str__(self) -> str:
        raise AssertionError("user code was run")

    __repr__ = __len__ = __str__  # type: ignore[assignment]


class LyingInt(int):
    def __int__(self) -> int:
        raise AssertionError("user code was run")


class LyingList(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("user code was run")


def test_plain_values_are_the_same_objects() -> None:
    for value in (None, True, 3, 2**80, 1.5, -0.0, "text", "x" * 1_000_000):
        assert plain(value) is value


EXPECTED: list[tuple[Any, Any]] = [
    (np.float64(0.1), 0.1),
    (np.float32(0.1), float(np.float32(0.1))),
    (np.int8(-3), -3),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.longdouble("0.1"), str(np.longdouble("0.1"))),
    (np.complex128(1 + 2j), "(1+2j)"),
    (np.datetime64("2020-01-01"), "2020-01-01"),
    (np.array([1, 2]), [1, 2]),
    (np.array([[True], [False]]), [[True], [False]]),
    (np.array(3.5), 3.5),
    (np.array(["a", "b"]), ["a", "b"]),
    (np.array(["2020"], "M8[D]"), ["2020-01-01"]),
    (np.dtype("f4"), "float32"),
    (np.log1p, "numpy.log1p"),
    (scipy.special.expit, "expit"),
    (np.mean, "numpy.mean"),
    (np.random.default_rng(), "Generator"),
    (np.random.RandomState(3), "RandomState"),
    (pd.Timestamp("2020-01-01"), "2020-01-01T00:00:00"),
    (pd.Timedelta(days=1), "1 days 00:00:00"),
    (pd.NA, None),
    (pd.NaT, None),
    (pd.Interval(0, 1), "(0, 1]"),
    (scipy.stats.loguniform(0.01, 100), "loguniform(0.01, 100)"),
    (scipy.stats.uniform(loc=0, scale=4), "uniform(loc=0, scale=4)"),
    (scipy.stats.randint(1, 9), "randint(1, 9)"),
    (LogisticRegression(C=3), "LogisticRegression"),
    (make_pipeline(LogisticRegression()), "Pipeline"),
    (LogisticRegression, "sklearn.linear_model._logistic.LogisticRegression"),
    (collections.OrderedDict, "collections.OrderedDict"),
    (int, "int"),
    (len, "len"),
    (math.sqrt, "math.sqrt"),
    (functools.reduce, "_functools.reduce"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (decimal.Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (datetime.date(2020, 1, 2), "2020-01-02"),
    (datetime.datetime(2020, 1, 2, 3), "2020-01-02T03:00:00"),
    (datetime.timedelta(seconds=5), "0:00:05"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (Colour.MIXED, "MIXED"),
    (Level.HIGH, 3),
    (slice(1, None), "slice(1, None, None)"),
    (range(3), "range(0, 3, 1)"),
    (..., "..."),
    (1 + 2j, "(1+2j)"),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset(("b", "a", 1)), [1, "a", "b"]),
    ((1, (2, "x")), [1, [2, "x"]]),
    (Point(1, [2]), {"x": 1, "y": [2]}),
    (Settings(3, Settings(4)), {"depth": 3, "inner": {"depth": 4, "inner": None}}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    ({1: "a", "1": "b", None: "c"}, {"1": "a", "1 (str)": "b", "None": "c"}),
    ({(1, 2): "d"}, {"[1, 2]": "d"}),
    (b"\x00\xff", b"\x00\xff"),
    (bytearray(b"ab"), b"ab"),
    (object(), "object"),
    (LyingText("abc"), "abc"),
    (LyingInt(7), 7),
    (LyingList([1]), [1]),
    (collections, "collections"),
    (list[int], "list[int]"),
    (int | None, "int | None"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), EXPECTED, ids=lambda v: type(v).__name__)
def test_how_things_are_written(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    assert from_wire(msgspec.json.decode(msgspec.json.encode(to_wire(found)))) == expected


def test_functions_have_no_path_and_no_address() -> None:
    first, same, other = lambda x: x + 1, lambda x: x + 1, lambda x: x + 2
    texts = [plain(one) for one in (first, same, other)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("<lambda> test_values.py:")
    assert "/" not in texts[0]
    assert plain(functools.partial(math.pow, 2, y=[1])) == "partial(math.pow, 2, y=[1])"
    assert plain(functools.partial(math.floor)) == "partial(math.floor)"
    assert plain(Settings(1).method).endswith("Settings.method")
    assert plain(Settings.method).endswith("Settings.method")
    assert plain(dict.fromkeys) == "dict.fromkeys"


def test_large_things_stand_by_their_digest() -> None:
    array = np.arange(30_000.0).reshape(1000, 30)
    text = plain(array)
    assert text.startswith("ndarray float64 1000×30 full:")
    assert text == plain(array.copy()) != plain(array + 1)
    assert plain(np.zeros((30_000, 100))).startswith("ndarray float64 30000×100 sample:")
    assert plain(pd.DataFrame(array)).startswith("DataFrame float64 1000×30 full:")
    assert plain(pl.DataFrame({"a": [1]})).startswith("DataFrame 1×1 full:")
    assert plain(pl.LazyFrame({"a": [1]})) == "polars.lazyframe.frame.LazyFrame"
    assert plain(pa.table({"a": [1]})).startswith("Table 1×1 full:")
    assert plain(pd.Series([1.5])).startswith("Series float64 1 full:")
    assert plain(sp.csr_matrix(np.eye(3))).startswith("csr_matrix float64 3×3 full:")
    assert plain(b"x" * 257).startswith("bytes 257 bytes sha256:")
    assert plain("x" * 5_000_000).startswith("str 5000000 characters sha256:")
    assert plain(np.array([object()])).startswith("ndarray object 1 ")


def test_containers_are_bounded_and_may_be_cyclic() -> None:
    assert plain([1, 2, 3, 4], limit=3) == [1, 2, 3, "… 1 more"]
    assert plain({"a": 1, "b": 2}, limit=1) == {"a": 1, "…": "1 more"}
    nested = plain([list(range(1000))] * 1000)
    assert sum(len(item) for item in nested if isinstance(item, list)) <= 10_020
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})
    assert plain(cycle) == [1, {"again": "<cycle>"}]
    twice = [1]
    assert plain([twice, twice]) == [[1], [1]]
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    assert "<list>" in str(plain(deep))
    while deep:
        deep = deep[0]


def test_no_user_code_is_run() -> None:
    hostile = Hostile()
    for value in (hostile, [hostile], {"a": hostile}, (hostile,), functools.partial(len, hostile)):
        assert "Hostile" in str(plain(value))


class Broken:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


def test_nothing_raises() -> None:
    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise RuntimeError(name)

    class Odd(metaclass=Meta):
        pass

    unset = dataclasses.make_dataclass("Unset", [("a", int)])
    empty = object.__new__(unset)
    assert plain(empty) == {}
    assert isinstance(plain(Broken()), str)
    assert isinstance(plain(object.__new__(Odd)), str)
    assert plain(functools.partial(len).__class__) == "functools.partial"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_data_come_back_as_they_are(value: Any) -> None:
    assert repr(plain(value)) == repr(value)


def test_no_library_is_loaded() -> None:
    program = (
        "import sys; from autolog.values import plain; plain([object(), 1, {2}, len]);"
        "print([m for m in ('numpy', 'pandas', 'sqlite3', 'http') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
