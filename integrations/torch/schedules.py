"""Schedulers of learning rates: their settings, as they were given."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from autolog.integration import Call

from .configured import plain
from .training import Known

LEFT_OUT = frozenset(("self", "optimizer", "last_epoch", "verbose", "epoch", "schedulers"))


def described(call: Call) -> dict[str, Any]:
    """`scheduler: StepLR, scheduler_step_size: 30, …`, with the defaults of what was not given."""
    found: dict[str, Any] = {"scheduler": type(call.instance).__qualname__}
    for name, default in _parameters(call.function).items():
        value = call.arg(name, default)
        if name not in LEFT_OUT:
            told = _told(value)
            if told is not None:
                found[f"scheduler_{name}"] = told
    return found


def optimizer_of(call: Call) -> Any:
    """The optimizer whose rates it sets."""
    given = call.arg("optimizer")
    if given is None:
        inner = call.arg("schedulers") or ()
        given = getattr(inner[0], "optimizer", None) if inner else None
    return given


def _parameters(function: Any) -> dict[str, Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: None if p.default is p.empty else p.default for p in parameters}


def _told(value: Any) -> Any:
    if isinstance(value, FunctionType):
        return value.__qualname__
    if isinstance(value, tuple):
        value = list(value)
    return value if plain(value) else None


def joined(known: Known) -> None:
    """Write down the schedulers of an optimizer, when its training is known."""
    training, waiting = known.training, known.schedules
    if training is None or training.over:
        return
    known.schedules = []
    for found in waiting:
        count = known.scheduled = known.scheduled + 1
        number = "" if count == 1 else f"{count}_"
        told = {f"{known.prefix}{number}{key}": value for key, value in found.items()}
        training.run.log_params(told)
