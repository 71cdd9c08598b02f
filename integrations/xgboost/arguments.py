"""What a call of xgboost was told: its arguments, however they were passed, as params."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from autolog.integration import Call, unbound

NOT_PARAMS = frozenset(
    ("params", "dtrain", "evals", "evals_result", "callbacks", "folds", "client")
)
"""Arguments that are data, are told otherwise, or that the call writes to."""


def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    return _signature(unbound(function))


@functools.lru_cache(maxsize=64)
def _signature(function: Any) -> Mapping[str, inspect.Parameter]:
    found = inspect.signature(function).parameters
    return {name: parameter for name, parameter in found.items() if name != "self"}


def arguments(call: Call) -> dict[str, Any]:
    """The arguments by name, also those that were passed by position in the old manner.

    xgboost (2.1 to 3.2) takes `train(params, dtrain, 10, evals)` with a warning.
    """
    return {**dict(zip(_parameters(call.function), call.args, strict=False)), **call.kwargs}


def replace(call: Call, name: str, value: Any) -> None:
    """Have the original called with another value for `name`."""
    position = list(_parameters(call.function)).index(name)
    if position < len(call.args):
        call.args = (*call.args[:position], value, *call.args[position + 1 :])
    else:
        call.kwargs[name] = value


def place_of(call: Call, name: str) -> str | int:
    """Where an argument stands in the call: its keyword, or its position."""
    return name if name in call.kwargs else list(_parameters(call.function)).index(name)


def settings(call: Call) -> tuple[dict[str, Any], set[str]]:
    """The call's arguments as params, with their defaults, and the names that the user gave."""
    given = arguments(call)
    params = {
        name: told(given.get(name, parameter.default))
        for name, parameter in _parameters(call.function).items()
        if name not in NOT_PARAMS
    }
    known = {k: v for k, v in params.items() if v is not None or k in given}
    return known, set(given) & set(known)


def booster_params(params: Any) -> dict[str, Any]:
    """A booster's params, given as a mapping or as pairs in which a name may come again."""
    found: dict[str, Any] = {}
    pairs: Iterable[Any] = params.items() if isinstance(params, Mapping) else params or ()
    for name, value in pairs:
        if name in found and name == "eval_metric":
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[name] = value
    return {str(name): told(value) for name, value in found.items()}


def told(value: Any) -> Any:
    """Functions, and lists of them, by name; all else as it is."""
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    return name_of(value) if callable(value) else value


def name_of(value: Any) -> str:
    """A function's name, that of what a `partial` calls, or an object's class."""
    value = value.func if isinstance(value, functools.partial) else value
    return str(getattr(value, "__name__", type(value).__qualname__))
