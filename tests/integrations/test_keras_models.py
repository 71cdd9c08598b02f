"""The model of a training with Keras: how it is saved and loaded, what is told of it."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog import reporting
from autolog.view import RunView

if not all(map(importlib.util.find_spec, ("keras", "torch"))):
    pytest.skip("needs keras and torch", allow_module_level=True)

import keras
import numpy as np
from keras_small import LABELS, ROWS, network

Runs = Callable[[], list[RunView]]


def test_saving_leaves_no_trace_and_training_goes_on_the_same(uri: str) -> None:
    def course() -> Any:
        keras.utils.clear_session()
        model = network()
        model.fit(ROWS, LABELS, epochs=2, verbose=0)
        names = keras.Sequential().name, keras.layers.Layer().name, keras.layers.Dense(1).name
        model.fit(ROWS, LABELS, epochs=2, verbose=0)
        return names, [w.tobytes() for w in model.get_weights()], sorted(vars(model))

    recorded = course()
    with autolog.paused():
        assert course() == recorded


def test_it_loads_in_mlflow_with_equal_predictions(tmp_path: Path, monkeypatch: Any) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.keras")
    autolog.autolog(tmp_path / "store")
    model = network()
    model.fit(ROWS, LABELS, verbose=0)
    expected = model.predict(ROWS, verbose=0)
    (found,) = autolog.search_runs(backend=tmp_path / "store")
    (folder,) = [path.parent for path in (tmp_path / "store").rglob("MLmodel")]
    assert np.array_equal(mlflow.keras.load_model(str(folder)).predict(ROWS, verbose=0), expected)
    assert np.array_equal(mlflow.pyfunc.load_model(str(folder)).predict(ROWS), expected)
    own = autolog.load_model(f"{found.id}/model", backend=tmp_path / "store")
    assert np.array_equal(own.predict(ROWS, verbose=0), expected)
    assert own.optimizer.iterations.numpy() == 3


def test_code_in_a_model_needs_trust(tmp_path: Path) -> None:
    autolog.autolog(tmp_path / "store")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2)])
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(ROWS, LABELS, verbose=0)
    (folder,) = [path.parent for path in (tmp_path / "store").rglob("MLmodel")]
    for signed in folder.rglob("signature.json"):
        signed.unlink()
    with pytest.raises(autolog.errors.UntrustedModel, match="Lambda"):
        autolog.load_model(folder)
    again = autolog.load_model(folder, trust=True)
    assert np.array_equal(again.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))


def test_keras_own_classes_need_none(tmp_path: Path) -> None:
    autolog.autolog(tmp_path / "store")
    network().fit(ROWS, LABELS, verbose=0)
    (folder,) = [path.parent for path in (tmp_path / "store").rglob("MLmodel")]
    for signed in folder.rglob("signature.json"):
        signed.unlink()
    assert autolog.load_model(folder).count_params() == 49


def test_a_class_that_keras_cannot_describe_keeps_its_weights(runs: Runs, tmp_path: Path) -> None:
    class Odd(keras.Model):  # type: ignore[misc]
        def __init__(self, thing: Any) -> None:
            super().__init__()
            self.inner = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.inner(x)

    model = Odd(object())
    with contextlib.suppress(NotImplementedError):
        model.get_config()
        pytest.skip("Keras 3.5 describes it, without the thing")
    model.compile("sgd", "mse")
    model.fit(ROWS, LABELS, verbose=0)
    (found,) = runs()
    assert found.models["model"]["format"] == "weights.h5"
    assert "must override `get_config()`" in found.models["model"]["partial"]
    assert any("its weights alone" in note.text for note in reporting.notes())
    with pytest.raises(autolog.errors.UsageError, match="get_config"):
        autolog.load_model(f"{found.id}/model")


def test_layers_as_a_table(run: Callable[[], Any]) -> None:
    model = network()
    model.fit(ROWS, LABELS, verbose=0)
    table = run().tables["layers"]["columns"]
    assert table["class"] == ["Dense", "Dense"]
    assert table["output_shape"] == ["(None, 8)", "(None, 1)"]
    assert table["params"] == [40, 9]
    assert run().params["total_params"] == model.count_params() == 49
    assert "Total params: 49" in run().artifact("model_summary.txt").text()


def test_nothing_of_the_options_is_kept_when_off(uri: str, runs: Runs) -> None:
    autolog.autolog(uri, keras={"models": False, "datasets": False, "summary": False})
    network().fit(ROWS, LABELS, verbose=0)
    (found,) = runs()
    assert not found.models
    assert not found.datasets
    assert "layers" not in found.tables
    assert len(found.history("loss")) == 1
