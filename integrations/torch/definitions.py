"""The source of classes that the program itself defines, with all that it needs of the program.

A class of `__main__` is found nowhere but in the program that was run. What is kept of that are the
classes of the model, the functions and classes that they name, imports, and plain constants: not
what the program does.
"""

from __future__ import annotations

import ast
import hashlib
import linecache
import math
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from autolog.callsite import parse
from autolog.live import without_secrets

from .rebuilding import MAINS

MOST = 500
LONGEST = 10_000
PLAIN = (bool, int, float, complex, str, bytes, type(None))


def source_of(value: Any) -> str | None:
    """The text of a class or function at the top of a file or a notebook's cell, if it is there."""
    for file, line in _places(value):
        text = "".join(linecache.getlines(file))
        tree = _parsed(text)
        for node in tree.body if tree is not None else ():
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            here = line is None or _first(node) <= line <= (node.end_lineno or 0)
            if node.name == value.__name__ and here:
                return "\n".join(text.splitlines()[_first(node) - 1 : node.end_lineno])
    return None


def digest_of(value: Any) -> str | None:
    """SHA-256 of that text."""
    text = source_of(value)
    return None if text is None else hashlib.sha256(text.encode("utf-8")).hexdigest()


def kept(classes: Iterable[type]) -> str | None:
    """A source that defines these classes of the program's own; None for classes of modules."""
    collected = _Collected()
    for cls in classes:
        if cls.__module__ in MAINS and "." not in cls.__qualname__:
            collected.add(cls.__name__, cls, vars(sys.modules[cls.__module__]))
    return collected.text() if collected.definitions else None


class _Collected:
    def __init__(self) -> None:
        self.definitions: list[str] = []
        self._lines: dict[str, str] = {}
        self._seen: set[str] = set()

    def text(self) -> str:
        """Imports and constants first, then definitions, each after what it names."""
        lines = sorted(self._lines.values(), key=lambda line: ("import " not in line, line))
        first = "\n".join(["from __future__ import annotations\n", *lines])
        whole = "\n\n\n".join([first, *self.definitions]) + "\n"
        return str(without_secrets(whole))

    def add(self, name: str, value: Any, names: Mapping[str, Any]) -> None:
        """Take in what a name stands for in the program."""
        if name in self._seen or len(self._seen) > MOST:
            return
        self._seen.add(name)
        if isinstance(value, type | types.FunctionType) and value.__module__ in MAINS:
            self._define(name, value, names)
        else:
            line = _line(name, value)
            if line is not None:
                self._lines[name] = line

    def _define(self, name: str, value: Any, names: Mapping[str, Any]) -> None:
        text = source_of(value)
        tree = _parsed(text or "")
        if text is None or tree is None:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in names:
                self.add(node.id, names[node.id], names)
        self.definitions.append(text)
        if name != value.__name__:
            self.definitions.append(f"{name} = {value.__name__}")


def _line(name: str, value: Any) -> str | None:
    """The statement that gives a name its value again: an import or a constant; None for others."""
    if isinstance(value, types.ModuleType):
        return _import(f"import {value.__name__}", value.__name__, name)
    if type(value) is torch.dtype:
        return f"import torch; {name} = {value}"
    if type(value) is torch.device:
        return f"import torch; {name} = torch.device({str(value)!r})"
    if _plain(value):
        text = repr(value)
        return f"{name} = {text}" if len(text) <= LONGEST else None
    module, path = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    known = sys.modules.get(module) if isinstance(module, str) else None
    if isinstance(path, str) and path.isidentifier() and getattr(known, path, None) is value:
        return _import(f"from {module} import {path}", path, name)
    return None


def _import(statement: str, own: str, name: str) -> str:
    return statement if own == name else f"{statement} as {name}"


def _plain(value: Any) -> bool:
    if type(value) in (list, tuple, set, frozenset):
        return len(value) <= LONGEST and all(map(_plain, value))
    if type(value) is dict:
        return len(value) <= LONGEST and all(_plain(k) and _plain(v) for k, v in value.items())
    return type(value) in PLAIN and (type(value) is not float or math.isfinite(value))


def _places(value: Any) -> Iterator[tuple[str, int | None]]:
    """Files, with a line in them, at which a class or function may be defined."""
    if isinstance(value, types.FunctionType):
        yield value.__code__.co_filename, value.__code__.co_firstlineno
        return
    for one in vars(value).values():
        function = getattr(one, "__func__", one)
        if isinstance(function, types.FunctionType) and function.__module__ == value.__module__:
            yield function.__code__.co_filename, function.__code__.co_firstlineno
    file = getattr(sys.modules.get(value.__module__), "__file__", None)
    if file is not None:  # a class without functions of its own
        yield file, None


def _first(node: Any) -> int:
    return int(min([node.lineno, *(one.lineno for one in node.decorator_list)]))


def _parsed(text: str) -> ast.Module | None:
    try:
        return parse(text) if text else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
