"""What configuration objects hold: dataclasses, plain objects, OmegaConf, absl's flags."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import enum
import functools
import inspect
import types
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import torch

from autolog.callsite import is_library_file

from . import sources

LONGEST_TEXT = 500
PLAIN = (bool, int, float, str, type(None))
OTHERS = frozenset(("torch", "numpy", "pandas", "logging"))


def plain(value: Any) -> bool:
    """Whether a value is a setting as it stands: a number, a short text, a few of them."""
    kind = type(value)
    if kind in (list, tuple):
        return 0 < len(value) <= 32 and all(type(one) in PLAIN for one in value)
    return kind in PLAIN and (kind is not str or len(value) <= LONGEST_TEXT)


def simple(value: Any) -> Any:
    """A value as a person would write it, where it is no number or text but as good as one."""
    if isinstance(value, PurePath | torch.device):
        return str(value)
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, enum.Enum):
        return value.value if plain(value.value) else value.name
    if _library(value) == "omegaconf" and not isinstance(value, Mapping):
        return list(value)
    return value


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def inside(value: Any, kind: type | None = None) -> dict[str, Any]:
    """What stands in a setting that is itself a configuration; nothing for all else.

    One of the same class (`kind`) as the whole is one too.
    """
    if kind is not None and type(value) is kind:
        return of_object(value)
    if type(value) is dict:
        return value if all(type(one) is str for one in value) else {}
    named = isinstance(value, argparse.Namespace | types.SimpleNamespace)
    if named or dataclasses.is_dataclass(value) or _library(value) == "omegaconf" or _tuple(value):
        return {} if isinstance(value, type) else of_object(value)
    return {}


def _tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def of_object(value: Any) -> dict[str, Any]:
    """The settings of an object by name; nothing that the program's own code would be asked for."""
    kind = type(value)
    if dataclasses.is_dataclass(value):
        return dict(_fields(value))
    if _tuple(value):
        return dict(zip(kind._fields, value, strict=True))
    if _library(value) == "omegaconf":
        return dict(_resolved(value)) if isinstance(value, Mapping) else {}
    if kind.__module__ == "absl.flags._flagvalues":
        return dict(_flags(value))
    held = getattr(value, "__dict__", None)
    if not isinstance(held, dict) or _library(value) in OTHERS:
        return {}
    return {**of_class(kind), **held}


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass, also of one with slots."""
    held = {**of_class(type(value)), **getattr(value, "__dict__", {})}
    for field in dataclasses.fields(value):
        slot = inspect.getattr_static(type(value), field.name, None)
        if field.name in held:
            yield field.name, held[field.name]
        elif isinstance(slot, types.MemberDescriptorType) and hasattr(value, field.name):
            yield field.name, getattr(value, field.name)


def _resolved(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The items of a DictConfig; those that cannot be resolved are left out."""
    for key in value:
        try:
            yield str(key), value[key]
        except Exception:  # a missing value, an interpolation that leads nowhere
            continue


def _flags(value: Any) -> Iterator[tuple[str, Any]]:
    """The flags of absl that the program defines itself."""
    for module, flags in value.flags_by_module_dict().items():
        if module.partition(".")[0] != "absl":
            yield from ((flag.name, flag.value) for flag in flags)


def built_with(value: Any) -> dict[str, Any]:
    """What an object was given when it was built and keeps: `self.patience = patience`."""
    held = vars(value)
    function = inspect.getattr_static(type(value), "__init__", None)
    if not isinstance(function, types.FunctionType) or is_library_file(
        function.__code__.co_filename
    ):
        return {}
    return {name: held[name] for name in _kept(function.__code__) if name in held}


@functools.lru_cache(maxsize=256)
def _kept(code: types.CodeType) -> tuple[str, ...]:
    """The attributes that a constructor gives its parameters as they are, and nothing else."""
    tree = sources.tree_in(code.co_filename)
    first = code.co_firstlineno
    for node in tree.functions if tree is not None else ():
        if node.name == code.co_name and node.lineno <= first <= (node.end_lineno or 0):
            given = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
            assigned = [one for one in ast.walk(node) if isinstance(one, ast.Assign)]
            return tuple(
                target.attr
                for one in assigned
                for target in one.targets
                if isinstance(target, ast.Attribute)
                and isinstance(one.value, ast.Name)
                and one.value.id in given
                and isinstance(target.value, ast.Name)
                and target.value.id == code.co_varnames[0]
            )
    return ()


def of_class(cls: type) -> dict[str, Any]:
    """Public plain attributes of a class and the program's own bases of it."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base is not object:
            found.update({k: v for k, v in vars(base).items() if not k.startswith("_")})
    return {key: value for key, value in found.items() if plain(value)}
