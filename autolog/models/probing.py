"""Walking through a model's parts, bounded and without calling any code of theirs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

MAX_PARTS = 1_000
MAX_ITEMS = 50
"""Of each container: the trees of a forest are alike."""

MAX_ATTRIBUTES = 200

_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)
_ATOMS = (str, bytes, int, float, complex, bool, type(None), bytearray)


def children(part: Any) -> Iterator[tuple[str, Any]]:
    """The parts right below `part`, each with its step of a path: `.name`, `[0]`, `['key']`."""
    # By the true type and the base class's own methods: anything else may be the model's code.
    kind = type(part)
    if issubclass(kind, dict):
        for key, item in islice(dict.items(part), MAX_ITEMS):
            yield f"[{_shown(key)}]", item
    for sequence in _SEQUENCES:
        if issubclass(kind, sequence):
            for index, item in enumerate(islice(sequence.__iter__(part), MAX_ITEMS)):
                yield f"[{index}]", item
    if kind is FunctionType:
        yield from _of_function(part)
    elif issubclass(kind, partial):
        yield from _of_partial(part)
    elif not issubclass(kind, type | ModuleType):
        for name, item in islice(_attributes(part).items(), MAX_ATTRIBUTES):
            yield f".{name}", item


def _shown(key: object) -> str:
    return repr(key)[:40] if type(key) in _ATOMS else type(key).__qualname__


def _attributes(part: Any) -> dict[str, Any]:
    # `object.__getattribute__`: a class's own `__getattr__` would be the user's code.
    try:
        found = object.__getattribute__(part, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if type(found) is dict else {}


def _of_partial(part: partial[Any]) -> Iterator[tuple[str, Any]]:
    """Not its `__dict__`: to look at that makes one, which changes how the object is pickled."""
    for name in ("func", "args", "keywords"):
        yield f".{name}", object.__getattribute__(part, name)


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
