"""scikit-learn's models: saved, loaded by us and by real MLflow, refused where they should be."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
import yaml
from autolog.integrations.sklearn.models import SklearnFlavor
from autolog.integrations.sklearn.reviewed import REVIEWED, check_trees
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from autolog import models
from autolog.errors import UntrustedModel
from autolog.models import keys, yamltext

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(kind=np.where(X[:, 0] > 5, "u", "v"))
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]
COLUMNS = [
    *({"type": "double", "name": name, "required": True} for name in "abcd"),
    {"type": "string", "name": "kind", "required": True},
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def creator(folder: Path) -> models.Create:
    folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def create(name: str) -> Iterator[BinaryIO]:
        draft = folder / f"{name}.draft"
        try:
            with draft.open("wb") as stream:
                yield stream
        except BaseException:
            draft.unlink()
            raise
        draft.rename(folder / name)

    return create


def save(folder: Path, model: Any, form: Any = "pickle", **options: Any) -> dict[str, Any]:
    options = {"limit": 10**9, "key": keys.signing_key(), **options}
    return models.save(model, SklearnFlavor(form), creator(folder), **options)


def pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["a", "b", "c", "d"]), ("k", OneHotEncoder(), ["kind"])]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=500))])


CASES: dict[str, tuple[Any, Any, Any]] = {
    "logistic": (LogisticRegression(max_iter=500), X, TENSOR),
    "pipeline": (pipeline(), FRAME, COLUMNS),
    "forest": (RandomForestClassifier(5, random_state=0), X, TENSOR),
    "boosting": (HistGradientBoostingClassifier(max_iter=3), X, TENSOR),
}


# -- saved and loaded ----------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", ["pickle", "skops"])
def test_round_trip_without_a_word(
    name: str, form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, data, _ = CASES[name]
    model.fit(data, Y)
    value = save(tmp_path / "m", model, form)
    if form == "skops":
        # Needs no trust: neither a signature nor `trust=True`.
        (tmp_path / "m/signature.json").unlink()
    loaded = models.load_model(tmp_path / "m")
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.predict_proba(data), model.predict_proba(data))
    assert capfd.readouterr().err == ""
    assert value["format"] == form
    assert "non_importable" not in value
    pins = (tmp_path / "m/requirements.txt").read_text()
    assert "scikit-learn==" in pins
    assert ("pandas==" in pins) is False
    assert ("skops==" in pins) is (form == "skops")


LOAD_WITH_MLFLOW = """
import sys, pickle, warnings
import mlflow.pyfunc, mlflow.sklearn
folder, data = sys.argv[1], pickle.load(open(sys.argv[2], "rb"))
generic, native = mlflow.pyfunc.load_model(folder), mlflow.sklearn.load_model(folder)
assert not any(name.startswith("autolog") for name in sys.modules)
results = [generic.predict(data), native.predict(data), generic.metadata.metadata["class"],
           generic.metadata.signature and generic.metadata.signature.inputs.to_dict()]
pickle.dump(results, open(sys.argv[3], "wb"))
"""


@pytest.fixture(scope="module")
def mlflow_loads() -> Any:
    """Loads a directory in another process, by MLflow alone."""
    pytest.importorskip("mlflow")

    def load(folder: Path, data: Any) -> Any:
        (folder.parent / "data").write_bytes(pickle.dumps(data))
        program = [sys.executable, "-c", LOAD_WITH_MLFLOW, folder, folder.parent / "data"]
        done = subprocess.run(
            [*program, folder.parent / "results"], capture_output=True, text=True, cwd=folder.parent
        )
        assert done.returncode == 0, done.stderr
        return pickle.loads((folder.parent / "results").read_bytes())

    return load


@pytest.mark.parametrize(
    ("name", "form"), [("pipeline", "pickle"), ("logistic", "skops"), ("forest", "skops")]
)
def test_real_mlflow_loads_ours(name: str, form: str, tmp_path: Path, mlflow_loads: Any) -> None:
    model, data, inputs = CASES[name]
    model.fit(data, Y)
    save(tmp_path / "m", model, form, signature={"inputs": inputs, "outputs": None})
    generic, native, kind, signature = mlflow_loads(tmp_path / "m", data)
    assert np.array_equal(generic, model.predict(data))
    assert np.array_equal(native, model.predict(data))
    assert kind == models.class_name(model)
    assert json.loads(json.dumps(signature)) == inputs


SAVE_WITH_MLFLOW = """
import sys
import mlflow.sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=500).fit(X, y)
for form in ("pickle", "cloudpickle", "skops"):
    folder = f"{sys.argv[1]}/{form}"
    mlflow.sklearn.save_model(model, folder, serialization_format=form, pip_requirements=[])
