"""Where hooks stand: one wrapper for each function, however many hooks meet there."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .inplace import rebind, wrap_function
from .ledger import Ledger
from .methods import wrap_method
from .subclassing import subclasses_of, watch_subclasses

if TYPE_CHECKING:
    from .engine import Entry

Drive = Callable[..., Any]
HEAP, MUTABLE = 1 << 9, 1 << 9 | 1 << 8
"""`__flags__` of a class made in Python, and the bits to look at (`Py_TPFLAGS_HEAPTYPE`)."""


class Placement:
    """Puts hooks on what is there and what is yet to come, through one ledger.

    `drive_for(entries)` makes the driver of one wrapper, `drive_for(entries, base)` one that
    minds instances of `base` alone; entries that come to the same function later are added to the
    list that its driver has.
    """

    def __init__(self, ledger: Ledger, drive_for: Callable[..., Drive]) -> None:
        self._ledger = ledger
        self._drive_for = drive_for
        self._methods: weakref.WeakKeyDictionary[type, dict[str, list[Entry]]]
        self._methods = weakref.WeakKeyDictionary()
        self._stand_ins: weakref.WeakKeyDictionary[type, dict[str, weakref.ref[Any]]]
        self._stand_ins = weakref.WeakKeyDictionary()
        self._minded: weakref.WeakKeyDictionary[type, dict[str, type]]
        self._minded = weakref.WeakKeyDictionary()
        self._functions: weakref.WeakKeyDictionary[Any, list[Entry]] = weakref.WeakKeyDictionary()
        self._families: dict[type, list[Entry]] = {}

    def place(self, entry: Entry, module: Any) -> None:
        """Put `entry` on its target in `module`, which has just been imported.

        What this release of the library does not have is passed over.
        """
        target = entry.hook.target
        if target.kind == "function":
            for name in target.names:
                if hasattr(module, name):
                    self._on_function(module, name, entry)
        elif not hasattr(module, target.owner):
            return
        elif target.kind == "method":
            self.on_class(getattr(module, target.owner), entry)
        else:
            self._on_family(getattr(module, target.owner), entry)

    def _on_family(self, base: type, entry: Entry) -> None:
        """One watch for each base class, which tells all entries of each new subclass."""
        known = self._families.get(base)
        if known is not None:
            known.append(entry)
            for cls in subclasses_of(base):
                self.on_class(cls, entry, base)
            return
        family = self._families[base] = [entry]

        def told(cls: type) -> None:
            for one in family:
                self.on_class(cls, one, base)

        watch_subclasses(base, told, self._ledger)

    def on_class(self, cls: type, entry: Entry, base: type | None = None) -> None:
        """Put `entry` on those of its methods that `cls` defines, or has from outside `base`.

        Of the latter only the first is worth it: the mixins' other methods come back to it
        (`fit_transform` to `fit`). The hook stands on the mixin, so that `cls` has no attribute
        that it did not have, and minds instances of `base` alone.
        """
        names = entry.hook.target.names
        for name in names:
            if name in vars(cls):
                self._on_method(cls, name, entry)
                continue
            owner = _outside(cls, name, base or cls) if name == names[0] else None
            if owner is not None and base is not None and self._may_hold(owner, name, base):
                self._on_method(owner, name, entry, base)
            elif owner is not None:
                self._on_method(cls, name, entry)

    def _may_hold(self, mixin: type, name: str, base: type) -> bool:
        """Whether a mixin can be hooked for `base`: a class made in C or hooked else cannot."""
        if mixin.__flags__ & MUTABLE != HEAP:
            return False
        minded = self._minded.get(mixin, {}).get(name)
        return minded is base or name not in self._methods.get(mixin, {})

    def _on_method(self, cls: type, name: str, entry: Entry, base: type | None = None) -> None:
        entries = self._methods.setdefault(cls, {}).setdefault(name, [])
        _add(entries, entry)
        if len(entries) == 1:
            if base is not None:
                self._minded.setdefault(cls, {})[name] = base
            self._wrap(cls, name, entries)

    def _wrap(self, cls: type, name: str, entries: list[Entry]) -> None:
        drive = self._drive_for(entries, self._minded.get(cls, {}).get(name))
        if wrap_method(cls, name, drive, self._ledger):
            self._stand_ins.setdefault(cls, {})[name] = weakref.ref(vars(cls)[name])

    def again(self) -> None:
        """Hook the methods anew whose hooks are gone.

        That is so where another tool has put back what it had found before we came. A hook that
        it has put its own on top of is not gone.
        """
        for cls, stand_ins in list(self._stand_ins.items()):
            for name, ours in list(stand_ins.items()):
                if ours() is None:
                    self._wrap(cls, name, self._methods[cls][name])

    def _on_function(self, module: Any, name: str, entry: Entry) -> None:
        """In place, so that references taken before are met; else by its name in the library."""
        function = getattr(module, name)
        entries = self._functions.setdefault(function, [])
        _add(entries, entry)
        if len(entries) == 1:
            drive = self._drive_for(entries)
            if not wrap_function(function, drive, self._ledger):
                rebind(module, name, drive, self._ledger)


def _add(entries: list[Entry], entry: Entry) -> None:
    """In the order in which they begin: what opens a run comes last but for what would join it."""
    if entry not in entries:
        entries.append(entry)
        entries.sort(key=lambda one: bool(one.hook.opens_run) * (1 + (one.hook.nested == "join")))


def _outside(cls: type, name: str, base: type) -> type | None:
    """The class outside `base`'s tree that `cls` gets `name` from (a mixin), if it does."""
    owner = next((owner for owner in cls.__mro__ if name in vars(owner)), base)
    return None if issubclass(owner, base) else owner
