"""Hooking methods: the stand-ins that take the place of a class's attributes.

A stand-in is a transparent proxy of wrapt's; this module adds what such a proxy lacks for nobody to
notice it: identity, plain bound methods, copying, pickling.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from operator import itemgetter
from types import FunctionType, MethodType
from typing import Any

import wrapt

from .ledger import ABSENT, Attribute, Ledger, put_attribute

Driver = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""`drive(wrapped, instance, args, kwargs) -> result`, as told at the head of `wrapping`."""


_Bound: Any = wrapt.BoundFunctionWrapper
_Proxy: Any = wrapt.ObjectProxy

if isinstance(_Bound.__call__, FunctionType):
    raise ImportError("wrapt is here without its compiled extension, which autolog needs")


class ByName:
    """What every stand-in of a function shares: copied and pickled as the function would be."""

    __slots__ = ()

    @property
    def __wrapped__(self) -> Any:
        """As on the function itself: what a decorator has put there, else no such attribute."""
        raw: Any = raw_of(self)
        return getattr(raw, "__wrapped__") if type(raw) is FunctionType else raw  # noqa: B009

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        if self._self_old is ABSENT:
            return itemgetter(0), ((raw_of(self),),)
        return str(raw_of(self).__qualname__)


class Hooked(ByName, _Bound):  # type: ignore[misc]
    """Stands for a function in a class; wrapt's C code calls the driver.

    It binds as a function does: on the class it is itself, on an instance a plain bound method.
    """

    def __init__(self, function: Any, drive: Driver, old: Any, kind: str = "function") -> None:
        # The owner tells wrapt whose instances the first argument may be: here, any object.
        super().__init__(function, None, drive, None, kind, None, object)
        self._self_old = old

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)


class HookedDescriptor(_Proxy):  # type: ignore[misc]
    """Stands for any other descriptor: whatever that one binds is bound, then hooked."""

    def __init__(self, descriptor: Any, drive: Driver, old: Any) -> None:
        super().__init__(descriptor)
        self._self_old = old
        self._self_drive = drive
        self._self_last: Hooked | None = None

    def _self_bind(self, instance: Any, owner: type | None) -> Any:
        raw = raw_of(self)
        bind = getattr(type(raw), "__get__", None)
        return raw if bind is None else bind(raw, instance, owner)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        bound = self._self_bind(instance, owner)
        if type(bound) is MethodType:
            return MethodType(self._self_hook(bound.__func__, "function"), bound.__self__)
        plain = instance is None and not isinstance(raw_of(self), staticmethod)
        plain = plain and getattr(bound, "__self__", None) is None
        return self._self_hook(bound, "function" if plain else "classmethod")

    def _self_hook(self, function: Any, kind: str) -> Any:
        """One stand-in for one function, so that bound methods stay equal and hash alike.

        What is bound already is made anew at each access and not kept, as it keeps its object.
        """
        if type(function) is Hooked:
            return function
        last = self._self_last
        if last is not None and raw_of(last) is function:
            return last
        made = Hooked(function, self._self_drive, ABSENT, kind)
        if getattr(function, "__self__", None) is None:
            self._self_last = made
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return itemgetter(0), ((raw_of(self),),)


class HookedInheritance(HookedDescriptor):
    """Stands where a class has no such method of its own: finds what it would inherit.

    It looks anew at each access, for a subclass may put another class between the two.
    """

    def __init__(self, inherited: Any, drive: Driver, owner: type, name: str) -> None:
        super().__init__(inherited, drive, ABSENT)
        self._self_owner, self._self_name = weakref.ref(owner), name

    def _self_bind(self, instance: Any, owner: type | None) -> Any:
        start: Any = owner if instance is None else instance
        return getattr(super(self._self_owner(), start), self._self_name)


def raw_of(proxy: Any) -> Any:
    """What a stand-in stands for."""
    return _Proxy.__wrapped__.__get__(proxy)


def wrap_method(owner_class: type, name: str, drive: Driver, ledger: Ledger) -> bool:
    """Hook the method `name` of a class; whether there was something to hook.

    Where the class only inherits the method, a new attribute is written, which undo removes. False,
    with nothing done, where the method found is hooked already, is a property or no callable.
    """
    raw = _found(owner_class, name)
    if isinstance(raw, HOOKED) or not _hookable(raw):
        return False
    ours: Any
    if name not in vars(owner_class):
        ours = HookedInheritance(raw, drive, owner_class, name)
    else:
        ours = (Hooked if type(raw) is FunctionType else HookedDescriptor)(raw, drive, raw)
    put_attribute(owner_class, name, ours)
    ledger.note(Attribute(owner_class, name, ours))
    return True


def _found(owner: type, name: str) -> Any:
    return next((vars(cls)[name] for cls in owner.__mro__ if name in vars(cls)), ABSENT)


def _hookable(raw: Any) -> bool:
    if raw is ABSENT or isinstance(raw, type) or hasattr(type(raw), "__set__"):
        return False
    return callable(raw) or hasattr(type(raw), "__get__")


HOOKED = (Hooked, HookedDescriptor)
