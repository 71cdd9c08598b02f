"""Walking through a model's parts, bounded and without calling any code of theirs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

MAX_PARTS = 1_000
MAX_ITEMS = 50
"""Of each container: the trees of a forest are alike."""

_ATOMS = (str, bytes, int, float, complex, bool, type(None), bytearray)


def children(part: Any) -> Iterator[tuple[str, Any]]:
    """The parts right below `part`, each with its step of a path: `.name`, `[0]`, `['key']`."""
    if isinstance(part, dict):
        for key, item in islice(part.items(), MAX_ITEMS):
            yield f"[{_shown(key)}]", item
    elif isinstance(part, list | tuple | set | frozenset):
        for index, item in enumerate(islice(part, MAX_ITEMS)):
            yield f"[{index}]", item
    elif isinstance(part, FunctionType):
        yield from _of_function(part)
    if not isinstance(part, type | ModuleType | FunctionType):
        for name, item in islice(_attributes(part).items(), MAX_ITEMS * 4):
            yield f".{name}", item


def _shown(key: object) -> str:
    return repr(key)[:40] if isinstance(key, _ATOMS) else type(key).__qualname__


def _attributes(part: Any) -> dict[str, Any]:
    # `object.__getattribute__`: a class's own `__getattr__` would be the user's code.
    try:
        found = object.__getattribute__(part, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if type(found) is dict else {}


def _of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function carries with it where it is pickled by value."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield f".<{name}>", cell.cell_contents
        except ValueError:
            continue
    for index, value in enumerate(function.__defaults__ or ()):
        yield f".__defaults__[{index}]", value


def parts(model: Any, limit: int = MAX_PARTS) -> Iterator[Any]:
    """`model` and what it is made of, breadth first, each object once, at most `limit` of them."""
    seen = {id(model)}
    waiting = deque([model])
    while waiting:
        part = waiting.popleft()
        yield part
        for _, child in children(part):
            if len(seen) < limit and type(child) not in _ATOMS and id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
