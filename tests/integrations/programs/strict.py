# run: -W error strict.py
"""Warnings are errors, floating point faults are errors, the data are odd."""
# AUTOLOG
import decimal
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from facts import end, fact

np.seterr(all="raise")
TRIED = []


class Anything(BaseEstimator):
    def fit(self, X, y=None):
        self.kind_ = type(X).__name__
        return self


def attempt(what, model, X=None, y=None):
    TRIED.append(what)
    try:
        print(what, type(model.fit(X, y)).__name__)
    except (Exception, Warning) as error:
        print(what, type(error).__name__, str(error)[:80].replace("\n", " "))


n = 40
y = np.arange(n) % 2
base = pd.DataFrame(np.random.rand(n, 4), columns=list("abcd"))
extreme = base.to_numpy() * 1e308
holes = base.mask(base < 0.2)
labels = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", None)])
mixed = base.assign(
    tz=pd.date_range("2020", periods=n, tz="Europe/Berlin"),
    cat=pd.Categorical(["x", "y"] * (n // 2)),
    gaps=pd.array([1, None] * (n // 2), dtype="Int64"),
    lists=[[1, 2]] * n,
    money=[decimal.Decimal("1.1")] * n,
    when=pd.period_range("2020-01", periods=n, freq="M"),
)
frozen = base.to_numpy().copy()
frozen.flags.writeable = False
mapped = np.memmap("data.bin", dtype="float32", mode="w+", shape=(n, 4))
mapped[:] = base
records = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])

attempt("converges", LogisticRegression(max_iter=1), base, y)
attempt("extreme", RandomForestRegressor(2, random_state=0), extreme, y)
attempt("holes", RandomForestRegressor(2, random_state=0), holes, y)
attempt("infinite", LinearRegression(), np.full((3, 2), np.inf), [1, 2, 3])
attempt("tiny", KMeans(2, n_init=1, random_state=0), base * 1e-300)
attempt("doubled", LogisticRegression(), base.set_axis(["a", "a", "b", "b"], axis=1), y)
attempt("levels", LogisticRegression(), base.set_axis(labels, axis=1), y)
attempt("emoji", LogisticRegression(), base.set_axis(["🚀", "a\nb", "\x00", "x" * 5000], axis=1), y)
attempt("numbered", LogisticRegression(), base.set_axis([0, 1, 2, 3], axis=1), y)
attempt("mixed", Anything(), mixed, y)
attempt("lazy", Anything(), pl.LazyFrame({"x": [1, 2]}))
attempt("empty", LogisticRegression(), np.empty((0, 3)), np.empty(0))
attempt("no columns", Anything(), np.empty((5, 0)))
attempt("one row", Anything(), [[1.0]], ["a"])
attempt("cube", Anything(), np.zeros((3, 4, 5)), np.zeros((3, 2)))
attempt("scalar", Anything(), np.array(3.0), 4)
attempt("nothing", Anything())
attempt("text", Anything(), "hello", "x" * 100_000)
attempt("dict", Anything(), {"a": np.arange(3), "b": [1, 2]}, {1: 2})
attempt("generator", Anything(), (i for i in range(3)), iter([1, 2]))
attempt("objects", Anything(), np.array([[1, "a"], [None, 2.5]], dtype=object))
attempt("read only", LinearRegression(), frozen, y)
attempt("mapped", LinearRegression(), mapped, y)
attempt("records", Anything(), records)
attempt("masked", Anything(), np.ma.masked_less(base.to_numpy(), 0.3))
attempt("lists", LogisticRegression(), base.to_numpy().tolist(), [str(v) for v in y])
attempt("ragged", LogisticRegression(), [[1, 2], [3]], [0, 1])
attempt("sparse", LinearRegression(), sp.csr_array(base.to_numpy()), y)
attempt("huge integers", Anything(), [[2**70, -(2**65)]], [10**30])
attempt("halves", Anything(), np.full((2, 2), 60000, "f2"), np.zeros(2, ">i4"))
attempt("complex", Anything(), np.zeros((2, 2), complex))
attempt("surrogates", Anything(), [["\ud800"], ["b"]], ["\ud800", "\x00"])
for model in (make_pipeline(LinearRegression()), LogisticRegression(max_iter=1)):
    try:
        print(cross_val_score(model, base, y, cv=2).round(6))
    except (ValueError, Warning) as problem:
        print(type(problem).__name__)
print(np.geterr(), warnings.filters[0][0], len(sys.argv))

at = {what: index for index, what in enumerate(TRIED)}
name = "base.set_axis([\"🚀\", \"a\\nb\", \"\\x00\", \"x\" * 5000], axis=1)"
fact("count", len(TRIED) + 2)
fact(at["converges"], "status", "failed")
fact(at["holes"], "datasets", "holes", "columns", 0, "missing", int(holes["a"].isna().sum()))
fact(at["extreme"], "datasets", "extreme", "shape", [40, 4])
fact(at["emoji"], "datasets", name, "columns", 1, "name", "a\nb")
fact(at["mixed"], "datasets", "mixed", "columns", 6, "missing", 20)
fact(at["mixed"], "datasets", "mixed", "columns", 5, "unique", 2)
fact(at["generator"], "datasets", "(i for i in range(3))", "kind", "generator")
fact(at["read only"], "datasets", "frozen", "target", "classes", [[0, 20], [1, 20]])
fact(at["mapped"], "datasets", "mapped", "dtype", "float32")
fact(at["records"], "datasets", "records", "columns", 1, "name", "b")
fact(len(TRIED), "status", "finished")
fact(len(TRIED) + 1, "status", "failed")
end()
