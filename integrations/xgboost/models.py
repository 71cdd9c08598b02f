"""How XGBoost's models are written and read: MLflow's `xgboost` flavor."""

from __future__ import annotations

import contextlib
import inspect
import sys
import weakref
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from autolog.environment import distribution_of
from autolog.errors import UsageError
from autolog.models.flavors import Create, Files, Written

LOADER = "mlflow.xgboost"
FILE = "model.ubj"

CLASSES = {
    "Booster": "xgboost.core.Booster",
    "XGBClassifier": "xgboost.sklearn.XGBClassifier",
    "XGBRegressor": "xgboost.sklearn.XGBRegressor",
    "XGBRanker": "xgboost.sklearn.XGBRanker",
    "XGBRFClassifier": "xgboost.sklearn.XGBRFClassifier",
    "XGBRFRegressor": "xgboost.sklearn.XGBRFRegressor",
    "XGBModel": "xgboost.sklearn.XGBModel",
}
"""The classes that are loaded as what they were: a name in a file alone loads nothing."""

NOT_KEPT = frozenset(("callbacks", "objective", "eval_metric"))


class XgboostFlavor:
    """Boosters, and the scikit-learn classes that hold one; the file is xgboost's own and safe."""

    name = "xgboost"

    def __init__(self, format: str = "ubj") -> None:
        self._format = format

    def handles(self, model: Any) -> bool:
        """Whether `model` is a booster, or a fitted model of xgboost's scikit-learn interface."""
        if isinstance(model, _class("xgboost.core", "Booster")):
            return True
        sklearn = _class("xgboost.sklearn", "XGBModel")
        return isinstance(model, sklearn) and "_Booster" in vars(model)

    def write(self, model: Any, create: Create) -> Written:
        """Write the booster as xgboost does, without its detour over the user's own object.

        `XGBModel.save_model` writes an attribute into the booster and takes it off again.
        """
        file = f"model.{self._format}"
        with create(file) as stream:
            stream.write(raw(model, self._format))
        version = str(sys.modules["xgboost"].__version__)
        config = {
            "code": None,
            "data": file,
            "model_class": _known_class(model),
            "model_format": self._format,
            "xgb_version": version,
            "params": _params(model),
        }
        pyfunc = {"loader_module": LOADER, "data": file}
        return Written(config, pyfunc, self._format, _distributions(model), by_name=False)

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The booster or model; a class of the program's own comes back as xgboost's below it."""
        file, path = config.get("data"), config.get("model_class", CLASSES["Booster"])
        if not isinstance(file, str) or path not in CLASSES.values():
            raise UsageError(f"MLmodel's xgboost flavor has no known model ({path}, {file!r})")
        module, _, name = path.rpartition(".")
        cls = getattr(import_module(module), name)
        given = config.get("params")
        model = cls(**given) if isinstance(given, Mapping) and name != "Booster" else cls()
        model.load_model(bytearray(files.read(file)))
        return model


def _class(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, ())


def booster_of(model: Any) -> Any:
    """The booster itself, or the one that a model of the scikit-learn interface holds."""
    return vars(model).get("_Booster", model)


def raw(model: Any, form: str = "ubj") -> bytes:
    """A model's bytes in xgboost's own format."""
    booster = booster_of(model)
    known = _at_hand.get(booster) if form == "ubj" else None
    return bytes(booster.save_raw(raw_format=form)) if known is None else known


_at_hand: weakref.WeakKeyDictionary[Any, bytes] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def at_hand(booster: Any) -> Iterator[None]:
    """Within it the booster does not change, and is written out once."""
    _at_hand[booster] = raw(booster)
    try:
        yield
    finally:
        _at_hand.pop(booster, None)


def _known_class(model: Any) -> str:
    """The nearest class of xgboost's own; that of one machine for the classes of Dask's."""
    bases = (base for base in type(model).__mro__ if base.__module__.startswith("xgboost"))
    names = (base.__name__.removeprefix("Dask") for base in bases)
    return next(CLASSES[name] for name in names if name in CLASSES)


def _params(model: Any) -> dict[str, Any] | None:
    """What the constructor was told and xgboost's format does not hold: `missing` and the like."""
    held = vars(model)
    if "_Booster" not in held:
        return None
    named = inspect.signature(_class("xgboost.sklearn", "XGBModel").__init__).parameters
    plain = {
        name: held[name]
        for name in named
        if name in held and name not in NOT_KEPT and type(held[name]) in (bool, int, float, str)
    }
    return {name: value for name, value in plain.items() if value == value} or None


def _distributions(model: Any) -> set[str]:
    modules = {"xgboost", "numpy", *(("sklearn",) if "_Booster" in vars(model) else ())}
    return {name for name in map(distribution_of, modules) if name is not None}
