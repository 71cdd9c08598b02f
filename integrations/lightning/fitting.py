"""One `Trainer.fit` as it goes: what Lightning's own logger connector works out, as it comes."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Mapping
from typing import Any

from autolog.live import Run

from ..torch.training import STEP
from . import signing
from .outcomes import Saved

STATE = "lightning.fit"
EVALUATION = "evaluation batch"
MOST_WAITING = 10_000


class Fit:
    """What is known of a fit that is under way in this process.

    Attributes:
        run: The run that it feeds.
        names: How the program calls the data of each role.
        optimizers: The variables that the program's optimizers were given to, by their `id`.
        schedulers: What each scheduler was told when it was built, by its `id`.
        saved: The checkpoints; None as long as nothing is trained.
        logged_names: The names of all that was logged.
        signature: Of the model's inputs, as far as it is known.
        tuning: How many searches for a rate or a batch size are under way.
        learners: Each optimizer with the prefix of its series and the rates recorded last.
    """

    def __init__(self, run: Run, trainer: Any, every: int) -> None:
        self.run = run
        self.names: dict[str, str] = {}
        self.optimizers: dict[int, str] = {}
        self.schedulers: dict[int, dict[str, Any]] = {}
        self.saved: Saved | None = None
        self.logged_names: set[str] = set()
        self.signature: Any = None
        self.learners: list[tuple[Any, str, list[Any]]] = []
        self.tuning = 0
        self._trainer = weakref.ref(trainer)
        self._every = every
        self._epoch: int | None = None
        self._began = 0.0
        self._waiting: list[tuple[Mapping[str, Any], float, str]] = []

    def is_of(self, trainer: Any) -> bool:
        """Whether this is that trainer's fit."""
        return self._trainer() is trainer

    def loggers(self) -> list[Any]:
        """Those of the trainer."""
        trainer = self._trainer()
        return [] if trainer is None else list(trainer.loggers)

    # -- what happens at each step ---------------------------------------------------------

    def batch(self, trainer: Any, batch: Any) -> None:
        """A training batch is about to be used: at which rates, and in which epoch."""
        step = trainer.fit_loop.epoch_loop._batches_that_stepped
        epoch = trainer.current_epoch
        if epoch != self._epoch:
            self._epoch = epoch
            self._began = time.perf_counter()
            self.run.log_metric("epoch", epoch, step=step, unit=STEP)
            if self.signature is None:
                self.signature = signing.of_batch(batch)
        for optimizer, prefix, rates in self.learners:
            groups = optimizer.param_groups
            if len(rates) != len(groups):  # one that was added is no longer the only one
                rates[:] = [None] * len(groups)
            for i, group in enumerate(groups):
                rate = group.get("lr")
                if rate is not rates[i]:  # set anew, if to the same number
                    rates[i] = rate
                    self._rate(f"{prefix}lr", groups, i, step)

    def _rate(self, name: str, groups: Any, i: int, step: int) -> None:
        group = groups[i]
        if isinstance(group.get("lr"), int | float):
            name = name if len(groups) == 1 else f"{name}_{group.get('name', i)}"
            self.run.log_metric(name, float(group["lr"]), step=step, unit=STEP)

    def step(self, trainer: Any, metrics: Mapping[str, Any]) -> None:
        """What was logged of a step, where Lightning would tell its loggers if they were asked."""
        if not self._every or not metrics:
            return
        loop = trainer.fit_loop
        if (
            trainer.accumulate_grad_batches != 1
            and trainer.lightning_module.automatic_optimization
            and loop._should_accumulate()
        ):
            return
        step = loop.epoch_loop._batches_that_stepped
        if (step + 1) % self._every == 0:
            found = {k: v.item() for k, v in metrics.items() if v.is_cpu}
            if found:
                self._write(found, step, STEP)

    def logged(self, connector: Any, metrics: Mapping[str, Any], step: Any) -> None:
        """What Lightning tells its loggers: of an epoch, an evaluation, or now and then a step."""
        trainer = connector.trainer
        if trainer.sanity_checking:
            return
        stepping = connector._first_loop_iter is not None
        if stepping and trainer.training and self._every:  # what is in memory is written already
            metrics = {key: value for key, value in metrics.items() if not value.is_cpu}
        metrics, unit = dict(metrics), STEP
        if step is not None:
            unit = EVALUATION
        elif "step" in metrics:  # the program's own count, as for Lightning's loggers
            step = int(metrics.pop("step"))
        else:
            step = trainer.fit_loop.epoch_loop._batches_that_stepped
        if bool(trainer.loggers) or all(value.is_cpu for value in metrics.values()):
            self._write({key: value.item() for key, value in metrics.items()}, step, unit)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append((metrics, step, unit))
        if trainer.training and not stepping:
            spent = time.perf_counter() - self._began
            self.run.log_metric("epoch_time", spent, step=step, unit=STEP)

    def told(self, metrics: Any, step: Any) -> None:
        """What the program, or a callback, tells a logger itself."""
        if not isinstance(metrics, Mapping):
            return
        numbers = {str(key): value for key, value in metrics.items() if is_number(value)}
        numbers.pop("epoch", None)
        self._write(numbers, step, STEP)

    def _write(self, found: Mapping[str, Any], step: Any, unit: str) -> None:
        self.logged_names.update(found)
        self.run.log_metrics(found, step=step, unit=unit)

    # -- the end ---------------------------------------------------------------------------

    def over(self) -> None:
        """Read what has waited on an accelerator: Lightning has moved its own results off it."""
        waiting, self._waiting = self._waiting, []
        for metrics, step, unit in waiting:
            self._write({key: value.item() for key, value in metrics.items()}, step, unit)
        self.learners.clear()


def is_number(value: Any) -> bool:
    """Whether it is one number that lies in the computer's memory."""
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        return bool(value.is_cpu and value.numel() == 1)
    return isinstance(value, int | float) or getattr(value, "shape", None) == ()
