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
        self._rated = False
        self._lists: list[tuple[str, list[Any]]] = []
        self.rate: Any = None
        self.last: int | None = None
        self.best: dict[str, float] = {}

    def __hash__(self) -> int:
        """The first in a set too, which 2.1 keeps callbacks in: of what is added first, by slot."""
        return 0

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
            self.best = best_of(model)
        return model

    # -- below -----------------------------------------------------------------------------

    def _record(self, model: Any, epoch: int, log: Log, ended: float) -> None:
        if self.last is None:
            # Asked only now: before the first round it would configure the model too early.
            self._start = max(model.num_boosted_rounds() - 1 - epoch, 0)
            self._first(model)
        step = self.last = epoch + self._start
        row = self._points(log, epoch + 1) if self._options.series else {}
        if self._options.round_time and self._began is not None:
            row["round_time"] = ended - self._began
        if self._rated:
            row["learning_rate"] = self.rate
        self._run.log_metrics(row, step=step, unit=UNIT)

    def _points(self, log: Log, rounds: int) -> dict[str, Any]:
        """The newest numbers; of a cross-validation they are means and deviations.

        xgboost (2.1 to 3.2) adds to the lists of the rounds before, which are kept at hand.
        """
        lists = self._lists
        known = len(lists) == sum(map(len, log.values()))
        if not known or any(len(values) != rounds for _, values in lists):
            lists = self._lists = [
                (f"{data}-{name}", values)
                for data, metrics in log.items()
                for name, values in metrics.items()
            ]
        found: dict[str, Any] = {}
        for key, values in lists:
            if len(values) < rounds:  # a function that gives one name now, another then
                continue
            value = values[-1]
            if type(value) is tuple:
                found[f"{key}-mean"], found[f"{key}-std"] = value
            else:
                found[key] = value
        return found

    def heard(self, params: Mapping[str, Any]) -> None:
        """A callback has set params between two rounds: the next one has another learning rate."""
        rates = [value for name, value in params.items() if name in RATES]
        if not rates:
            return
        if not self._rated and self.last is not None:  # the rounds so far had the first one
            self._rated = True
            before = [self.rate] * (self.last + 1 - self._start)
            self._run.log_series("learning_rate", before, unit=UNIT, first=self._start)
        self.rate = rates[-1]


def booster_of(model: Any) -> Any:
    """The model of a training, or that of a cross-validation's first fold."""
    folds = getattr(model, "cvfolds", None)
    return folds[0].bst if folds else model


def best_of(model: Any) -> dict[str, float]:
    """`best_iteration` and `best_score` as xgboost keeps them with the model.

    Of a cross-validation 2.1 keeps mean and deviation as one text, `(0.68, 0.01)`.
    """
    found = {}
    for name, kind in (("best_iteration", int), ("best_score", float)):
        text = model.attr(name)
        if text is not None:
            found[name] = kind(text.strip("()").partition(",")[0])
    return found


def parsed(parts: Iterable[str]) -> dict[str, float]:
    """xgboost's own words for a round's numbers: `train-auc:0.9`."""
    pairs = (part.rpartition(":") for part in parts)
    return {name: float(value) for name, _, value in pairs}


@contextlib.contextmanager
def heard_here() -> Iterator[None]:
    """Within it the rounds that begin hear what is set in their model."""
    token = _under_way.set(None)
    try:
        yield
    finally:
        _under_way.reset(token)


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
