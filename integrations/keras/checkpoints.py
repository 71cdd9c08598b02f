"""The best epoch's weights and the last, on request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autolog.errors import UsageError
from autolog.live import Run

from . import archive

BEST, LAST = "checkpoints/best.weights.h5", "checkpoints/last.weights.h5"

_UP = re.compile(r"acc|auc|precision|recall|f1|f_beta|iou|r2|score|sensitivity|specificity")


class Checkpoints:
    """Keeps the weights of the epoch with the best `monitor`: of equal ones the earlier."""

    def __init__(self, run: Run, wanted: str) -> None:
        kind, _, monitor = wanted.partition(":")
        if kind != "best" or not monitor:
            raise UsageError(f"keras.checkpoint: {wanted!r} is not best:<metric>, best:val_loss")
        self._run = run
        self._monitor = monitor
        self._best: float | None = None

    def epoch(self, number: int, logs: Mapping[str, float], model: Any) -> None:
        """Keep the weights where the epoch that has ended is better than all before."""
        value = logs.get(self._monitor)
        if model is None or value is None or not self._better(value, model):
            return
        self._best = value
        self._run.log_artifact(archive.weights(model), BEST)
        info = {"call": BEST}
        self._run.point("checkpoint_epoch", number, number, {**info, "unit": "epoch"})
        self._run.point(f"checkpoint_{self._monitor}", value, number, {**info, "unit": "epoch"})

    def _better(self, value: float, model: Any) -> bool:
        if value != value or self._best is None:
            return value == value
        return value > self._best if rises(self._monitor, model) else value < self._best

    def end(self, model: Any) -> None:
        """Keep the weights with which the training has ended."""
        self._run.log_artifact(archive.weights(model), LAST)


def rises(monitor: str, model: Any) -> bool:
    """Whether more is better: as Keras's own metric of that name says, else as the name does."""
    name = monitor.removeprefix("val_")
    if name == "loss" or name.endswith("_loss"):
        return False
    for group in model.metrics:
        for metric in getattr(group, "metrics", [group]):
            if getattr(metric, "name", None) == name and hasattr(metric, "_direction"):
                return bool(metric._direction == "up")
    return bool(_UP.search(name))
