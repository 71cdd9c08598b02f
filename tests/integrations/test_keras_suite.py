"""The integration of Keras keeps every promise of the suite, with no exception."""

from __future__ import annotations

import gc
import importlib.util
import os
import time
import warnings
import weakref
from typing import Any

import pytest

from autolog.testing import IntegrationSuite

os.environ.setdefault("KERAS_BACKEND", "torch")
if not all(map(importlib.util.find_spec, ("keras", "torch"))):
    pytest.skip("needs keras and torch", allow_module_level=True)


class Held:
    """A model as a part of a result that is compared: by its weights, which stand beside it."""

    def __init__(self, model: Any = None) -> None:
        self.model = model

    def __reduce__(self) -> Any:
        return str, ()


def network() -> Any:
    """A small classifier whose weights begin the same, in whatever thread."""
    import keras

    def layer(units: int, seed: int, **kwargs: Any) -> Any:
        return keras.layers.Dense(
            units, kernel_initializer=keras.initializers.GlorotUniform(seed), **kwargs
        )

    model = keras.Sequential([keras.Input((4,)), layer(8, 1, activation="relu"), layer(3, 2)])
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def flowers() -> Any:
    import numpy

    rows = numpy.random.RandomState(0).normal(size=(60, 4)).astype("float32")
    return rows, rows[:, :3].argmax(1)


class TestKeras(IntegrationSuite):
    """A fit with validation and early stopping, an evaluation, a prediction, a loop by hand."""

    library = "keras"
    runs = 2

    def train(self) -> Any:
        import keras

        warnings.warn("a training begins", stacklevel=2)
        X, y = flowers()
        model = network()
        stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        history = model.fit(
            X, y, epochs=3, shuffle=False, validation_data=(X[:20], y[:20]), callbacks=[stop],
            verbose=0,
        )  # fmt: skip
        judged = model.evaluate(X, y, verbose=0)
        said = model.predict(X, verbose=0)
        right = keras.metrics.SparseCategoricalAccuracy()
        judged += [float(right(y, said)), float(right.result())]
        loop = network()
        losses = [loop.train_on_batch(X, y) for _ in range(2)], loop.test_on_batch(X, y)
        gone = weakref.ref(loop)
        del loop  # a model of Keras is a circle: its run ends when the collector finds it
        for _ in range(100):  # `collect` does nothing while another thread collects
            gc.collect()
            if gone() is None:
                break
            time.sleep(0.1)
        assert gone() is None, "somebody holds the model"
        return Held(model), history.history, judged, said, model.get_weights(), losses

    def train_badly(self) -> Any:
        model = network()
        model.compile(loss="mse")
        return model.fit([[1.0, 2.0, 3.0, 4.0]], "no numbers")

    def targets(self) -> Any:
        import keras
        from keras.src.callbacks.callback_list import CallbackList
        from keras.src.trainers.epoch_iterator import EpochIterator
        from keras.src.trainers.trainer import Trainer

        trainer = next(one for one in keras.Model.__mro__ if "fit" in vars(one))
        return [
            (trainer, "fit"),
            (trainer, "evaluate"),
            (trainer, "predict"),
            (trainer, "predict_on_batch"),
            (trainer, "train_on_batch"),
            (trainer, "test_on_batch"),
            (Trainer, "_flatten_metrics_in_order"),
            (EpochIterator, "__init__"),
            (CallbackList, "on_train_begin"),
            (CallbackList, "on_epoch_begin"),
            (CallbackList, "on_test_begin"),
            (CallbackList, "on_epoch_end"),
            (CallbackList, "on_train_end"),
        ]

    def seen_as(self, part: Any) -> Any:
        """A model by all that it is: its form, its weights, the state of its optimizer.

        Callbacks by what they hold but the model, whose pickle tells the time of day.
        """
        if hasattr(part, "callbacks"):
            return [[*vars(part)], *map(self.seen_as, part.callbacks)]
        if hasattr(part, "on_epoch_end"):
            return {name: value for name, value in vars(part).items() if name != "_model"}
        if not hasattr(part, "get_weights"):
            return part
        optimizer = [variable.numpy() for variable in part.optimizer.variables]
        return part.to_json(), part.get_weights(), optimizer, sorted(vars(part))

    def model_of(self, result: Any) -> Any:
        return result[0].model
