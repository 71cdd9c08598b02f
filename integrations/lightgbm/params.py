"""What LightGBM was told: the user's own spelling, main names, and the effective configuration."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from autolog.integration import Call

ARGUMENTS = {
    "train": ("num_boost_round", "valid_names", "feval", "keep_training_booster"),
    "cv": (
        "num_boost_round", "nfold", "stratified", "shuffle", "metrics", "feval", "fpreproc",
        "seed", "eval_train_metric", "return_cvbooster", "folds",
    ),
}  # fmt: skip
"""Arguments that say how it is trained, beside `params` (4.3 to 4.7)."""

_CALLBACKS = {
    "_EarlyStoppingCallback": (
        "early_stopping",
        ("stopping_rounds", "first_metric_only", "verbose", "min_delta"),
    ),
    "_LogEvaluationCallback": ("log_evaluation", ("period", "show_stdv")),
    "_RecordEvaluationCallback": ("record_evaluation", ()),
    "_ResetParameterCallback": ("reset_parameter", ()),
}
"""LightGBM's own callbacks: the function that makes each, and the settings that it holds."""

STOPPING = "early_stopping_round"

_main: dict[str, str] = {}


def main_name(name: str) -> str:
    """The name that LightGBM itself gives a parameter: `learning_rate` for `eta`."""
    if not _main:
        aliases = getattr(sys.modules["lightgbm.basic"], "_ConfigAliases", None)
        if aliases is not None:
            aliases.get("num_iterations")  # reads them from the library, as any training does
        for main, names in (getattr(aliases, "aliases", None) or {}).items():
            _main.update((alias, main) for alias in names)
    return _main.get(name, name)


def resolved(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params by main name; where there are several spellings the main one wins, then the first."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        main = main_name(name)
        if name == main:
            found[main] = value
        else:
            found.setdefault(main, value)
    return found


def named(value: Any) -> Any:
    """A function by its name, several as a list of theirs; all else as it is."""
    if isinstance(value, list | tuple) and any(map(callable, value)):
        return [named(item) for item in value]
    if isinstance(value, type) or not callable(value):
        return value
    inner = getattr(value, "func", value)  # a partial, or scikit-learn's wrapper round a function
    return getattr(inner, "__name__", None) or type(inner).__qualname__


def told(params: Mapping[str, Any]) -> dict[str, Any]:
    """The user's params as he spells them, and under their main names."""
    plain = {str(name): named(value) for name, value in params.items()}
    return {**resolved(plain), **plain}


def arguments(call: Call) -> tuple[dict[str, Any], set[str]]:
    """The arguments of `train` or `cv`, and the names of those that are not the defaults."""
    parameters = inspect.signature(call.function).parameters
    found, chosen = {}, set()
    for name in ARGUMENTS[call.function.__name__]:
        if name in parameters:
            value = call.arg(name, parameters[name].default)
            if value is not None:
                found[name] = named(value) if name != "folds" else _splitter(value)
            if not _same(value, parameters[name].default):
                chosen.add(name)
    return found, chosen


def _splitter(value: Any) -> str:
    """scikit-learn's splitters as the call that makes them, all else by class."""
    kind = type(value)
    return repr(value) if kind.__module__.startswith("sklearn.") else kind.__qualname__


# -- callbacks ---------------------------------------------------------------------------------


def own_callbacks(callbacks: Any) -> list[Any]:
    """The user's callbacks, whatever holds them."""
    return list(callbacks) if isinstance(callbacks, list | tuple | set | frozenset) else []


def callback_params(callbacks: Iterable[Any]) -> dict[str, Any]:
    """The callbacks as they are written, and early stopping's settings by name."""
    found: dict[str, Any] = {}
    names = [_described(one) for one in callbacks]
    if names:
        found["callbacks"] = names
    for one in callbacks:
        if type(one).__name__ == "_EarlyStoppingCallback":
            held = vars(one)
            found[STOPPING] = held.get("stopping_rounds")
            found["first_metric_only"] = held.get("first_metric_only")
            found["early_stopping_min_delta"] = held.get("min_delta")
        for name, value in schedules([one]).items():
            found[f"{name}_schedule"] = value if isinstance(value, list) else named(value)
    return {name: value for name, value in found.items() if value is not None}


def stops_early(call: Call, callbacks: Iterable[Any]) -> bool:
    """Whether a training may end before its last round, by a callback or by its params."""
    given = call.arg("params")
    rounds = resolved(given).get(STOPPING) if isinstance(given, dict) else None
    by_params = isinstance(rounds, int) and rounds > 0
    return by_params or any(type(one).__name__ == "_EarlyStoppingCallback" for one in callbacks)


def _described(callback: Any) -> str:
    known = _CALLBACKS.get(type(callback).__name__)
    if known is None:
        return str(named(callback))
    name, settings = known
    held = vars(callback)
    parts = [f"{key}={held[key]!r}" for key in settings if key in held]
    if name == "reset_parameter":
        parts = [f"{key}={_brief(value)}" for key, value in held.get("kwargs", {}).items()]
    return f"{name}({', '.join(parts)})"


def _brief(value: Any) -> str:
    if isinstance(value, list) and len(value) > 4:
        return f"[{value[0]!r}, …, {value[-1]!r}]"
    return str(named(value))


def schedules(callbacks: Iterable[Any]) -> dict[str, Any]:
    """The parameters that callbacks reset by round, as they are spelled: lists or functions."""
    found: dict[str, Any] = {}
    for one in callbacks:
        if type(one).__name__ == "_ResetParameterCallback":
            found.update(vars(one).get("kwargs", {}))
    return found


# -- the effective configuration ---------------------------------------------------------------

_LINE = re.compile(r"^\[([a-z_0-9]+): (.*)\]$", re.M)
_NUMBER = re.compile(r"-?\d+")


def effective(booster: Any) -> dict[str, Any]:
    """The whole configuration that a model was trained with, as its text ends with it.

    One tree is written for that: all of them take milliseconds.
    """
    return configuration(booster.model_to_string(num_iteration=1))


def configuration(text: str) -> dict[str, Any]:
    """The configuration that a model's text ends with; what is empty is left out."""
    _, _, tail = text.rpartition("\nparameters:")
    body, _, _ = tail.partition("end of parameters")
    return {key: _parsed(key, value) for key, value in _LINE.findall(body) if value}


_LISTS = (
    "categorical_feature",
    "eval_at",
    "feature_contri",
    "label_gain",
    "max_bin_by_feature",
    "monotone_constraints",
)
"""Parameters that are lists, also of one item."""


def _parsed(name: str, text: str) -> Any:
    if name in _LISTS or ("," in text and "[" not in text):
        return [_value(item) for item in text.split(",")]
    return _value(text)


def _value(text: str) -> Any:
    if _NUMBER.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


# -- scikit-learn's classes --------------------------------------------------------------------


def estimator_params(estimator: Any) -> tuple[dict[str, Any], set[str]]:
    """`get_params()`, and the names of those that are not the constructor's defaults."""
    params = {str(name): named(value) for name, value in estimator.get_params(deep=False).items()}
    defaults: dict[str, Any] = {}
    for cls in reversed(type(estimator).__mro__):
        if "__init__" in vars(cls):
            for name, one in inspect.signature(vars(cls)["__init__"]).parameters.items():
                defaults[name] = one.default
    chosen = {name for name, value in params.items() if not _same(value, defaults.get(name, ...))}
    return params, chosen


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    plain = type(value) is type(default) and isinstance(value, str | int | float)
    return plain and bool(value == default)
