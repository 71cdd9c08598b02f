"""What a dataset is: its class, its tensors or arrays, its parts; read off its attributes alone.

Nothing of the program's is called but `len`, and no item is asked for.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import torch
from torch.utils import data as torch_data

from autolog.data import describe

DATA = re.compile(
    r"^_?(data|x|xs|x_\w+|images?|imgs|features?|inputs?|samples|sequences?|texts?)$", re.I
)
TARGETS = re.compile(r"^_?(targets?|y|ys|y_\w+|labels?|outputs?|classes)$", re.I)
MOST = 20
"""Parts of a dataset that are told."""
DEEPEST = 6
INDICES = 1 << 22
"""Indices of a subset that are digested."""
LONGEST = 500
RULE = "subset-v1"
"""A digest of the whole data's digest and of the rows that were picked."""


def told(dataset: Any, depth: int = 0) -> dict[str, Any]:
    """Class, length, transforms, and how it is made of other datasets."""
    found: dict[str, Any] = {"kind": type(dataset).__qualname__, "rows": length_of(dataset)}
    held = _held(dataset)
    if isinstance(dataset, torch_data.Subset):
        found |= _indices(held.get("indices"))
        if depth < DEEPEST:
            found["of"] = told(held.get("dataset"), depth + 1)
    elif isinstance(dataset, torch_data.ConcatDataset) and depth < DEEPEST:
        found["parts"] = [told(one, depth + 1) for one in list(held.get("datasets") or ())[:MOST]]
    for key in ("transform", "target_transform", "transforms"):
        if held.get(key) is not None:
            found[key] = transform(held[key])
    if isinstance(held.get("_fingerprint"), str):  # of Hugging Face's datasets
        found["fingerprint"] = held["_fingerprint"]
    return {key: value for key, value in found.items() if value is not None}


def _held(dataset: Any) -> dict[str, Any]:
    held = getattr(dataset, "__dict__", None)
    return held if type(held) is dict else {}


def length_of(dataset: Any) -> int | None:
    """Its length as `len` says; None for a stream, and where that fails."""
    if isinstance(dataset, torch_data.IterableDataset):
        return None
    try:
        return len(dataset)
    except Exception:
        return None


def _indices(indices: Any) -> dict[str, Any]:
    """A digest of which rows a subset has; equal for the same rows in the same order."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(indices, "__len__") or len(indices) > INDICES:
        return {}
    if isinstance(indices, range | list | tuple | torch.Tensor | numpy.ndarray):
        numbers = numpy.asarray(indices)
        if numbers.dtype.kind in "iu":
            whole = numbers.astype("int64").tobytes()
            return {"indices": hashlib.sha256(whole).hexdigest()[:32]}
    return {}


def transform(value: Any, depth: int = 0) -> str:
    """A transform as text, from its attributes: `Compose(ToTensor(), Normalize(mean=(0.5,)))`."""
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType | type):
        return value.__qualname__
    held = _held(value)
    parts = held.get("transforms")
    if isinstance(parts, list | tuple) and depth < DEEPEST:
        inner = [transform(one, depth + 1) for one in parts[:MOST]]
    else:
        plain = (bool, int, float, str)
        inner = [
            f"{key}={one!r}"
            for key, one in held.items()
            if not key.startswith("_") and key != "training"
            and (type(one) in plain
                 or (type(one) in (list, tuple) and all(type(v) in plain for v in one)))
        ]  # fmt: skip
    return f"{type(value).__qualname__}({', '.join(inner)})"[:LONGEST]


def in_memory(dataset: Any) -> tuple[Any, Any]:
    """The data and the target of a dataset that holds them as tensors or arrays; else None.

    Of a dataset of the program's own those are its attributes of as many rows as it has, by their
    names; torchvision's have `data` and `targets`.
    """
    if _rows(dataset) is not None:
        return dataset, None
    if isinstance(dataset, torch_data.TensorDataset):
        tensors = [*(_held(dataset).get("tensors") or ()), None, None]
        return tensors[0], tensors[1]
    if isinstance(dataset, torch_data.Subset | torch_data.ConcatDataset):
        return None, None
    return _by_names(_held(dataset), length_of(dataset))


def form(dataset: Any, rows: int | None) -> dict[str, Any]:
    """Shape, type and digest of what is not in memory as a whole: a part of something that is."""
    found: dict[str, Any] = {} if rows is None else {"shape": [rows]}
    numbers = _indices(_held(dataset).get("indices"))
    if not isinstance(dataset, torch_data.Subset) or not numbers:
        return found
    data, target = in_memory(_held(dataset).get("dataset"))
    if data is None:
        return found
    whole = describe(data, target, statistics=False)
    text = f"{whole.get('digest')} {numbers['indices']}"
    return {
        "shape": [rows, *whole["shape"][1:]],
        "dtype": whole["dtype"],
        "digest": f"{RULE}:{hashlib.sha256(text.encode()).hexdigest()[:32]}",
        "rule": RULE,
    }


def _by_names(held: Mapping[str, Any], length: int | None) -> tuple[Any, Any]:
    arrays = {key: one for key, one in held.items() if length and _rows(one) == length}
    data = next((one for key, one in arrays.items() if DATA.match(key)), None)
    target = next((one for key, one in arrays.items() if TARGETS.match(key)), None)
    if target is None:
        named = (one for key, one in held.items() if TARGETS.match(key))
        target = next((one for one in named if type(one) is list and len(one) == length), None)
    if data is None and len(arrays) == (1 if target is None else 2):
        data = next(one for one in arrays.values() if one is not target)
    return data, target if data is not None else None


def _rows(value: Any) -> int | None:
    """How many rows an array or tensor has; None for anything else."""
    kind = type(value)
    known = kind in (torch.Tensor, torch.nn.Parameter) or kind.__name__ == "ndarray"
    return int(value.shape[0]) if known and value.ndim else None
