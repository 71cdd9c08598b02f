"""A module as plain data: classes by name, attributes, which tensors stand where."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from .owners import walk
from .rebuilding import INTERNAL
from .safetensors import DTYPES

PLAIN = (bool, int, float, str, type(None))
MOST = 10_000
DEEPEST = 8
MAKERS: tuple[Any, ...] = (object.__new__, SimpleNamespace.__new__)
"""How objects are made that are their attributes and nothing else."""


def describe(module: nn.Module, tensors: dict[str, Any]) -> dict[str, Any]:
    """All of a module but its tensors' values, which are put into `tensors` by name."""
    return _Describing(tensors).module(module, "")


def holds_nothing(value: Any) -> bool:
    """Whether a value is plain data through and through, so that to hold it keeps nothing alive."""
    tensors: dict[str, Any] = {}
    try:
        _Describing(tensors)._value(value, "", "")
    except TypeError:
        return False
    return not tensors


class _Describing:
    def __init__(self, tensors: dict[str, Any]) -> None:
        self._tensors = tensors
        self._named: dict[int, str] = {}
        self._modules: dict[int, str] = {}

    def module(self, module: nn.Module, path: str) -> dict[str, Any]:
        if id(module) in self._modules:
            return {"same": self._modules[id(module)]}
        self._modules[id(module)] = path
        held = vars(module)
        volatile = held.get("_non_persistent_buffers_set") or ()
        found: dict[str, Any] = {
            "class": class_path(type(module)),
            "training": bool(held.get("training", True)),
            "parameters": {
                key: None if p is None else self._tensor(p, path, key)
                for key, p in held["_parameters"].items()
            },
            "buffers": {
                key: None if b is None else self._buffer(b, path, key, key not in volatile)
                for key, b in held["_buffers"].items()
            },
        }  # fmt: skip
        attributes, left = {}, {}
        for key, value in held.items():
            if key in INTERNAL:
                continue
            try:
                attributes[key] = self._value(value, path, key)
            except TypeError:
                left[key] = class_path(type(value))
        found["attributes"], found["left_out"] = attributes, left
        found["modules"] = {
            key: None if part is None else self.module(part, f"{path}.{key}" if path else key)
            for key, part in held["_modules"].items()
        }
        return found

    def _buffer(self, tensor: Any, path: str, key: str, kept: bool) -> dict[str, Any]:
        return {**self._tensor(tensor, path, key), "kept": kept}

    def _tensor(self, tensor: Any, path: str, key: str) -> dict[str, Any]:
        name = self._named.get(id(tensor))
        if name is None:
            if not _dense(tensor):
                raise_unsaved(tensor, f"{path}.{key}" if path else key)
            name = self._named[id(tensor)] = f"{path}.{key}" if path else key
            self._tensors[name] = tensor.detach()
        parameter = isinstance(tensor, nn.Parameter)
        return {"tensor": name, "parameter": parameter, "grad": bool(tensor.requires_grad)}

    def _value(self, value: Any, path: str, key: str) -> Any:
        """A plain value as it is; others as a dictionary of one entry, which says what it is."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if key.count(".") > DEEPEST:
            raise TypeError
        if kind in (list, tuple, torch.Size):
            items = [self._value(one, path, f"{key}.{i}") for i, one in enumerate(value[:MOST])]
            return {kind.__name__.lower(): items}
        if kind is dict and all(type(one) is str for one in value):
            return {"dict": {one: self._value(v, path, f"{key}.{one}") for one, v in value.items()}}
        if kind in (torch.Tensor, nn.Parameter) and _dense(value):
            return self._tensor(value, path, key)
        if kind in (torch.dtype, torch.device):
            return {kind.__name__: str(value).removeprefix("torch.")}
        if isinstance(value, type) or kind in (FunctionType, BuiltinFunctionType):
            return {"name": named(value)}
        return {"object": {"class": named(kind), "state": self._state(value, path, key)}}

    def _state(self, value: Any, path: str, key: str) -> Any:
        """The attributes of an object of the program's own, such as a configuration.

        Raises TypeError for one that is more than those.
        """
        held = vars(value)
        if type(value).__new__ not in MAKERS or len(held) > MOST:
            raise TypeError
        return {one: self._value(v, path, f"{key}.{one}") for one, v in held.items()}


def _dense(tensor: Any) -> bool:
    """Whether safetensors has a place for it: no subclass, nothing sparse, quantised, without
    values (on the meta device), or not yet initialised.
    """
    plain = type(tensor) in (torch.Tensor, nn.Parameter) and tensor.layout == torch.strided
    known = plain and str(tensor.dtype).removeprefix("torch.") in DTYPES
    return known and not tensor.is_meta


def raise_unsaved(tensor: Any, name: str) -> None:
    """Say that a tensor is of a kind that the format cannot hold."""
    from autolog.models.pickling import ModelNotSerialisable

    kind = type(tensor).__qualname__
    if kind in ("Tensor", "Parameter"):
        where = "" if tensor.device.type == "cpu" else f" on {tensor.device.type}"
        kind = f"{str(tensor.layout).removeprefix('torch.')} {tensor.dtype}{where}"
    raise ModelNotSerialisable(f"{name} ({kind}) is not saved as safetensors")


def class_path(cls: type) -> str:
    """`torch.nn.modules.linear.Linear`."""
    return f"{cls.__module__}.{cls.__qualname__}"


def named(value: Any) -> str:
    """Where a function or class can be imported from; raises TypeError where that is nowhere."""
    module = getattr(value, "__module__", None)
    for attribute in ("__qualname__", "__name__"):  # `torch.tanh` says that it is of a class
        name = getattr(value, attribute, "")
        for place in (module, "torch", "torch.nn.functional"):
            known = sys.modules.get(place) if isinstance(place, str) and "<" not in name else None
            if known is not None and getattr(known, name, None) is value:
                return f"{place}:{name}"
    raise TypeError


def own_classes(model: nn.Module) -> list[type]:
    """The classes of a module and its parts, and those of their plain objects, each once."""
    found: dict[type, None] = {}
    for _, part in walk(model):
        for value in (part, *vars(part).values()):
            found[value if isinstance(value, type) else type(value)] = None
    return list(found)


def classes(described: Mapping[str, Any]) -> set[str]:
    """The classes in a description that are not torch's own."""
    found = {described["class"]} if "class" in described else set()
    for part in described.get("modules", {}).values():
        found |= classes(part) if part else set()
    for value in _names(described.get("attributes", {})):
        found.add(value.replace(":", "."))
    return {name for name in found if not _torchs_own(name)}


def _torchs_own(name: str) -> bool:
    """Whether a name is that of a layer or a plain function of torch, which anybody may name."""
    module, _, last = name.rpartition(".")
    return name.startswith("torch.nn.") or (module == "torch" and last not in ("load", "compile"))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in ("name", "class"):
            if set(value) in ({"name"}, {"class", "state"}) and isinstance(value.get(key), str):
                yield value[key]
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
