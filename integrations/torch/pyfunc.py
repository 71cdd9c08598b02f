"""The loader by which MLflow predicts with a saved model; it goes with each, and needs no autolog.

Written into the model's `code/` as a package together with what it imports here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from . import rebuilding, safetensors

PROGRAM = "code/autolog_torch/program.py"
"""What the program itself defined of the model, in the model's directory, where it did."""


def _load_pyfunc(path: str) -> Predictor:
    """The model in a directory that MLflow has fetched; the name is MLflow's."""
    folder = Path(path)
    described = json.loads((folder / "structure.json").read_text("utf-8"))
    tensors = safetensors.read((folder / "model.safetensors").read_bytes())
    program = folder / PROGRAM

    def definitions() -> dict[str, Any]:
        return rebuilding.defined(program.read_text("utf-8")) if program.exists() else {}

    return Predictor(rebuilding.rebuild(described, tensors, definitions))


class Predictor:
    """Predicts from arrays, frames, or mappings of arrays by the names of `forward`'s arguments."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model.eval()
        self._dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Arrays, as the model gives tensors; `params` are further arguments of `forward`."""
        if isinstance(data, Mapping):
            given: tuple[Any, ...] = ()
            named = {key: self._tensor(value) for key, value in data.items()}
        else:
            given, named = (self._tensor(data),), {}
        with torch.no_grad():
            return _arrays(self.model(*given, **named, **(params or {})))

    def _tensor(self, value: Any) -> torch.Tensor:
        """A tensor; fractions in the type of the model's own."""
        tensor = torch.as_tensor(value.to_numpy() if hasattr(value, "to_numpy") else value)
        return tensor.to(self._dtype) if tensor.is_floating_point() and self._dtype else tensor


def _arrays(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype is torch.bfloat16 else value).numpy()
    if isinstance(value, Mapping):
        return {key: _arrays(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_arrays(one) for one in value]
    return value
