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


class Placement:
    """Puts hooks on what is there and what is yet to come, through one ledger.

    `drive_for(entries)` makes the driver of one wrapper; entries that come to the same function
    later are added to the list that its driver has.
    """

    def __init__(self, ledger: Ledger, drive_for: Callable[[list[Entry]], Drive]) -> None:
        self._ledger = ledger
        self._drive_for = drive_for
        self._methods: weakref.WeakKeyDictionary[type, dict[str, list[Entry]]]
        self._methods = weakref.WeakKeyDictionary()
        self._stand_ins: weakref.WeakKeyDictionary[type, dict[str, weakref.ref[Any]]]
        self._stand_ins = weakref.WeakKeyDictionary()
        self._functions: weakref.WeakKeyDictionary[Any, list[Entry]] = weakref.WeakKeyDictionary()
        self._families: dict[type, list[Entry]] = {}

    def place(self, entry: Entry, module: Any) -> None:
        """Put `entry` on its target in `module`, which has just been imported."""
        target = entry.hook.target
        if target.kind == "function":
            for name in target.names:
                if hasattr(module, name):
                    self._on_function(module, name, entry)
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

        Of the latter only the first is worth a new attribute: the mixins' other methods come
        back to it (`fit_transform` to `fit`).
        """
        names = entry.hook.target.names
        for name in names:
            inherits = name == names[0] and _from_outside(cls, name, base or cls)
            if name in vars(cls) or inherits:
                self._on_method(cls, name, entry)

    def _on_method(self, cls: type, name: str, entry: Entry) -> None:
        entries = self._methods.setdefault(cls, {}).setdefault(name, [])
        _add(entries, entry)
        if len(entries) == 1:
            self._wrap(cls, name, entries)

    def _wrap(self, cls: type, name: str, entries: list[Entry]) -> None:
        if wrap_method(cls, name, self._drive_for(entries), self._ledger):
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
    """In the order in which they begin: what opens a run comes last, nearest to the call."""
    if entry not in entries:
        entries.append(entry)
        entries.sort(key=lambda one: bool(one.hook.opens_run))


def _from_outside(cls: type, name: str, base: type) -> bool:
    """Whether `cls` gets `name` from a class outside `base`'s tree (a mixin of somebody's)."""
    owner = next((owner for owner in cls.__mro__ if name in vars(owner)), base)
    return not issubclass(owner, base)
