"""How scikit-learn's models are written and read: MLflow's `sklearn` flavor."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from autolog import reporting
from autolog.environment import distribution_of, origin
from autolog.errors import AutologError, UsageError
from autolog.models.flavors import Create, Files, Written
from autolog.models.pickling import ModelNotSerialisable, dump
from autolog.models.probing import parts

from .reviewed import REVIEWED, check_trees

LOADER = "mlflow.sklearn"


class SklearnFlavor:
    """Estimators on `BaseEstimator`, and whatever else pickles and predicts."""

    name = "sklearn"

    def __init__(self, format: Literal["pickle", "skops"] = "pickle") -> None:
        self._format = format

    def handles(self, model: Any) -> bool:
        """Whether `model` is an estimator of scikit-learn or built on it."""
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(model, base.BaseEstimator)

    def write(self, model: Any, create: Create) -> Written:
        """Write `model.pkl`, or `model.skops` where that format was chosen."""
        file, details = self._write_file(model, create)
        form = details["serialization_format"]
        config = {"code": None, "pickled_model": file, "sklearn_version": _version(), **details}
        # The class is asked first: an instance's `__getattr__` is the program's own code.
        predicts = hasattr(type(model), "predict") and hasattr(model, "predict")
        pyfunc = {"loader_module": LOADER, "model_path": file, "predict_fn": "predict"}
        extra = {form} if form != "pickle" else set()
        return Written(config, pyfunc if predicts else {}, form, _distributions(model) | extra)

    def _write_file(self, model: Any, create: Create) -> tuple[str, dict[str, Any]]:
        if self._format == "skops":
            return "model.skops", _write_skops(model, create)
        form = dump(model, lambda: create("model.pkl"))
        return "model.pkl", {"serialization_format": form}

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The estimator; says so where it was saved under another release of scikit-learn."""
        file, form = config.get("pickled_model"), config.get("serialization_format", "pickle")
        if not isinstance(file, str) or form not in ("pickle", "cloudpickle", "skops"):
            raise UsageError(f"MLmodel's sklearn flavor has no known model file ({form}, {file!r})")
        model = _read_skops(file, files) if form == "skops" else _unpickle(file, files)
        _tell_drift(config.get("sklearn_version"))
        return model


def _version() -> str:
    return str(import_module("sklearn").__version__)


def _distributions(model: Any) -> frozenset[str]:
    """Distributions whose classes are in the model, and those that scikit-learn always needs."""
    modules = {origin(part)[1].partition(".")[0] for part in parts(model)}
    return _distributions_of(frozenset(modules | {"sklearn", "numpy", "scipy"}))


@functools.lru_cache(maxsize=64)
def _distributions_of(modules: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in map(distribution_of, modules) if name is not None)


def _unpickle(file: str, files: Files) -> Any:
    content = files.read_code(file, f"{file} is a pickle")
    try:
        return pickle.loads(content)
    except ModuleNotFoundError as error:
        raise AutologError(
            f"{file} needs the module {error.name!r}, which cannot be imported here; install it "
            "(requirements.txt), or put its folder on PYTHONPATH"
        ) from error


def _tell_drift(saved: object) -> None:
    if saved is not None and str(saved) != _version():
        reporting.say(
            f"model saved with scikit-learn {saved}, loaded with {_version()}: "
            "check its predictions"
        )


# -- skops ---------------------------------------------------------------------------------


def _skops() -> Any:
    try:
        return import_module("skops.io")
    except ImportError:
        raise UsageError("the skops format needs skops: pip install skops") from None


def _write_skops(model: Any, create: Create) -> dict[str, Any]:
    skops = _skops()
    try:
        content = skops.dumps(model)
    except Exception as error:
        raise ModelNotSerialisable(f"skops: {error}".splitlines()[0]) from error
    found = set(skops.get_untrusted_types(data=content))
    if found - REVIEWED:
        names = ", ".join(sorted(found - REVIEWED))
        reporting.say(f"loading this skops model will need trust=True, for {names}")
    with create("model.skops") as stream:
        stream.write(content)
    trusted = sorted(found & REVIEWED)
    return {"serialization_format": "skops", "skops_trusted_types": trusted or None}


def _read_skops(file: str, files: Files) -> Any:
    """The list of trusted types in the directory itself counts for nothing."""
    skops = _skops()
    content = files.read(file)
    found = set(skops.get_untrusted_types(data=content))
    if not found - REVIEWED:
        model = skops.loads(content, trusted=sorted(found))
        check_trees(model)
        return model
    names = ", ".join(sorted(found - REVIEWED))
    content = files.read_code(file, f"{file} holds types not known to be safe ({names})")
    return skops.loads(content, trusted=sorted(skops.get_untrusted_types(data=content)))
