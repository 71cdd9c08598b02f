"""How LightGBM's models are written and read: MLflow's `lightgbm` flavor.

A model is LightGBM's own text, which holds no code. Beside it stands as JSON what a text does not
know; of the classes with `fit` also a pickle, which is all that MLflow reads of those.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from autolog.environment import distribution_of
from autolog.errors import UsageError
from autolog.models.flavors import Create, Files, Written
from autolog.models.pickling import dump

from . import estimators

LOADER = "mlflow.lightgbm"
TEXT, EXTRA, PICKLE = "model.lgb", "model.json", "model.pkl"
BOOSTER = "lightgbm.basic.Booster"


class LightgbmFlavor:
    """`Booster` and the classes with `fit`."""

    name = "lightgbm"

    def handles(self, model: Any) -> bool:
        """Whether `model` is a booster, or fitted and of one of the classes on `LGBMModel`."""
        basic, classes = sys.modules.get("lightgbm.basic"), sys.modules.get("lightgbm.sklearn")
        if basic is not None and isinstance(model, basic.Booster):
            return True
        return classes is not None and isinstance(model, classes.LGBMModel)

    def write(self, model: Any, create: Create) -> Written:
        """Write the text, what it does not know, and of an estimator a pickle."""
        if isinstance(model, sys.modules["lightgbm.basic"].Booster):
            return self._write_booster(model, create)
        return self._write_estimator(estimators.local(model), create)

    def _write_booster(self, booster: Any, create: Create) -> Written:
        """As `save_model` writes it, up to the best round: so it predicts as the booster does."""
        _put(create, TEXT, booster.model_to_string().encode("utf-8"))
        _put(create, EXTRA, estimators.encoded(estimators.of_booster(booster)))
        config = _config(BOOSTER, TEXT, serialization_format=None)
        return Written(config, _pyfunc(TEXT), "lightgbm", _distributions("lightgbm", "numpy"))

    def _write_estimator(self, model: Any, create: Create) -> Written:
        kind, booster = type(model), vars(model).get("_Booster")
        name = f"{kind.__module__}.{kind.__qualname__}"
        known = booster is not None and name in estimators.KNOWN
        text = "" if booster is None else booster.model_to_string(num_iteration=-1)
        pickled = estimators.with_text(model, text) if known else model
        form = dump(pickled, lambda: create(PICKLE))
        if booster is not None:
            _put(create, TEXT, text.encode("utf-8"))
            _put(create, EXTRA, estimators.encoded(estimators.of_estimator(model)))
        config = _config(name, PICKLE, serialization_format=form)
        needed = _distributions("lightgbm", "numpy", "scipy", "sklearn", kind.__module__)
        extra = {form} if form != "pickle" else set()
        return Written(config, _pyfunc(PICKLE), "lightgbm" if known else form, needed | extra)

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The model, from its text; of a class that is not LightGBM's own from the pickle."""
        name, data = str(config.get("model_class", BOOSTER)), config.get("data")
        if name == BOOSTER and isinstance(data, str):
            return estimators.booster_from(_text(files, data), _extra(files))
        if name in estimators.KNOWN and config.get("text") == TEXT:
            return estimators.estimator_from(name, _text(files, TEXT), _extra(files))
        if not isinstance(data, str) or config.get("serialization_format") not in FORMS:
            raise UsageError(f"MLmodel's lightgbm flavor has no known model file ({data!r})")
        pickle = import_module("pickle")
        return pickle.loads(files.read_code(data, f"{data} is a pickle of {name}"))


FORMS = ("pickle", "cloudpickle")


def _config(name: str, data: str, **more: Any) -> dict[str, Any]:
    """The keys that MLflow's own flavor writes, and `text` for the one that needs no trust."""
    return {
        "lgb_version": sys.modules["lightgbm"].__version__,
        "data": data,
        "model_class": name,
        "code": None,
        "skops_trusted_types": None,
        "text": TEXT,
        **more,
    }


def _pyfunc(data: str) -> dict[str, Any]:
    return {"loader_module": LOADER, "data": data}


def _put(create: Create, name: str, content: bytes) -> None:
    with create(name) as stream:
        stream.write(content)


def _text(files: Files, name: str) -> str:
    return files.read(name).decode("utf-8")


def _extra(files: Files) -> dict[str, Any]:
    """What stands beside the text; nothing where another tool has written the model."""
    try:
        found = json.loads(files.read(EXTRA))
    except UsageError:
        return {}
    return found if isinstance(found, dict) else {}


def _distributions(*modules: str) -> set[str]:
    found = (distribution_of(module.partition(".")[0]) for module in modules)
    return {name for name in found if name is not None}
