"""What a training with Keras leaves, in whatever form the program calls it."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

if not all(map(importlib.util.find_spec, ("keras", "torch"))):
    pytest.skip("needs keras and torch", allow_module_level=True)

import keras
import numpy as np
from keras_small import LABELS, ROWS, network

Runs = Callable[[], list[RunView]]


def curve(run: RunView, name: str) -> list[float]:
    return [point.value for point in run.history(name)]


# -- how it is called --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["positions", "names", "mixed"])
def test_arguments_are_params_however_they_are_given(form: str, run: Callable[[], Any]) -> None:
    model = network()
    if form == "positions":
        model.fit(ROWS, LABELS, 16, 2, 0)
    elif form == "names":
        model.fit(x=ROWS, y=LABELS, batch_size=16, epochs=2, verbose=0)
    else:
        keras.Model.fit(model, ROWS, y=LABELS, batch_size=16, epochs=2, verbose=0)
    params = run().params
    assert (params["batch_size"], params["epochs"], params["steps_per_epoch"]) == (16, 2, 6)
    assert list(run().datasets) == ["ROWS"]
    assert run().datasets["ROWS"]["target"]["name"] == "LABELS"


@pytest.mark.parametrize("form", ["none", "list", "tuple", "one", "list object", "bare object"])
def test_callbacks_come_back_as_they_were(form: str, run: Callable[[], Any]) -> None:
    model = network()
    stop = keras.callbacks.EarlyStopping("loss", patience=5)
    given: Any = {
        "none": None,
        "list": [stop],
        "tuple": (stop,),
        "one": stop,
        "list object": None,
        "bare object": None,
    }[form]
    if form.endswith("object"):
        given = keras.callbacks.CallbackList([stop], add_history=form[0] == "l", model=model)
    before = list(given) if isinstance(given, list | tuple) else [*getattr(given, "callbacks", [])]
    if form == "bare object":  # Keras itself asks for the history that nobody has made
        with pytest.raises(AttributeError):
            model.fit(ROWS, LABELS, epochs=2, callbacks=given, verbose=0)
    else:
        history = model.fit(ROWS, LABELS, epochs=2, callbacks=given, verbose=0)
        assert curve(run(), "loss") == history.history["loss"]
    after = list(given) if isinstance(given, list | tuple) else [*getattr(given, "callbacks", [])]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert len(curve(run(), "loss")) == 2


def test_the_same_list_twice_and_who_trained_it_before(runs: Runs) -> None:
    model, callbacks = network(), [keras.callbacks.EarlyStopping("loss", patience=5)]
    first = model.fit(ROWS, LABELS, epochs=2, callbacks=callbacks, verbose=0)
    second = model.fit(ROWS, LABELS, epochs=4, initial_epoch=2, callbacks=callbacks, verbose=0)
    one, two = runs()
    assert [one.status, two.status] == ["finished", "finished"]
    assert curve(one, "loss") == first.history["loss"]
    assert curve(two, "loss") == second.history["loss"]
    assert [p.step for p in two.history("loss")] == second.epoch == [2, 3]
    assert two.tags["continued_from"] == one.id
    assert two.tags["continued_from_model"] == one.tags["weights_digest"]


def test_weights_that_were_put_back_are_no_continuation(runs: Runs) -> None:
    model = network()
    initial = model.get_weights()
    model.fit(ROWS, LABELS, verbose=0)
    model.set_weights(initial)
    model.fit(ROWS, LABELS, verbose=0)
    one, two = runs()
    assert "continued_from" not in two.tags
    assert two.tags["weights_changed_since"] == one.id


def test_a_fit_of_the_programs_own(run: Callable[[], Any]) -> None:
    class Own(keras.Sequential):  # type: ignore[misc]
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            return super().fit(*args, **kwargs)

    model = Own([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(ROWS, LABELS, epochs=2, verbose=0)
    assert run().params["epochs"] == 2
    assert run().datasets["ROWS"]["target"]["name"] == "LABELS"
    assert curve(run(), "loss") == history.history["loss"]


def test_params_are_the_numbers_that_were_written(run: Callable[[], Any]) -> None:
    rates = keras.optimizers.schedules.ExponentialDecay(0.03, decay_steps=7, decay_rate=1 / 3)
    optimizer = keras.optimizers.Adam(rates, beta_1=0.85, clipnorm=float(np.float32(0.7)))
    network(optimizer=optimizer).fit(ROWS, LABELS, verbose=0)
    params = run().params
    assert params["optimizer_learning_rate_initial_learning_rate"] == 0.03
    assert params["optimizer_learning_rate_decay_rate"] == 1 / 3
    assert (params["optimizer_beta_1"], params["optimizer_clipnorm"]) == (0.85, 0.7)


def test_a_schedule_of_the_programs_own_is_asked_by_keras_alone(runs: Runs) -> None:
    asked = []

    class Own(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            asked.append(type(step).__name__)
            return 0.1 / (keras.ops.cast(step, "float32") + 1)

    def times() -> list[str]:
        asked.clear()
        optimizer = keras.optimizers.SGD(Own(), momentum=0.5)
        network(optimizer=optimizer).fit(ROWS, LABELS, epochs=3, verbose=0)
        return list(asked)

    recorded = times()
    with autolog.paused():
        assert times() == recorded != []
    (found,) = runs()
    assert "learning_rate" not in found.metrics
    params = found.params
    assert (params["optimizer_learning_rate"], params["optimizer_momentum"]) == ("Own()", 0.5)


def test_a_rate_in_32_bits_is_the_one_that_was_written(runs: Runs) -> None:
    for rate in (0.01, 3e-4, 0.1 + 2**-30, 0.5, 1e-30):
        network(optimizer=keras.optimizers.SGD(rate)).fit(ROWS, LABELS, verbose=0)
    found = [one.params["optimizer_learning_rate"] for one in runs()]
    assert found == [0.01, 3e-4, 0.1, 0.5, 1e-30]
    exact = [one.metrics["learning_rate"] for one in runs()]
    assert exact == [float(np.float32(rate)) for rate in found]


def test_several_inputs_held_out_have_their_target(run: Callable[[], Any]) -> None:
    first, second = keras.Input((4,)), keras.Input((4,))
    both = keras.layers.Concatenate()([first, second])
    model = keras.Model([first, second], keras.layers.Dense(1)(both))
    model.compile("sgd", "mse")
    x_val, y_val = ROWS[:20] + 1, LABELS[:20]
    model.fit([ROWS, ROWS], LABELS, validation_data=([x_val, x_val], y_val), verbose=0)
    held_out = run().datasets["[x_val, x_val]"]
    assert (held_out["role"], held_out["target"]["name"]) == ("validation", "y_val")


# -- how it ends -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "failed"), (KeyboardInterrupt, "killed")]
)
def test_a_callback_that_raises(error: Any, status: str, run: Callable[[], Any]) -> None:
    class Stops(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise error("of mine")

    with pytest.raises(error, match="of mine"):
        network().fit(ROWS, LABELS, epochs=5, callbacks=[Stops()], verbose=0)
    assert run().status == status
    assert [p.step for p in run().history("loss")] == [0, 1]
    assert run().error is None or run().error.message == "of mine"
    assert autolog.active_run() is None


def test_the_best_and_the_last_weights(uri: str, runs: Runs, tmp_path: Path) -> None:
    autolog.autolog(uri, keras={"checkpoint": "best:val_loss"})
    kept = []

    class Keeps(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept.append(self.model.get_weights())

    model = network(optimizer=keras.optimizers.SGD(3.0))
    history = model.fit(
        ROWS, LABELS, epochs=6, validation_split=0.5, callbacks=[Keeps()], verbose=0
    )
    (found,) = runs()
    best = int(np.argmin(history.history["val_loss"]))
    assert found.metrics["checkpoint_epoch"] == best
    files = [name for name in found.artifacts if name.startswith("checkpoints/")]
    assert files == ["checkpoints/best.weights.h5", "checkpoints/last.weights.h5"]
    for file, weights in zip(files, (kept[best], kept[-1]), strict=True):
        path = tmp_path / Path(file).name
        path.write_bytes(found.artifact(file).read())
        model.load_weights(path)
        assert all(map(np.array_equal, model.get_weights(), weights))


@pytest.mark.parametrize("form", ["list", "list object"])
def test_batches_on_request(form: str, uri: str, runs: Runs) -> None:
    autolog.autolog(uri, keras={"log_every_n_steps": 2})
    seen = []
    listen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])
    )
    model = network()
    callbacks: Any = [listen]
    if form == "list object":
        callbacks = keras.callbacks.CallbackList([listen], add_history=True, model=model)
    model.fit(ROWS, LABELS, batch_size=16, epochs=2, callbacks=callbacks, verbose=0)
    (found,) = runs()
    assert curve(found, "batch_loss") == seen[::2]
    assert [p.step for p in found.history("batch_loss")] == [0, 2, 4, 6, 8, 10]
    assert len(getattr(callbacks, "callbacks", [1, 1])) == 2


# -- loops -------------------------------------------------------------------------------------


def test_a_loop_by_hand_ends_with_its_model(runs: Runs) -> None:
    model = network("loop")
    losses = [model.train_on_batch(ROWS[:32], LABELS[:32])[0] for _ in range(4)]
    x_val, y_val = ROWS[64:], LABELS[64:]
    judged = model.test_on_batch(x_val, y_val)
    weights = model.get_weights()
    (found,) = runs()
    assert found.status == "running"
    del model
    gc.collect()
    (found,) = runs()
    assert found.status == "finished"
    assert curve(found, "loss") == losses
    assert (found.metrics["steps"], found.metrics["samples_seen"]) == (4, 128)
    assert found.metrics["loss_x_val"] == judged[0]
    again = autolog.load_model(f"{found.id}/model")
    assert all(map(np.array_equal, again.get_weights(), weights))


def test_an_error_in_a_loop(runs: Runs) -> None:
    model = network()
    model.train_on_batch(ROWS[:8], LABELS[:8])
    with pytest.raises(ValueError):
        model.train_on_batch(ROWS[:8, :2], LABELS[:8])
    assert [found.status for found in runs()] == ["failed"]


def test_another_optimizer_is_another_run(runs: Runs) -> None:
    model = network()
    model.train_on_batch(ROWS[:8], LABELS[:8])
    model.compile("sgd", "mse")
    model.train_on_batch(ROWS[:8], LABELS[:8])
    model.fit(ROWS, LABELS, verbose=0)
    found = runs()
    assert [one.params["optimizer_name"] for one in found] == ["adam", "sgd", "sgd"]
    assert [one.status for one in found] == ["finished"] * 3
    assert found[2].tags["continued_from"] == found[1].id


# -- what goes on inside and around ------------------------------------------------------------


def test_what_a_callback_trains_and_computes(runs: Runs) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score

    class Works(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            accuracy_score(LABELS, self.model.predict(ROWS, verbose=0)[:, 0] > 0.5)
            if epoch == 1:
                LogisticRegression().fit(ROWS, LABELS)
                network("inner").fit(ROWS, LABELS, verbose=0)

    network("outer").fit(ROWS, LABELS, epochs=2, callbacks=[Works()], verbose=0)
    outer, *inner = runs()
    assert [one.name for one in inner] == ["LogisticRegression", "Sequential inner"]
    assert {one.parent for one in inner} == {outer.id}
    assert [p.step for p in outer.history("accuracy_score_ROWS")] == [0, 1]
    assert len(curve(outer, "loss")) == 2
    assert len(curve(inner[1], "loss")) == 1


def test_under_scikit_learn(runs: Runs) -> None:
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def build(X: Any, y: Any) -> Any:
        return network(loss="binary_crossentropy")

    if not hasattr(keras, "wrappers"):
        pytest.skip("this Keras has no wrappers for scikit-learn")
    told = {"epochs": 2, "verbose": 0}
    model = keras.wrappers.SKLearnRegressor(build, fit_kwargs=told)
    make_pipeline(StandardScaler(), model).fit(ROWS, LABELS)
    cross_val_score(model, ROWS, LABELS, cv=2, scoring="r2")
    alone, folds = runs()
    assert len(curve(alone, "loss")) == 2
    assert alone.params["optimizer_name"] == "adam"
    assert list(alone.datasets) == ["ROWS"]
    assert "loss" not in folds.metrics


def test_an_evaluation_belongs_to_the_run_of_its_model(runs: Runs) -> None:
    first, second = network("first"), network("second")
    first.fit(ROWS, LABELS, verbose=0)
    second.fit(ROWS, LABELS, verbose=0)
    x_test, y_test = ROWS[:20] + 1, LABELS[:20]
    loss, accuracy = first.evaluate(x_test, y_test, verbose=0)
    named = second.evaluate(x_test, y_test, verbose=0, return_dict=True)
    one, two = runs()
    assert (one.metrics["loss_x_test"], one.metrics["accuracy_x_test"]) == (loss, accuracy)
    assert two.metrics["loss_x_test"] == named["loss"]
    assert one.datasets["x_test"]["role"] == "test"
    assert one.datasets["x_test"]["target"]["name"] == "y_test"


assert sys.modules["keras"].backend.backend() == "torch"
