"""How Keras 3's models are written and read: MLflow's `keras` flavor."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from autolog import reporting
from autolog.errors import UsageError
from autolog.models.flavors import Create, Files, Written
from autolog.models.pickling import ModelNotSerialisable

from . import archive

LOADER = "mlflow.keras"
FILE = "data/model.keras"
WEIGHTS = "data/model.weights.h5"
LONGEST = 160


class KerasFlavor:
    """Whatever is a `keras.Model`; in its own archive, without code."""

    name = "keras"

    def handles(self, model: Any) -> bool:
        """Whether `model` is one of Keras 3's."""
        module = sys.modules.get("keras.src.models.model")
        return module is not None and isinstance(model, module.Model)

    def write(self, model: Any, create: Create) -> Written:
        """Write `model.keras`; of a model that Keras cannot describe, its weights alone."""
        if not model.built:
            raise ModelNotSerialisable("the model has not been built")
        keras = sys.modules["keras"]
        config = {
            "data": "data",
            "keras_version": keras.__version__,
            "keras_backend": keras.backend.backend(),
            "save_exported_model": False,
        }
        needed = {"keras", keras.backend.backend(), "numpy"}
        try:
            content = archive.packed(model)
        except Exception as error:
            config |= {"weights": WEIGHTS, "reason": _said(error)}
            self._write_weights(model, create)
            partial = f"its weights alone, as Keras says: {config['reason']}"
            reporting.note("keras.model", f"of {type(model).__qualname__} {partial}")
            return Written(config, {}, "weights.h5", needed, by_name=False, partial=partial)
        with create("data/keras_module.txt") as stream:
            stream.write(b"keras")
        with create(FILE) as stream:
            stream.write(content)
        return Written(config, {"loader_module": LOADER}, "keras", needed, by_name=False)

    def _write_weights(self, model: Any, create: Create) -> None:
        try:
            content = archive.weights(model)
        except Exception as error:
            raise ModelNotSerialisable(_said(error)) from error
        with create(WEIGHTS) as stream:
            stream.write(content)

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The model, compiled as it was; what would run code needs trust."""
        if "weights" in config:
            raise UsageError(
                f"only the weights were kept ({WEIGHTS}), as {config.get('reason')}: make the "
                "model as the program does, then model.load_weights"
            )
        keras = import_module("keras")
        content = files.read(FILE)
        strange = sorted(set(archive.strangers(content)))
        if strange:
            content = files.read_code(FILE, f"{FILE} names what is not Keras's: {strange[0]}")
        return archive.unpacked(keras, content, safe=not strange)


def _said(error: Exception) -> str:
    """What an error says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def signature_of(model: Any) -> dict[str, str | None] | None:
    """MLflow's form of what the model itself says of its inputs and outputs; None if nothing."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not isinstance(inputs, list) or not inputs:
        return None
    names = getattr(model, "output_names", None)
    answer = json.dumps(_specs(outputs, names)) if isinstance(outputs, list) else None
    return {"inputs": json.dumps(_specs(inputs, None)), "outputs": answer, "params": None}


def _specs(tensors: list[Any], names: Any) -> list[dict[str, Any]]:
    """A tensor each; with their names where there are several."""
    found = []
    if not isinstance(names, list) or len(names) != len(tensors):
        names = [one.name for one in tensors]
    for name, one in zip(names, tensors, strict=True):
        shape = [-1, *(-1 if length is None else int(length) for length in one.shape[1:])]
        dtype = "str" if one.dtype == "string" else str(one.dtype)
        spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
        found.append({"name": name, **spec} if len(tensors) > 1 else spec)
    return found
