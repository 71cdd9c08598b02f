"""What a model knows beside its trees, as JSON, and the model again from that and the text."""

from __future__ import annotations

import copyreg
import functools
import json
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

KNOWN = {
    f"lightgbm.sklearn.{name}": name
    for name in ("LGBMModel", "LGBMClassifier", "LGBMRegressor", "LGBMRanker")
}
"""Classes that are made again without a pickle."""

FITTED = (
    "_best_iteration",
    "_best_score",
    "_evals_result",
    "_n_features",
    "_n_features_in",
    "_n_classes",
    "_classes",
    "_class_map",
    "_class_weight",
    "_objective",
    "_fitted_with_feature_names",
    "_other_params",
    "_eval_at",
    "fitted_",
)
"""What `fit` leaves on an estimator beside its booster (4.3 to 4.7)."""


def local(model: Any) -> Any:
    """A model of the Dask classes as the plain one of LightGBM's own; all others as they are."""
    kind = type(model)
    return model.to_local() if kind.__module__ == "lightgbm.dask" else model


def with_text(model: Any, text: str) -> Any:
    """Pickles as `model` does, whose booster would write its text once more for that."""
    shell = object.__new__(type(model))
    vars(shell).update(vars(model))
    vars(shell)["_Booster"] = _Written(vars(model)["_Booster"], text)
    return shell


class _Written:
    """Stands for a booster whose text is known; in a pickle it is that booster (4.3 to 4.7)."""

    def __init__(self, booster: Any, text: str) -> None:
        self._booster = booster
        self._text = text

    @property  # type: ignore[misc]  # the pickler compares it with what it is to make
    def __class__(self) -> type:
        return type(self._booster)

    def __reduce_ex__(self, protocol: Any) -> Any:
        held = vars(self._booster)
        state = {k: v for k, v in held.items() if k not in ("train_set", "valid_sets")}
        state["_handle"] = self._text
        return copyreg.__newobj__, (type(self._booster),), state  # type: ignore[attr-defined]


def of_booster(booster: Any) -> dict[str, Any]:
    """What a booster's text does not know."""
    held = vars(booster)
    names = ("best_iteration", "best_score", "params", "_train_data_name")
    return {name: held[name] for name in names if name in held}


def of_estimator(model: Any) -> dict[str, Any]:
    """Params and what `fit` left, and the same of its booster."""
    held = vars(model)
    return {
        "params": model.get_params(deep=False),
        "fitted": {name: held[name] for name in FITTED if name in held},
        "booster": of_booster(held["_Booster"]),
    }


# -- JSON --------------------------------------------------------------------------------------


_SIMPLE = frozenset((type(None), bool, int, float, str))


def encoded(value: Any) -> bytes:
    """As JSON; what JSON has no form for is tagged, functions are kept by name alone."""
    return json.dumps(_tagged(value)).encode("utf-8")


def _tagged(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if type(value) in (int, float):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {"$map": {key: _tagged(item) for key, item in value.items()}}
        return {"$pairs": [[_tagged(key), _tagged(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        plain = _SIMPLE.issuperset(map(type, value))
        return list(value) if plain else [_tagged(item) for item in value]
    dtype = getattr(value, "dtype", None)
    if dtype is not None and hasattr(value, "tolist") and getattr(dtype, "kind", "") in "biufUO":
        shape = getattr(value, "shape", ())
        content = _tagged(value.tolist())
        return {"$array" if shape else "$scalar": [_name_of(dtype), content]}
    if callable(value):
        return {"$function": getattr(value, "__name__", type(value).__qualname__)}
    return {"$lost": type(value).__qualname__}


_name_of = functools.cache(str)  # of a dtype, which takes numpy longer than all else here


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    match tag:
        case "$map":
            return {key: _plain(item) for key, item in content.items()}
        case "$pairs":
            return {_plain(key): _plain(item) for key, item in content}
        case "$array" | "$scalar":
            import numpy

            found = numpy.array(_plain(content[1]), dtype=content[0])
            return found if tag == "$array" else found[()]
        case "$function":
            return NotKept(str(content))
    return None


class NotKept:
    """Stands for a function that a model was trained with: its code is not in the text."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises RuntimeError: only training would call it."""
        raise RuntimeError(
            f"the model was loaded without the code of {self.__name__}(): set it again to train"
        )


# -- made again --------------------------------------------------------------------------------


def booster_from(text: str, extra: Mapping[str, Any]) -> Any:
    """The booster, with what was kept beside its text."""
    booster = import_module("lightgbm").Booster(model_str=text)
    known = _plain(extra) if extra else {}
    _restore_booster(booster, known)
    return booster


def _restore_booster(booster: Any, known: Mapping[str, Any]) -> None:
    if isinstance(known.get("best_iteration"), int):
        booster.best_iteration = known["best_iteration"]
    if isinstance(known.get("best_score"), dict):
        booster.best_score = _scores(known["best_score"])


def _scores(known: Mapping[str, Any]) -> Any:
    found: Any = defaultdict(OrderedDict)
    for name, metrics in known.items():
        found[name] = OrderedDict(metrics)
    return found


def estimator_from(name: str, text: str, extra: Mapping[str, Any]) -> Any:
    """One of LightGBM's own classes, fitted."""
    known = _plain(extra) if extra else {}
    made = getattr(import_module("lightgbm"), KNOWN[name])(**known.get("params", {}))
    held = vars(made)
    held.update({key: value for key, value in known["fitted"].items() if key in FITTED})
    booster = import_module("lightgbm").Booster(model_str=text)
    _restore_booster(booster, known.get("booster", {}))
    held["_Booster"] = booster
    if isinstance(held.get("_best_score"), dict):
        held["_best_score"] = _scores(held["_best_score"])
    if held.get("_classes") is not None:
        encoder = import_module("sklearn.preprocessing").LabelEncoder()
        encoder.classes_ = held["_classes"]
        held["_le"] = encoder
    return made
