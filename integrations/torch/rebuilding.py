"""A module again from its description: needs torch alone, and goes with each saved model as it is.

No constructor is called and nothing is unpickled; classes are imported by their names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import nn

INTERNAL = frozenset(vars(nn.Module()))
"""Attributes that every module has."""
MAINS = ("__main__", "__mp_main__")


class NotImportable(ImportError):
    """A class of the model is not to be found by its name; the message says what to do."""


Definitions = Callable[[], Mapping[str, Any]]
"""What gives the names that the program itself defined, from the source that was kept."""


def rebuild(
    described: Mapping[str, Any], tensors: Mapping[str, Any], definitions: Definitions | None = None
) -> nn.Module:
    """The module that was described; raises NotImportable where a class cannot be imported."""
    return _Rebuilding(tensors, definitions).module(described, "")


def defined(text: str, name: str = "autolog_program") -> dict[str, Any]:
    """The names that a source defines, as a module of its own that is not to be imported."""
    module = sys.modules[name] = ModuleType(name)  # dataclasses look their module up
    try:
        exec(compile(text, f"<{name}>", "exec"), vars(module))
    finally:
        del sys.modules[name]
    return vars(module)


class _Rebuilding:
    def __init__(self, tensors: Mapping[str, Any], definitions: Definitions | None) -> None:
        self._tensors = tensors
        self._definitions = definitions
        self._made: dict[str, Any] = {}
        self._modules: dict[str, nn.Module] = {}

    def module(self, described: Mapping[str, Any], path: str) -> nn.Module:
        if "same" in described:
            return self._modules[described["same"]]
        cls = self._class(described["class"])
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
        if kind == "object":
            cls = self._find(*content["class"].split(":"))
            made = cls.__new__(cls)
            vars(made).update({key: self._value(one) for key, one in content["state"].items()})
            return made
        return torch.device(content) if kind == "device" else self._find(*content.split(":"))

    def _tensor(self, facts: Mapping[str, Any]) -> Any:
        name = facts["tensor"]
        if name not in self._made:
            tensor = self._tensors[name]
            if facts["parameter"]:
                tensor = nn.Parameter(tensor, requires_grad=facts["grad"])
            self._made[name] = tensor
        return self._made[name]

    def _class(self, path: str) -> type:
        module, name = path, ""
        while "." in module:
            module, _, last = module.rpartition(".")
            name = f"{last}.{name}" if name else last
            try:
                found = self._find(module, name)
            except NotImportable:
                continue
            if isinstance(found, type) and issubclass(found, nn.Module):
                return found
        raise NotImportable(_advice(path))

    def _find(self, module: str, name: str) -> Any:
        try:
            return _imported(module, name)
        except NotImportable:
            if module not in MAINS or self._definitions is None:
                raise
        return _within(self._definitions(), name)


def _imported(module: str, name: str) -> Any:
    try:
        found: Any = sys.modules.get(module) or import_module(module)
        return _within(vars(found), name)
    except (ImportError, ValueError):
        raise NotImportable(f"{module}.{name} cannot be imported here") from None


def _within(names: Mapping[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    try:
        found = names[first]
        for part in rest:
            found = getattr(found, part)
    except (KeyError, AttributeError):
        raise NotImportable(f"there is no {path} here") from None
    return found


def _advice(path: str) -> str:
    weights = "the weights alone are in model.safetensors"
    if "<locals>" in path:
        return (
            f"the class {path} was defined in a function, where nothing finds it again; {weights}"
        )
    module, _, name = path.rpartition(".")
    if module in MAINS:
        return (
            f"the class {name} was defined in the program itself, not in a module: define it here "
            f"too, or `from <the program> import {name}` before; {weights}"
        )
    return f"the class {path} cannot be imported here; import or define it first ({weights})"
