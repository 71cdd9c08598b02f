"""The rounds of a training as they end: a callback of xgboost's own kind, put before the others."""

from __future__ import annotations

import functools
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autolog.live import Run
from autolog.reporting import guarded

from . import config

if TYPE_CHECKING:
    from . import XgboostOptions

UNIT = "boosting round"

_RATE = re.compile(r'"(?:learning_rate|eta)":"([^"]+)"')

Log = Mapping[str, Mapping[str, list[Any]]]


class Rounds:
    """Records each round's numbers when the round has ended, under xgboost's own names.

    Stands first among the callbacks: xgboost asks none after one that says stop (2.1 to 3.2).
    `first(model)` is called once, after the first round, when the model is fully configured.
    """

    def __init__(
        self, run: Run, options: XgboostOptions, first: Callable[[Any], None], scheduled: bool
    ) -> None:
        self._run = run
        self._options = options
        self._first = first
        self._scheduled = scheduled
        self._start = 0
        self._began: float | None = None
        self.last: int | None = None
        self.best: dict[str, float] = {}

    # -- what xgboost calls ----------------------------------------------------------------

    def before_training(self, model: Any) -> Any:
        """Nothing to do yet."""
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
            self.best = best_of(model)
        return model

    # -- below -----------------------------------------------------------------------------

    def _record(self, model: Any, epoch: int, log: Log, ended: float) -> None:
        if self.last is None:
            # Asked only now: before the first round it would configure the model too early.
            self._start = max(model.num_boosted_rounds() - 1 - epoch, 0)
            self._first(model)
        step = self.last = epoch + self._start
        if self._options.series:
            for data, metrics in log.items():
                for name, values in metrics.items():
                    self._point(f"{data}-{name}", values[-1], step)
        if self._options.round_time and self._began is not None:
            self._run.log_metric("round_time", ended - self._began, step=step, unit=UNIT)
        if self._scheduled:
            self._rate(model, step)

    def _point(self, name: str, value: Any, step: int) -> None:
        if isinstance(value, tuple):  # of a cross-validation: mean and deviation
            self._run.log_metric(f"{name}-mean", value[0], step=step, unit=UNIT)
            self._run.log_metric(f"{name}-std", value[1], step=step, unit=UNIT)
        else:
            self._run.log_metric(name, value, step=step, unit=UNIT)

    def _rate(self, model: Any, step: int) -> None:
        found = _RATE.search(booster_of(model).save_config())
        if found is not None:
            self._run.log_metric("learning_rate", config.shortest(found[1]), step=step, unit=UNIT)


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


def schedules(callbacks: Any) -> bool:
    """Whether one of the callbacks changes the learning rate from round to round."""
    kind = getattr(sys.modules.get("xgboost.callback"), "LearningRateScheduler", ())
    known = callbacks if isinstance(callbacks, list | tuple) else ()
    return any(isinstance(one, kind) for one in known)


def callback(
    run: Run, options: XgboostOptions, first: Callable[[Any], None], scheduled: bool
) -> Any:
    """A `Rounds` that xgboost accepts as a callback."""
    return _kind(sys.modules["xgboost.callback"])(run, options, first, scheduled)


@functools.lru_cache(maxsize=4)
def _kind(module: Any) -> Any:
    """Made when it is first needed, since xgboost wants subclasses of its own class."""
    return type("Rounds", (Rounds, module.TrainingCallback), {"__module__": __name__})
