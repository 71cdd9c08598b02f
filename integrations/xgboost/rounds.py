"""The rounds of a training as they end: a callback of xgboost's own kind, put before the others."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autolog.context import variable
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

if TYPE_CHECKING:
    from . import XgboostOptions

UNIT = "boosting round"

WAITS = 0.05
"""Seconds that the numbers of quick rounds may wait for others: one by one each write would cost
ten times as much, as a round leaves nothing of our code in the processor's caches."""

RATES = ("learning_rate", "eta")

_under_way = variable("xgboost.rounds", None)
"""The rounds that are under way here."""

Log = Mapping[str, Mapping[str, list[Any]]]


class Rounds:
    """Records each round's numbers when the round has ended, under xgboost's own names.

    Stands first among the callbacks: xgboost asks none after one that says stop (2.1 to 3.2).
    `first(model)` is called once, after the first round, when the model is fully configured.
    """

    def __init__(self, run: Run, options: XgboostOptions, first: Callable[[Any], None]) -> None:
        self._run = run
        self._options = options
        self._first = first
        self._start = 0
        self._began: float | None = None
        self._rated: int | None = None
        self._rates: list[tuple[float, int, dict[str, Any]]] = []
        self._waiting: list[tuple[float, int, float | None]] = []
        self._log: Log = {}
        self._written = 0.0
        self.rate: Any = None
        self.last: int | None = None
        self.best: dict[str, float] = {}

    # -- what xgboost calls ----------------------------------------------------------------

    def before_training(self, model: Any) -> Any:
        """Hear what the other callbacks set in the model from here on."""
        _under_way.set(self)
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Log) -> bool:
        """Take the time."""
        self._began = time.perf_counter()
        return False

    def after_iteration(self, model: Any, epoch: int, evals_log: Log) -> bool:
        """Record the round; never asks to stop."""
        ended, began = time.perf_counter(), time.thread_time_ns()
        with guarded("recording a boosting round"):
            self._record(model, epoch, evals_log, ended)
        self._run.overhead += time.thread_time_ns() - began
        return False

    def after_training(self, model: Any) -> Any:
        """What early stopping found, of a cross-validation too, whose boosters end here."""
        with guarded("recording early stopping"):
            self.flush()
            self.best = best_of(model)
        return model

    # -- below -----------------------------------------------------------------------------

    def _record(self, model: Any, epoch: int, log: Log, ended: float) -> None:
        if self.last is None:
            # Asked only now: before the first round it would configure the model too early.
            self._start = max(model.num_boosted_rounds() - 1 - epoch, 0)
            self._log = log
            self._first(model)
        self.last = epoch + self._start
        seconds = None if self._began is None else ended - self._began
        self._waiting.append((time.time(), epoch, seconds))
        if self._rated is not None:
            self._say_rate()
        if ended - self._written >= WAITS:
            self.flush(ended)

    def flush(self, now: float = 0.0) -> None:
        """Write the rounds that wait; xgboost keeps the numbers of all."""
        waiting, self._waiting = self._waiting, []
        rates, self._rates = self._rates, []
        self._written = now
        rounds = waiting[-1][1] + 1 if waiting else 0
        rows = [(at, epoch + self._start, self._row(epoch, s, rounds)) for at, epoch, s in waiting]
        self._run.log_rows([*rows, *rates], unit=UNIT)

    def _row(self, epoch: int, seconds: float | None, rounds: int) -> dict[str, float]:
        row = dict(_points(self._log, epoch, rounds)) if self._options.series else {}
        if self._options.round_time and seconds is not None:
            row["round_time"] = seconds
        return row

    def heard(self, params: Mapping[str, Any]) -> None:
        """A callback has set params between two rounds: the next one has another learning rate."""
        rates = [value for name, value in params.items() if name in RATES]
        if not rates or self.last is None:
            return
        if self._rated is None:  # the rounds so far had the first one
            self._rated = self._start
            self._say_rate()
        self.rate = rates[-1]

    def _say_rate(self) -> None:
        """The learning rate of each round up to the last one."""
        assert self.last is not None
        assert self._rated is not None
        for step in range(self._rated, self.last + 1):
            self._rates.append((time.time(), step, {"learning_rate": self.rate}))
        self._rated = self.last + 1


def booster_of(model: Any) -> Any:
    """The model of a training, or that of a cross-validation's first fold."""
    folds = getattr(model, "cvfolds", None)
    return folds[0].bst if folds else model


def best_of(model: Any) -> dict[str, float]:
    """`best_iteration` and `best_score` as xgboost keeps them with the model."""
    found = {}
    for name, kind in (("best_iteration", int), ("best_score", float)):
        text = model.attr(name)
        if text is not None:
            found[name] = kind(text)
    return found


def parsed(parts: Iterable[str]) -> dict[str, float]:
    """xgboost's own words for a round's numbers: `train-auc:0.9`."""
    pairs = (part.rpartition(":") for part in parts)
    return {name: float(value) for name, _, value in pairs}


def _points(log: Log, epoch: int, rounds: int) -> Iterator[tuple[str, float]]:
    """All numbers of one of the rounds so far; a cross-validation's are means and deviations."""
    for data, metrics in log.items():
        for name, values in metrics.items():
            each = len(values) // rounds or 1  # two metrics of one name share a list
            place = (epoch + 1) * each - 1
            if place >= len(values):
                continue
            value = values[place]
            if isinstance(value, tuple):
                yield f"{data}-{name}-mean", value[0]
                yield f"{data}-{name}-std", value[1]
            else:
                yield f"{data}-{name}", value


@contextlib.contextmanager
def heard_here() -> Iterator[None]:
    """Within it the rounds that begin hear what is set in their model, and lose none at its end."""
    token = _under_way.set(None)
    try:
        yield
    finally:
        ours = _under_way.get()
        _under_way.reset(token)
        if ours is not None:
            ours.flush()


def under_way() -> bool:
    """Whether there are rounds that hear."""
    return _under_way.get() is not None


def heard(call: Call) -> None:
    """Tell the training that is under way here what is set in its model."""
    ours = _under_way.get()
    if ours is None:
        return
    params, value = call.arg("params"), call.arg("value")
    if isinstance(params, str):
        ours.heard({params: value})
    elif isinstance(params, Mapping):
        ours.heard(params)
    elif isinstance(params, list | tuple):
        ours.heard(dict(params))


def callback(run: Run, options: XgboostOptions, first: Callable[[Any], None]) -> Any:
    """A `Rounds` that xgboost accepts as a callback."""
    return _kind(sys.modules["xgboost.callback"])(run, options, first)


@functools.lru_cache(maxsize=4)
def _kind(module: Any) -> Any:
    """Made when it is first needed, since xgboost wants subclasses of its own class."""
    return type("Rounds", (Rounds, module.TrainingCallback), {"__module__": __name__})
