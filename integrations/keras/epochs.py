"""One `fit` as it goes: the logs of its epochs, as Keras itself tells them to its callbacks."""

from __future__ import annotations

import contextlib
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autolog.context import Frame, current
from autolog.following.judging import CLOCK
from autolog.integration import Call
from autolog.live import Run, put_back
from autolog.quiet import quietly

from . import layers, params
from .checkpoints import Checkpoints

STATE = "keras.fit"
UNIT = "epoch"
RATES = ("learning_rate", "lr")
"""How logs name a learning rate, where a callback tells it."""

EVENTS = ("on_train_begin", "on_epoch_begin", "on_test_begin", "on_epoch_end", "on_train_end")


class Fit:
    """What is known of a `fit` that is under way.

    `reading(found)` is called once, when Keras has looked at the data, and `built(model)` once the
    model is built: before anything is trained, or on TensorFlow, where its first batch builds it,
    when the first epoch is trained.

    Attributes:
        run: The run that it feeds.
        rows: Rows of an epoch, where the data tell.
        logs: The newest epoch's logs.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        built: Callable[[Any], None],
        reading: Callable[[dict[str, Any]], None],
    ) -> None:
        self.run = run
        self.rows: int | None = None
        self.logs: dict[str, float] = {}
        self.keeper: Checkpoints | None = None
        self._model = weakref.ref(model)
        self._built: Callable[[Any], None] | None = built
        self._reading: Callable[[dict[str, Any]], None] | None = reading
        self._list: weakref.ref[Any] | None = None
        self._seen: dict[str, int] = {}
        self._course: dict[int, dict[str, float]] = {}
        self._began = self._tested = 0.0

    def read(self, found: dict[str, Any]) -> None:
        """What Keras has found the training data to be; of the first that it looks at here."""
        if self._reading is not None:
            reading, self._reading = self._reading, None
            self.rows = found.get("rows")
            reading(found)

    def is_of(self, callbacks: Any) -> bool:
        """Whether these are the callbacks of this very fit."""
        if self._list is None:
            held = vars(callbacks).get("_model")
            if held is not None and held is not self._model():
                return False
            self._list = weakref.ref(callbacks)
        return self._list() is callbacks

    def event(self, call: Call) -> Iterator[None]:
        """Something that the callbacks are told; what they do is not a part of the fit."""
        with self._opened():
            yield from getattr(self, f"_{call.function.__name__}")(call.instance, call)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        """A model that a callback fits gets a run of its own, a metric lands on this one."""
        frame = Frame(self.run, hook=False)
        token = current.set(frame)
        try:
            yield
        finally:
            frame.over = True
            put_back(token)

    def over(self) -> None:
        """Leave nothing in the run's state: what comes now is no part of an epoch."""
        self._look()
        self._keep_last()
        self.run.state.pop(STATE, None)
        self.run.state.pop(CLOCK, None)

    def _keep_last(self) -> None:
        """The weights as the last epoch left them: before a callback restores others."""
        keeper, self.keeper = self.keeper, None
        model = self._model()
        if keeper is not None and model is not None and model.built:
            keeper.end(model)

    # -- what Keras tells ------------------------------------------------------------------

    def _on_train_begin(self, callbacks: Any, call: Call) -> Iterator[None]:
        self._look()
        yield
        self._seen = {name: len(values) for name, values in _history(callbacks).items()}

    def _look(self, at_last: bool = False) -> None:
        """Say what the model is made of, once all of it is there; `at_last` what there is."""
        model = self._model()
        if self._built is None or model is None:
            return
        if at_last or layers.built(model):
            built, self._built = self._built, None
            built(model)

    def _on_epoch_begin(self, callbacks: Any, call: Call) -> Iterator[None]:
        self._tested = 0.0
        self.run.state[CLOCK] = call.arg("epoch"), UNIT
        self._began = time.perf_counter()
        yield

    def _on_test_begin(self, callbacks: Any, call: Call) -> Iterator[None]:
        self._tested = time.perf_counter()
        yield

    def _on_epoch_end(self, callbacks: Any, call: Call) -> Iterator[None]:
        ended, epoch = time.perf_counter(), call.arg("epoch")
        self.run.state[CLOCK] = epoch, UNIT
        self._look(at_last=True)
        rate = learning_rate(self._model())
        told = None if vars(callbacks).get("_history") is not None else _told(call)
        yield
        logs = self._newest(callbacks) if told is None else told
        numbers = {k: float(v) for k, v in logs.items() if is_number(v)}
        self.logs = self._course[epoch] = numbers
        for name, value in numbers.items():
            self.run.log_metric(name, value, step=epoch, unit=UNIT)
        if rate is not None and not any(name in logs for name in RATES):
            self.run.log_metric("learning_rate", rate, step=epoch, unit=UNIT)
        self._pace(epoch, ended)
        if self.keeper is not None:
            self.keeper.epoch(epoch, numbers, self._model())

    def _pace(self, epoch: int, ended: float) -> None:
        self.run.log_metric("epoch_time", ended - self._began, step=epoch, unit=UNIT)
        trained = (self._tested or ended) - self._began
        if self.rows and trained > 0:
            pace = self.rows / trained
            self.run.log_metric("samples_per_second", pace, step=epoch, unit=UNIT)

    def _newest(self, callbacks: Any) -> dict[str, Any]:
        """What Keras's own record of this fit got at this epoch, after all callbacks' changes."""
        found = {}
        for name, values in _history(callbacks).items():
            if len(values) > self._seen.get(name, 0):
                self._seen[name] = len(values)
                found[name] = values[-1]
        return found

    def _on_train_end(self, callbacks: Any, call: Call) -> Iterator[None]:
        self.run.state.pop(CLOCK, None)
        self._keep_last()
        yield
        said: set[str] = set()
        for one in params.listed(callbacks):
            self._say_best(one, said)

    def _say_best(self, callback: Any, known: set[str]) -> None:
        """What a callback that watches a number knows of it when all is over."""
        held = vars(callback) if hasattr(callback, "__dict__") else {}
        monitor: Any = held.get("monitor")
        best: Any = held.get("best")
        facts: dict[str, Any] = {}
        if isinstance(monitor, str) and is_number(best):
            facts[f"best_{monitor}"] = float(best)
        if "stopped_epoch" in held:
            epoch = held.get("best_epoch")
            if held["stopped_epoch"] > 0:
                facts["stopped_epoch"] = held["stopped_epoch"]
            if best is not None and isinstance(epoch, int):
                facts["best_epoch"] = epoch
            if held.get("restore_best_weights") and held.get("best_weights") is not None:
                facts["restored_epoch"] = epoch
                logs = self._course.get(epoch or 0, {})
                facts.update({f"restored_{name}": value for name, value in logs.items()})
        said = f"{type(callback).__qualname__}, when the fit was over"
        for name, value in facts.items():
            if name not in known:
                self.run.point(name, value, None, {"call": said})
        known.update(facts)


