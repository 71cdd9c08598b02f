"""The small network that tests of Keras train, and its data."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

ROWS = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
LABELS = (ROWS[:, 0] > 0).astype("int32")


def network(name: str | None = None, **compiled: Any) -> Any:
    """A classifier of `ROWS`, the same each time, compiled as told."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")],
        name=name,
    )
    told = {"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]}
    model.compile(**{**told, **compiled})
    return model
