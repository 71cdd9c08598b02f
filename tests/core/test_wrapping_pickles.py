"""Methods of hooked classes are pickled, copied and sent to workers as plain ones, by name."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from autolog.wrapping import Ledger, as_internal_frame, wrap_method

X = np.array([[0.0, 1.0], [1.0, 0.5], [2.0, 3.0], [3.0, 1.0]])
Y = np.array([0.0, 1.0, 2.0, 3.5])
CLASSES = ((Ridge, "fit"), (PCA, "fit"), (Pipeline, "fit"), (Pipeline, "fit_transform"))


@as_internal_frame
def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.undo()
    assert ledger.leftover() == []


@pytest.fixture
def hooked(ledger: Ledger) -> None:
    for cls, name in CLASSES:
        assert wrap_method(cls, name, drive, ledger)


def values() -> dict[str, Any]:
    """Fresh objects to be pickled, each of which holds a hooked method."""
    pipeline = make_pipeline(StandardScaler(), PCA(1))
    return {
        "bound": Ridge(alpha=2.0).fit,
        "unbound": Ridge.fit,
        "available_if": pipeline.fit_transform,
        "class": Ridge,
        "estimator": Ridge(alpha=2.0),
        "in a list": [Ridge().fit, Ridge.fit],
    }


@pytest.mark.parametrize("name", list(values()))
@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_bytes_are_the_plain_ones(ledger: Ledger, module: Any, name: str) -> None:
    plain = module.dumps(values()[name])
    for cls, method in CLASSES:
        wrap_method(cls, method, drive, ledger)
    assert module.dumps(values()[name]) == plain
    assert type(module.loads(plain)) is type(values()[name])


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    again = pickle.loads(pickle.dumps((Ridge(alpha=2.0).fit, Ridge.fit), protocol))
    assert again[0].__self__.alpha == 2.0
    assert again[1] is Ridge.fit


@pytest.mark.usefixtures("hooked")
def test_copies() -> None:
    method = Ridge(alpha=2.0).fit
    deep, shallow = copy.deepcopy(method), copy.copy(method)
    assert deep.__self__ is not method.__self__
    assert deep.__self__.alpha == 2.0
    assert shallow == method
    assert copy.copy(Ridge.fit) is copy.deepcopy(Ridge.fit) is Ridge.fit
    assert deep(X, Y).coef_.shape == (2,)


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(backend: str) -> None:
    jobs = (joblib.delayed(Ridge(alpha=a).fit)(X, Y) for a in (1.0, 2.0))
    fitted = joblib.Parallel(n_jobs=2, backend=backend)(jobs)
    assert [model.alpha for model in fitted] == [1.0, 2.0]
    jobs = (joblib.delayed(Ridge.fit)(Ridge(alpha=a), X, Y) for a in (1.0, 2.0))
    fitted = joblib.Parallel(n_jobs=2, backend=backend)(jobs)
    assert [model.alpha for model in fitted] == [1.0, 2.0]


@pytest.mark.usefixtures("hooked")
def test_joblib_hashes_are_the_plain_ones(ledger: Ledger) -> None:
    hooked = joblib.hash([Ridge(alpha=2.0), Ridge(alpha=2.0).fit])
    ledger.undo()
    assert joblib.hash([Ridge(alpha=2.0), Ridge(alpha=2.0).fit]) == hooked


BY_VALUE = '''
import sys, pickle, cloudpickle
from autolog.wrapping import Ledger, wrap_method
from sklearn.base import BaseEstimator, RegressorMixin
from {module} import OutsideMixin

class Mean(RegressorMixin, BaseEstimator):
    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        """Fits."""
        super().__init__()
        self.mean_ = SCALE * sum(y) / len(y) + self.shift
        return self

    @classmethod
    def build(cls, shift): return cls(shift)

    @staticmethod
    def add(a, b): return a + b

class Sub(Mean):
    def fit(self, X, y):
        return super().fit(X, y)

class Outside(OutsideMixin, BaseEstimator):
    pass

SCALE = 2.0
ledger = Ledger()
def drive(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)
if sys.argv[1] == "on":
    for cls in (Mean, Sub):
        wrap_method(cls, "fit", drive, ledger)
    wrap_method(Mean, "build", drive, ledger)
    wrap_method(Mean, "add", drive, ledger)
    assert wrap_method(Outside, "fit", drive, ledger)
things = dict(estimator=Sub(1.0), bound=Sub(1.0).fit, unbound=Mean.fit, cls=Sub, build=Sub.build,
              outside=Outside(), raw=vars(Mean)["fit"])
sys.stdout.buffer.write(pickle.dumps({{k: cloudpickle.dumps(v) for k, v in things.items()}}))
'''

MIXIN = """
class OutsideMixin:
    def fit(self, X, y):
        self.outside = True
        return self
"""

LOADING = """
import pickle, sys
things = {k: pickle.loads(v) for k, v in pickle.load(sys.stdin.buffer).items()}
X, y = [[1], [2]], [1, 3]
assert things["estimator"].fit(X, y).mean_ == 5.0, things["estimator"].mean_
assert things["bound"](X, y).mean_ == 5.0
cls = things["cls"]
assert things["unbound"](cls(2.0), X, y).mean_ == 6.0
assert cls(0.0).fit(X, y).mean_ == 4.0 and cls.add(1, 2) == 3
assert type(things["build"](1.0)).__name__ == "Sub"
assert things["outside"].fit(X, y).outside
assert things["raw"](cls(1.0), X, y).mean_ == 5.0
assert type(cls.fit) is type(lambda: 0)
assert not [name for name in sys.modules if name.startswith("autolog")]
"""


def run(*args: str, stdin: bytes = b"", cwd: Path) -> bytes:
    done = subprocess.run(
        [sys.executable, *args], input=stdin, capture_output=True, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_classes_of_main_by_value(tmp_path: Path) -> None:
    """cloudpickle sends such classes whole: nothing of ours is in the bytes, and they work."""
    (tmp_path / "outside_mixin.py").write_text(MIXIN)
    (tmp_path / "main.py").write_text(BY_VALUE.format(module="outside_mixin"))
    on, off = (run("main.py", state, cwd=tmp_path) for state in ("on", "off"))
    assert b"autolog" not in on
    assert b"wrapt" not in on
    for sent in (on, off):
        run("-c", LOADING, stdin=sent, cwd=tmp_path)


class Local(BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Local:
        return self


class Outside:
    def fit(self, X: Any, y: Any = None) -> Outside:
        return self


class Inheriting(Outside, BaseEstimator):
    pass


def test_methods_that_are_only_inherited(ledger: Ledger) -> None:
    wrap_method(Inheriting, "fit", drive, ledger)
    assert pickle.loads(pickle.dumps(Inheriting().fit))(X).fit(X)
    unbound = pickle.loads(pickle.dumps(Inheriting.fit))
    assert isinstance(unbound(Inheriting(), X), Inheriting)
    assert isinstance(copy.deepcopy(Inheriting().fit)(X), Inheriting)
