"""Estimators as people write them, and objects that count who looks at them."""
# AUTOLOG
import collections
import functools
import threading

import numpy as np
import pandas as pd
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.decomposition import PCA

from facts import end, fact

SEEN = collections.Counter()
rng = np.random.default_rng(0)
X, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)


class Lazy:
    def __init__(self, rows):
        self.rows = rows

    def __getattr__(self, name):
        SEEN[f"attribute {name}"] += 1
        raise AttributeError(name)

    def __len__(self):
        SEEN["len"] += 1
        return len(self.rows)

    def __iter__(self):
        SEEN["iter"] += 1
        return iter(self.rows)

    def __array__(self, dtype=None, copy=None):
        SEEN["array"] += 1
        return np.asarray(self.rows)

    def __eq__(self, other):
        SEEN["eq"] += 1
        return NotImplemented

    __hash__ = None


def timed(method):  # and the author forgot functools.wraps
    def wrapper(self, *args, **kwargs):
        return method(self, *args, **kwargs)

    return wrapper


def logged(method):
    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        return method(*args, **kwargs)

    return wrapper


class Nearest(BaseEstimator, ClassifierMixin):
    def __init__(self, k=3):
        self.k = k

    @timed
    def fit(self, X, y):
        self.X_, self.classes_ = X, np.unique(y)
        return self


class Perceptron(BaseEstimator):
    def __init__(self, lr=0.1):
        self.lr = lr

    @logged
    def fit(self, samples, labels):
        self.loss_curve_ = [0.5, 0.25]
        self.error_ = 0.25
        return self


class Dynamic(BaseEstimator, ClassifierMixin):
    def __init__(self, inner=None):
        self.inner = inner

    def __getattr__(self, name):
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        SEEN[f"delegated {name}"] += 1
        return getattr(self.inner, name)

    def fit(self, X, y):
        self.inner.fit(X, y)
        return self


class Shy(BaseEstimator):
    def __init__(self, lock=None):
        self.lock = lock

    def get_params(self, deep=True):
        raise RuntimeError("none of your business")

    def fit(self, X, y=None):
        self.n_iter_ = 4
        return self


class Costly(BaseEstimator, RegressorMixin):
    def __init__(self, alpha=1.0, *, name="costly"):
        self.alpha, self.name = alpha, name

    @property
    def coef_(self):
        SEEN["coef_"] += 1
        return np.zeros(3)

    def fit(self, *, X, y, epochs=3):
        self.loss_ = 0.25
        return self


class Static(BaseEstimator):
    @staticmethod
    def fit(X):
        return "no training of an instance"


class Drop(BaseEstimator, TransformerMixin):
    def __init__(self, columns):
        self.columns = columns

    def fit(self, df, y=None):
        return self

    def transform(self, df):
        return df.drop(columns=self.columns)


frame = pd.DataFrame(X, columns=["a", "b", "🚀"])
Nearest(k=5).fit(X, y)
Perceptron(lr=0.2).fit(X, labels=y)
Dynamic(Ridge()).fit(X, y)
Shy(threading.Lock()).fit(Lazy(X.tolist()), Lazy(y.tolist()))
Costly(2.0, name="x").fit(X=frame, y=y)
print(Static.fit(X), Static().fit(X))
dropped = Drop(["a"]).fit(frame).transform(frame)
LogisticRegression(C=0.5).fit(dropped, y)
squares = FunctionTransformer(lambda x: x**2)
union = FeatureUnion([("pca", PCA(2)), ("scale", StandardScaler())])
model = make_pipeline(squares, union, LogisticRegression(C=10)).fit(X, y)
clipped = make_pipeline(FunctionTransformer(functools.partial(np.clip, a_min=-1, a_max=1)), Ridge(4.0))
clipped.fit(X, y)
targets = np.c_[y, 1 - y]
MultiOutputRegressor(Ridge(2.0)).fit(frame, targets)
ClassifierChain(LogisticRegression()).fit(X, targets)
Ridge(3.0).fit(pl.DataFrame({"x": X[:, 0], "ÿ": X[:, 1]}), pl.Series("goal", y))
print(model.predict(X)[:10], sorted(SEEN.items()))

fact("names", ["Nearest", "Perceptron", "Dynamic", "Shy", "Costly", "Drop", "LogisticRegression", "Pipeline›LogisticRegression", "Pipeline›Ridge", "MultiOutputRegressor›Ridge", "ClassifierChain›LogisticRegression", "Ridge"])
fact("statuses", ["finished"] * 12)
fact(0, "params", "k", 5)
fact(0, "datasets", "X", "target", "name", "y")
fact(1, "datasets", "X", "target", "shape", [40])
fact(1, "history", "loss", [0.5, 0.25])
fact(1, "metrics", "error", 0.25)
fact(3, "metrics", "n_iter", 4)
fact(4, "params", "alpha", 2.0)
fact(4, "metrics", "loss", 0.25)
fact(4, "datasets", "frame", "columns", 2, "name", "🚀")
fact(5, "params", "columns", ["a"])
fact(6, "datasets", "dropped", "lineage", 0, "class", "Drop")
fact(7, "params", "featureunion__pca__n_components", 2)
fact(9, "datasets", "frame", "target", "name", "targets")
fact(10, "datasets", "X", "target", "shape", [40, 2])
fact(11, "params", "alpha", 3.0)
end(model[-1], clipped)
