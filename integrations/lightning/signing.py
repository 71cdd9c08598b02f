"""What a model takes: from `example_input_array`, else from the form of the first batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch

Signature = dict[str, str | None]

MOST = 32


def of_model(model: Any) -> Signature | None:
    """MLflow's form of the example of its inputs that a model names, if it does."""
    example = vars(model).get("_example_input_array")
    if isinstance(example, tuple) and all(isinstance(one, torch.Tensor) for one in example):
        return _told([(f"input_{i}", one) for i, one in enumerate(example)])
    return _of(example)


def of_batch(batch: Any) -> Signature | None:
    """The same of a batch: of a pair its first part, which is taken for the model's input."""
    if isinstance(batch, tuple | list) and len(batch) in (2, 3):
        batch = batch[0]
    return _of(batch)


def _of(value: Any) -> Signature | None:
    if isinstance(value, torch.Tensor):
        return _told([("", value)])
    if isinstance(value, Mapping):
        named = [(str(key), one) for key, one in value.items() if isinstance(one, torch.Tensor)]
        return _told(named) if named and len(named) <= MOST else None
    return None


def _told(tensors: list[tuple[str, Any]]) -> Signature:
    found = []
    for name, tensor in tensors:
        shape = [-1, *(int(length) for length in tensor.shape[1:])]
        dtype = str(tensor.dtype).removeprefix("torch.")
        spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
        found.append({"name": name, **spec} if name else spec)
    return {"inputs": json.dumps(found), "outputs": None, "params": None}
