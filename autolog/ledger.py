"""The list of what was changed in other people's classes and modules, and how it is put back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol

from .reporting import guarded

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""Stands for an attribute that was not there."""


class Entry(Protocol):
    """One thing that was changed and can be changed back."""

    def undo(self) -> bool:
        """Put the old state back where ours is still in force; whether nothing of ours is left."""

    def __str__(self) -> str:
        """The full name of what was changed."""


class Ledger:
    """What was changed, to be undone in reverse order. Holds no class and no function alive."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, undo: Callable[[], object]) -> None:
        """Note a call that undoes something else, such as the removal of a library's own hook."""
        self.note(_Call(undo))

    def note(self, entry: Entry) -> None:
        """Note one change."""
        self._entries.append(entry)

    def undo(self) -> None:
        """Put everything back that is still ours; a second call tries only what was left over."""
        left: list[Entry] = []
        while self._entries:
            entry = self._entries.pop()
            with guarded(f"undoing the hook on {entry}"):
                if not entry.undo():
                    left.append(entry)
        self._entries = left[::-1]

    def leftover(self) -> list[str]:
        """Names of what could not be put back, since another tool has put its own on top."""
        return [str(entry) for entry in self._entries]


class _Call:
    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo = undo

    def undo(self) -> bool:
        self._undo()
        return True

    def __str__(self) -> str:
        return repr(self._undo)


class Attribute:
    """An attribute of a class or module that was set to `ours`, a wrapper of what stood there.

    The old value is kept by `ours` alone: a method often holds its class, which is not to live
    longer for our sake.
    """

    def __init__(self, owner: Any, name: str, ours: Any) -> None:
        self._owner, self._ours, self._name = weakref.ref(owner), weakref.ref(ours), name
        module = getattr(owner, "__module__", None)
        where = f"{module}.{owner.__qualname__}" if module else owner.__name__
        self._title = f"{where}.{name}"

    def undo(self) -> bool:
        owner, ours = self._owner(), self._ours()
        if owner is None or ours is None:
            return True
        if vars(owner).get(self._name, ABSENT) is not ours:
            return False
        put_attribute(owner, self._name, ours._self_old)
        return True

    def __str__(self) -> str:
        return self._title


def put_attribute(owner: Any, name: str, value: Any) -> None:
    """Set or, with ABSENT, delete an attribute, past any `__setattr__` of a metaclass."""
    kind = type if isinstance(owner, type) else object
    if value is ABSENT:
        kind.__delattr__(owner, name)
    else:
        kind.__setattr__(owner, name, value)