"""


def test_models_of_real_mlflow_load_with_trust(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    command = [sys.executable, "-c", SAVE_WITH_MLFLOW, tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    expected = LogisticRegression(max_iter=500).fit(X, Y).predict(X)
    for form in ("pickle", "cloudpickle"):
        with pytest.raises(UntrustedModel):
            models.load_model(tmp_path / form)
        loaded = models.load_model(tmp_path / form, trust=True)
        assert np.array_equal(loaded.predict(X), expected)
    assert np.array_equal(models.load_model(tmp_path / "skops").predict(X), expected)


# -- what is in the pickle -----------------------------------------------------------------

MAIN = """
    import sys, warnings
    sys.path.insert(0, {tests!r})
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.linear_model import LogisticRegression
    {before}
    from sklearn.datasets import load_iris

    class Mine(ClassifierMixin, BaseEstimator):
        def __init__(self, c=1.0):
            self.c = c
        def fit(self, X, y):
            self.inner_ = Inherits(C=self.c, max_iter=500).fit(X, y)
            return self
        @classmethod
        def make(cls):
            return cls(c=0.5)
        def predict(self, X):
            return self.inner_.predict(X)

    class Bare:
        def fit(self, X, y=None):
            return self

    class Mixed(Bare, BaseEstimator):
        pass

    class Inherits(LogisticRegression):
        def twice(self, X):
            return 2 * self.predict(X)

    X, y = load_iris(return_X_y=True)
    model = Mine.make().fit(X, y)
    model.bound, model.mixed = model.inner_.fit, Mixed().fit(X)
    from autolog import models
    from autolog.integrations.sklearn.models import SklearnFlavor
    from pathlib import Path
    import contextlib

    folder = Path({folder!r})
    folder.mkdir()
    @contextlib.contextmanager
    def create(name):
        with (folder / name).open("wb") as stream:
            yield stream
    value = models.save(model, SklearnFlavor(), create, limit=10**8, key=models.signing_key())
    print(value["format"], value.get("non_importable"))
"""


def named(content: bytes) -> set[str]:
    """All text in a pickle that could be part of a global's name."""
    return {
        argument
        for _, argument, _ in pickletools.genops(content)
        if isinstance(argument, str) and len(argument) < 200
    }


@pytest.mark.parametrize("hooked", [False, True])
def test_classes_of_main_load_elsewhere_and_name_nothing_of_ours(
    hooked: bool, tmp_path: Path
) -> None:
    before = f"from autolog import autolog; autolog({str(tmp_path / 'runs')!r})" if hooked else ""
    program = textwrap.dedent(MAIN).format(
        tests=str(tmp_path), before=before, folder=str(tmp_path / "m")
    )
    (tmp_path / "train.py").write_text(program)
    done = subprocess.run(
        [sys.executable, tmp_path / "train.py"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "cloudpickle None"
    texts = named((tmp_path / "m/model.pkl").read_bytes())
    assert not [text for text in texts if "autolog" in text or "Hooked" in text or "wrapt" in text]
    model = models.load_model(tmp_path / "m")
    expected = LogisticRegression(C=0.5, max_iter=500).fit(X, Y)
    assert np.array_equal(model.predict(X), expected.predict(X))
    assert np.array_equal(model.inner_.twice(X), 2 * expected.predict(X))
    again = type(model).make().fit(X, Y)
    assert np.array_equal(again.predict(X), expected.predict(X))
    assert "fit" not in vars(type(model.inner_))
    assert "fit" not in vars(type(model.mixed))
    assert model.mixed.fit(X) is model.mixed
    assert "cloudpickle==" in (tmp_path / "m/requirements.txt").read_text()


def test_a_lambda_is_stored_by_value(tmp_path: Path) -> None:
    model = make_pipeline(
        FunctionTransformer(lambda data: data * 2), LogisticRegression(max_iter=500)
    )
    value = save(tmp_path / "m", model.fit(X, Y))
    assert value["format"] == "cloudpickle"
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(value["sha256"])
    assert np.array_equal(models.load_model(tmp_path / "m").predict(X), model.predict(X))


def test_a_class_beside_the_program_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Near(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None): return self\n"
        "    def transform(self, X): return X\n"
    )
    (tmp_path / "near_by.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    import near_by  # type: ignore[import-not-found]

    value = save(tmp_path / "m", make_pipeline(near_by.Near(), StandardScaler()).fit(X, Y))
    assert value["non_importable"] == ["near_by.Near"]
    monkeypatch.delitem(sys.modules, "near_by")
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(tmp_path)])
    with pytest.raises(Exception, match="needs the module 'near_by'"):
        models.load_model(tmp_path / "m")