def _history(callbacks: Any) -> Mapping[str, Any]:
    found = getattr(vars(callbacks).get("_history"), "history", None)
    return found if isinstance(found, dict) else {}


def _told(call: Call) -> dict[str, Any]:
    """The logs as plain numbers, where nobody else keeps them: converted here, and only here.

    In Keras 3.5 the trainers have them converted already.
    """
    plain = getattr(sys.modules["keras.src.utils.python_utils"], "pythonify_logs", dict)
    logs: dict[str, Any] = plain(call.arg("logs") or {})
    call.args, call.kwargs = (call.arg("epoch"), logs), {}
    return dict(logs)


def is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return getattr(value, "shape", None) == () and hasattr(value, "__float__")


def learning_rate(model: Any) -> float | None:
    """What the optimizer's rate is, by Keras's own schedules too; None where it has none.

    None too of a schedule, or a function, of the program's own: to learn its rate is to call it.
    Keras has waited for the device when an epoch has ended: nothing is waited for here.
    """
    outer = vars(model).get("optimizer") if model is not None else None
    optimizer: Any = getattr(outer, "inner_optimizer", outer)
    rate = getattr(optimizer, "_learning_rate", None)
    scheduled = callable(rate) and not hasattr(rate, "assign")
    if rate is None or (scheduled and not type(rate).__module__.startswith("keras.")):
        return None
    with contextlib.suppress(Exception), quietly():  # an optimizer of a library of its own
        value = rate(optimizer.iterations) if scheduled else getattr(rate, "value", rate)
        return float(value.numpy() if hasattr(value, "numpy") else value)
    return None
