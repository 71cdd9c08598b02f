"""Every so many batches their logs, on request: by a callback on a copy of the program's list."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from autolog.integration import Call, parameter_names
from autolog.live import Run

UNIT = "step"


class BatchLogs:
    """What Keras takes for a callback; listens to the ends of training batches alone.

    Safe in the thread in which some backends tell of batches, which stay as they are by that.
    """

    async_safe = True

    def __init__(self, run: Run, every: int) -> None:
        self._run = run
        self._every = every
        self._batches = 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the logs so far in the epoch, as Keras has made them plain for all callbacks."""
        number = self._batches
        self._batches += 1
        if number % self._every == 0:
            for name, value in (logs or {}).items():
                self._run.log_metric(f"batch_{name}", value, step=number, unit=UNIT)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("on_", "set_")):
            return _nothing
        raise AttributeError(name)


def _nothing(*args: Any, **kwargs: Any) -> None:
    pass


def listen(call: Call, run: Run, every: int) -> None:
    """Have a call of `fit` tell of its batches; the program's list and its object stay its own."""
    theirs = call.arg("callbacks")
    ours = BatchLogs(run, every)
    inner = vars(theirs).get("callbacks") if hasattr(theirs, "__dict__") else None
    if theirs is None or isinstance(theirs, list | tuple):
        _give(call, [*(theirs or ()), ours])
    elif isinstance(inner, list):
        twin = copy.copy(theirs)
        twin.callbacks = [*inner, ours]
        _give(call, twin)


def _give(call: Call, callbacks: Any) -> None:
    names = parameter_names(call.function)
    place = names.index("callbacks") if "callbacks" in names else len(call.args)
    if place < len(call.args):
        call.args = (*call.args[:place], callbacks, *call.args[place + 1 :])
    else:
        call.kwargs["callbacks"] = callbacks