class Holder(TransformerMixin, BaseEstimator):
    """Holds whatever it is given."""

    def __init__(self, callback: Any = None) -> None:
        self.callback = callback

    def fit(self, X: Any, y: Any = None) -> Holder:
        return self

    def transform(self, X: Any) -> Any:
        return X


class Refuses:
    def __reduce__(self) -> Any:
        raise RuntimeError("never\nsecond line")


def over(lock: Any) -> Any:
    return lambda data: (lock, data)[1]


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        (threading.Lock(), "steps[1][1].callback: a _thread.lock cannot be pickled"),
        ({"k": [1, Refuses()]}, "steps[1][1].callback['k'][1]: a "),
        (over(threading.Lock()), "steps[1][1].callback.<lock>: a _thread.lock"),
        ((n for n in "x"), "steps[1][1].callback: a generator cannot be pickled"),
    ],
)
def test_the_attribute_at_fault_is_named_in_one_line(
    callback: Any, told: str, tmp_path: Path
) -> None:
    model = Pipeline([("s", StandardScaler()), ("h", Holder(callback))])
    with pytest.raises(models.ModelNotSerialisable) as caught:
        save(tmp_path / "m", model)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "m").iterdir()) == []


def test_without_cloudpickle_a_lambda_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autolog.models import pickling

    monkeypatch.setattr(pickling, "_by_value", lambda: None)
    line = over.__code__.co_firstlineno + 1
    with pytest.raises(models.ModelNotSerialisable) as caught:
        save(tmp_path / "m", Holder(over(3)))
    start = f"callback: lambda at test_sklearn_models.py:{line} cannot be pickled"
    assert str(caught.value).startswith(start)


def test_a_full_disk_is_no_fault_of_the_model(tmp_path: Path) -> None:
    class Full:
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    @contextlib.contextmanager
    def create(name: str) -> Iterator[Any]:
        yield Full()

    with pytest.raises(OSError, match="No space"):
        models.save(LogisticRegression(), SklearnFlavor(), create, limit=10**6)


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_models_are_streamed(order: Any, tmp_path: Path) -> None:
    model = Holder(np.zeros((1000, 8000), order=order))
    tracemalloc.start()
    value = save(tmp_path / "m", model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value["bytes"] > 64_000_000
    assert peak < 4_000_000


def test_drift_of_versions_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "m", LogisticRegression(), key=None)
    path = tmp_path / "m/MLmodel"
    described = yaml.safe_load(path.read_text())
    described["flavors"]["sklearn"]["sklearn_version"] = "1.0.2"
    path.write_text(yamltext.emit(described))
    models.load_model(tmp_path / "m", trust=True)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "saved with scikit-learn 1.0.2, loaded with" in lines[0]


def test_transformers_have_no_generic_predict(tmp_path: Path) -> None:
    save(tmp_path / "m", StandardScaler().fit(X))
    assert list(models.describe(tmp_path / "m")["flavors"]) == ["sklearn"]


