"""The rounds of a training as they end, heard as a callback of LightGBM's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from operator import is_
from typing import Any

from autolog.live import Run
from autolog.reporting import guarded

from .params import main_name, schedules

UNIT = "boosting round"
FIRST = -sys.maxsize
"""Stands before all other callbacks, which may stop the training."""


class Rounds:
    """What is heard of one training.

    Attributes:
        number: The last round that ended, counted from 1 as LightGBM does.
    """

    def __init__(self, run: Run, callbacks: Iterable[Any]) -> None:
        self.run = run
        self.number = 0
        self._began = time.perf_counter()
        self._scheduled = {name: main_name(name) for name in schedules(callbacks)}
        self._reset: dict[str, str] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._params: dict[str, Any] = {}

    @property
    def keys(self) -> set[str]:
        """The series of what was evaluated."""
        return set(self._keys.values())

    def callbacks(self) -> list[Any]:
        """What is put before the user's callbacks: so their own places stay what they were."""
        return [_Before(self), _After(self)]

    def begins(self) -> None:
        """A round begins."""
        self._began = time.perf_counter()

    def ended(self, env: Any) -> None:
        """A round has ended, and has been evaluated."""
        step = self.number = env.iteration + 1
        keys = self._keys
        found: dict[str, Any] = {}
        for item in env.evaluation_result_list or ():
            pair = item[0], item[1]
            key = keys.get(pair)
            if key is None:
                key = keys[pair] = key_of(*pair)
            if len(item) > 4:  # of a cross-validation: mean and deviation
                found[f"{key}-mean"], found[f"{key}-stdv"] = item[2], item[4]
            else:
                found[key] = item[2]
        found["round_time"] = time.perf_counter() - self._began
        for name, main in self._scheduled.items():
            if name in env.params:
                found[main] = env.params[name]
        for name, main in self._reset.items():
            found[main] = env.model.params[name]
        self.run.log_metrics(found, step=step, unit=UNIT)
        self._resets(env, step)

    def _resets(self, env: Any, step: int) -> None:
        """What a callback of the user's own has reset: a series from the first round on."""
        now = getattr(env.model, "__dict__", {}).get("params")
        if not isinstance(now, dict):
            return
        before = self._params
        if not before:
            self._params = dict(now)
            return
        if len(before) == len(now) and all(map(is_, before.values(), now.values())):
            return
        for name, value in now.items():
            known = name in self._scheduled or name in self._reset
            if before.get(name) is not value and not known:
                self._changed(name, before.get(name), value, env.begin_iteration, step)

    def _changed(self, name: str, old: Any, new: Any, begin: int, step: int) -> None:
        self._params[name] = new
        if not isinstance(new, int | float) or isinstance(new, bool) or old == new:
            return
        self._reset[name] = main = main_name(name)
        if isinstance(old, int | float):
            self.run.log_series(main, [old] * (step - 1 - begin), unit=UNIT, first=begin + 1)
        self.run.log_metric(main, new, step=step, unit=UNIT)


def key_of(dataset: str, metric: str) -> str:
    """`valid_0-auc`; of a cross-validation `valid-auc` (before 4.7 `cv_agg` and `valid auc`)."""
    if dataset == "cv_agg":
        dataset, _, metric = metric.partition(" ")
    return f"{dataset}-{metric}"


class _Before:
    """Called by LightGBM before each round."""

    before_iteration = True

    def __init__(self, rounds: Rounds) -> None:
        self.order = FIRST
        self._rounds = rounds

    def __call__(self, env: Any) -> None:
        self._rounds.begins()


class _After:
    """Called by LightGBM after each round, before whatever may end the training."""

    before_iteration = False

    def __init__(self, rounds: Rounds) -> None:
        self.order = FIRST
        self._rounds = rounds

    def __call__(self, env: Any) -> None:
        with guarded("lightgbm.rounds"):
            self._rounds.ended(env)
