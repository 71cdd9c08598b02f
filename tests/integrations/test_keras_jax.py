"""On JAX a training is traced as often with us as without, and its weights are the same bytes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

if not all(map(importlib.util.find_spec, ("keras", "jax"))):
    pytest.skip("needs keras and jax", allow_module_level=True)

PROGRAM = """
import hashlib
import keras
import numpy as np

keras.utils.set_random_seed(1)
traced = []

class Seen(keras.layers.Layer):
    def call(self, x):
        traced.append(type(x).__name__)
        return x * 2

X = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
y = (X[:, 0] > 0).astype("int32")
layers = [Seen(), keras.layers.Dropout(0.2), keras.layers.Dense(1, "sigmoid")]
model = keras.Sequential([keras.Input((6,)), *layers])
rates = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
model.compile(keras.optimizers.Adam(rates), "binary_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
history = model.fit(X, y, epochs=3, validation_split=0.2, callbacks=[stop], verbose=0)
print(history.history, model.evaluate(X, y, verbose=0))
print(model.predict(X, verbose=0).sum())
model.fit(X, y, epochs=2, verbose=0)
print([model.train_on_batch(X, y) for _ in range(3)], model.test_on_batch(X, y))
print(traced)
for weight in model.get_weights() + [one.numpy() for one in model.optimizer.variables]:
    print(weight.dtype, weight.shape, hashlib.sha256(weight.tobytes()).hexdigest())
"""


def test_nothing_is_traced_anew(program: Callable[..., Any]) -> None:
    told = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    plain, none = program(PROGRAM, **told)
    recorded, runs = program(PROGRAM, "-m", "autolog", "run", **told)
    assert "Tracer" in plain.stdout
    assert not none
    assert recorded.stdout == plain.stdout
    assert [run.name for run in runs] == ["Sequential"] * 3
    assert [run.status for run in runs] == ["finished"] * 3
    assert {run.tags["keras_backend"] for run in runs} == {"jax"}