# -- skops ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, scoring="accuracy"),
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3, categorical_features=[3]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_reviewed_types_need_no_trust(model: Any, tmp_path: Path) -> None:
    data = np.c_[X[:, :3], X[:, 3].round()]
    save(tmp_path / "m", model.fit(data, Y), "skops", key=None)
    loaded = models.load_model(tmp_path / "m")
    assert np.array_equal(loaded.predict(data), model.predict(data))


def test_all_reviewed_names_exist() -> None:
    from importlib import import_module

    for name in REVIEWED:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name


def test_a_file_does_not_vouch_for_its_own_types(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The list in MLmodel, by which MLflow would load this, counts for nothing."""
    model = FunctionTransformer(os.system)
    save(tmp_path / "m", model, "skops", key=None)
    assert "will need trust=True, for posix.system" in capfd.readouterr().err
    described = models.describe(tmp_path / "m")
    assert described["flavors"]["sklearn"]["skops_trusted_types"] is None
    described["flavors"]["sklearn"]["skops_trusted_types"] = ["posix.system"]
    (tmp_path / "m/MLmodel").write_text(yamltext.emit(described))
    with pytest.raises(UntrustedModel, match=r"posix\.system"):
        models.load_model(tmp_path / "m")
    assert models.load_model(tmp_path / "m", trust=True).func is os.system


def test_unreviewed_types_load_under_the_own_signature(tmp_path: Path) -> None:
    model = KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)
    save(tmp_path / "m", model, "skops")
    assert np.array_equal(models.load_model(tmp_path / "m").predict(X), model.predict(X))
    (tmp_path / "m/signature.json").unlink()
    with pytest.raises(UntrustedModel, match="KDTree"):
        models.load_model(tmp_path / "m")


def forged_tree(field: str, node: int, value: int) -> RandomForestClassifier:
    forest = RandomForestClassifier(2, random_state=0).fit(X, Y)
    tree = forest.estimators_[1].tree_
    state = tree.__getstate__()
    if field == "max_depth":
        state["max_depth"] = value
    else:
        state["nodes"] = state["nodes"].copy()
        state["nodes"][field][node] = value
    made = type(tree)(4, np.array([3]), 1)
    made.__setstate__(state)
    forest.estimators_[1].tree_ = made
    return forest


@pytest.mark.parametrize(
    ("field", "node", "value"),
    [
        ("left_child", 0, 10**9),
        ("right_child", 0, -7),
        ("left_child", 1, 0),
        ("feature", 0, 10**6),
        ("feature", 0, -2),
        ("max_depth", 0, 0),
    ],
)
def test_forged_trees_are_refused(field: str, node: int, value: int, tmp_path: Path) -> None:
    inner = RandomForestClassifier(2, random_state=0).fit(X, Y).estimators_[1].tree_
    nodes = inner.__getstate__()["nodes"]
    at = int(np.flatnonzero(nodes["left_child"] != -1)[node])
    save(tmp_path / "m", make_pipeline(forged_tree(field, at, value)), "skops", key=None)
    with pytest.raises(UntrustedModel, match="do not form a tree"):
        models.load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("field", "value"), [("left", 10**9), ("right", 0), ("feature_idx", -1), ("bitset_idx", 99)]
)
def test_forged_boosting_trees_are_refused(field: str, value: int) -> None:
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    check_trees(model)
    nodes = model._predictors[1][2].nodes
    nodes["is_categorical"][0] = 1
    nodes["bitset_idx"][0] = 0
    nodes[field][0] = value
    with pytest.raises(UntrustedModel, match="do not form a tree"):
        check_trees(model)


def test_copies_of_a_directory_load_anywhere(tmp_path: Path) -> None:
    model = LogisticRegression(max_iter=500).fit(X, Y)
    save(tmp_path / "m", model)
    shutil.copytree(tmp_path / "m", tmp_path / "elsewhere/copy")
    loaded = models.load_model(tmp_path / "elsewhere/copy")
    assert np.array_equal(loaded.predict(X), model.predict(X))
