"""A module as plain data: classes by name, attributes, which tensors stand where; and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import nn

from autolog.errors import UsageError

INTERNAL = frozenset(vars(nn.Module()))
PLAIN = (bool, int, float, str, type(None))
MOST = 10_000


def describe(module: nn.Module, tensors: dict[str, Any]) -> dict[str, Any]:
    """All of a module but its tensors' values, which are put into `tensors` by name."""
    return _Describing(tensors).module(module, "")


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
            if type(tensor) not in (torch.Tensor, nn.Parameter) or tensor.layout != torch.strided:
                raise_unsaved(tensor)
            name = self._named[id(tensor)] = f"{path}.{key}" if path else key
            self._tensors[name] = tensor.detach()
        parameter = isinstance(tensor, nn.Parameter)
        return {"tensor": name, "parameter": parameter, "grad": bool(tensor.requires_grad)}

    def _value(self, value: Any, path: str, key: str) -> Any:
        """A plain value as it is; others as a dictionary of one entry, which says what it is."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind in (list, tuple, torch.Size):
            items = [self._value(one, path, f"{key}.{i}") for i, one in enumerate(value[:MOST])]
            return {kind.__name__.lower(): items}
        if kind is dict and all(type(one) is str for one in value):
            return {"dict": {one: self._value(v, path, f"{key}.{one}") for one, v in value.items()}}
        if kind in (torch.Tensor, nn.Parameter) and value.layout == torch.strided:
            return self._tensor(value, path, key)
        if kind in (torch.dtype, torch.device):
            return {kind.__name__: str(value).removeprefix("torch.")}
        if isinstance(value, type) or kind in (FunctionType, BuiltinFunctionType):
            return {"name": named(value)}
        raise TypeError


def raise_unsaved(tensor: Any) -> None:
    """Say that a tensor is of a kind that the format cannot hold."""
    from autolog.models.pickling import ModelNotSerialisable

    raise ModelNotSerialisable(f"a {type(tensor).__qualname__} is not saved as safetensors")


def class_path(cls: type) -> str:
    """`torch.nn.modules.linear.Linear`."""
    return f"{cls.__module__}.{cls.__qualname__}"


def named(value: Any) -> str:
    """Where a function or class can be imported from; raises TypeError where that is nowhere."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    for place in (module, "torch", "torch.nn.functional"):
        known = sys.modules.get(place) if isinstance(place, str) and "<" not in name else None
        if known is not None and getattr(known, name, None) is value:
            return f"{place}:{name}"
    raise TypeError


# -- back --------------------------------------------------------------------------------------


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
        if set(value) == {"name"} and isinstance(value["name"], str):
            yield value["name"]
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)


def rebuild(described: Mapping[str, Any], tensors: Mapping[str, Any]) -> nn.Module:
    """The module that was described; raises UsageError where a class cannot be imported."""
    return _Rebuilding(tensors).module(described, "")


class _Rebuilding:
    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._tensors = tensors
        self._made: dict[str, Any] = {}
        self._modules: dict[str, nn.Module] = {}

    def module(self, described: Mapping[str, Any], path: str) -> nn.Module:
        if "same" in described:
            return self._modules[described["same"]]
        cls = _class(described["class"])
        made: nn.Module = object.__new__(cls)
        nn.Module.__init__(made)
        self._modules[path] = made
        held = vars(made)
        for key, value in described["attributes"].items():
            if key not in INTERNAL:
                held[key] = self._value(value)
        for key, facts in described["parameters"].items():
            held["_parameters"][key] = None if facts is None else self._value(facts)
        for key, facts in described["buffers"].items():
            held["_buffers"][key] = None if facts is None else self._value(facts)
            if facts is not None and not facts["kept"]:
                held["_non_persistent_buffers_set"].add(key)
        for key, part in described["modules"].items():
            below = f"{path}.{key}" if path else key
            held["_modules"][key] = None if part is None else self.module(part, below)
        held["training"] = described["training"]
        if isinstance(made, nn.RNNBase):
            made._init_flat_weights()
        return made

    def _value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if "tensor" in value:
            return self._tensor(value)
        ((kind, content),) = value.items()
        if kind == "dict":
            return {key: self._value(one) for key, one in content.items()}
        if kind in ("list", "tuple", "size"):
            made = {"list": list, "tuple": tuple, "size": torch.Size}[kind]
            return made([self._value(one) for one in content])
        if kind == "dtype":
            return getattr(torch, content)
        return torch.device(content) if kind == "device" else _find(*content.split(":"))

    def _tensor(self, facts: Mapping[str, Any]) -> Any:
        name = facts["tensor"]
        if name not in self._made:
            tensor = self._tensors[name]
            if facts["parameter"]:
                tensor = nn.Parameter(tensor, requires_grad=facts["grad"])
            self._made[name] = tensor
        return self._made[name]


def _class(path: str) -> type:
    module, name = path, ""
    while "." in module:
        module, _, last = module.rpartition(".")
        name = f"{last}.{name}" if name else last
        try:
            found = _find(module, name)
        except UsageError:
            continue
        if isinstance(found, type) and issubclass(found, nn.Module):
            return found
    raise UsageError(
        f"the class {path} cannot be imported here; import or define it first "
        f"(the weights alone are in model.safetensors)"
    )


def _find(module: str, name: str) -> Any:
    try:
        found: Any = sys.modules.get(module) or import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        raise UsageError(f"{module}.{name} cannot be imported here") from None
    return found
