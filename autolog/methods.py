"""Hooking methods: the stand-ins that take the place of a class's attributes.

A stand-in is a transparent proxy of wrapt's; this module adds what such a proxy lacks for nobody to
notice it: identity, plain bound methods, copying, pickling.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from operator import itemgetter
from types import FunctionType, MethodType
from typing import Any, ClassVar

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

    def __repr__(self) -> str:
        return repr(raw_of(self))

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


class Binding:
    """What stand-ins of other descriptors share: whatever `find` gives is bound, then hooked."""

    __slots__ = ()

    def __get__(self: Any, instance: Any, owner: type | None = None) -> Any:
        bound = self._self_kept.find(instance, owner)
        if type(bound) is MethodType:
            return MethodType(self._self_hook(bound.__func__, "function"), bound.__self__)
        plain = instance is None and not isinstance(raw_of(self), staticmethod)
        plain = plain and getattr(bound, "__self__", None) is None
        return self._self_hook(bound, "function" if plain else "classmethod")

    def _self_hook(self: Any, function: Any, kind: str) -> Any:
        """One stand-in for one function, so that bound methods stay equal and hash alike.

        What is bound already is made anew at each access and not kept, as it keeps its object.
        """
        if type(function) is Hooked:
            return function
        kept: _Kept = self._self_kept
        if kept.last is not None and raw_of(kept.last) is function:
            return kept.last
        made = Hooked(function, kept.drive, ABSENT, kind)
        if getattr(function, "__self__", None) is None:
            kept.last = made
        return made

    @property
    def _self_old(self: Any) -> Any:
        return self._self_kept.old

    def __reduce_ex__(self, protocol: Any) -> Any:
        return itemgetter(0), ((raw_of(self),),)


class _Kept:
    """What a stand-in of a descriptor needs."""

    __slots__ = ("drive", "find", "last", "old", "raw")

    def __init__(self, raw: Any, old: Any, find: Callable[..., Any], drive: Driver) -> None:
        self.raw = raw
        self.old = old
        self.find = find
        self.drive = drive
        self.last: Hooked | None = None


class HookedDescriptor(Binding, _Proxy):  # type: ignore[misc]
    """Stands for a descriptor made in C, such as a class method."""

    __repr__ = ByName.__repr__

    def __init__(self, kept: _Kept) -> None:
        super().__init__(kept.raw)
        self._self_kept = kept


class HookedTwin(Binding):
    """Stands for a descriptor made in Python: of a subclass of its class, with the same `__dict__`.

    Other tools write into such descriptors, past any proxy: MLflow exchanges the `fn` of those
    that `available_if` makes, by `object.__getattribute__` and `__dict__`.
    """

    __slots__ = ()
    _self_kept: ClassVar[_Kept]


def _stand_in(kept: _Kept) -> Any:
    return _twin(kept) or HookedDescriptor(kept)


def _twin(kept: _Kept) -> Any:
    """A stand-in with the state of `raw`; None where not all of that is in its `__dict__`."""
    kind = type(kept.raw)
    if not kind.__dictoffset__ or any(vars(cls).get("__slots__") for cls in kind.__mro__):
        return None
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    try:
        made = type(kind.__name__, (HookedTwin, kind), {**names, "_self_kept": kept})
        ours: Any = object.__new__(made)
        ours.__dict__ = vars(kept.raw)
        weakref.ref(ours)
    except (TypeError, AttributeError):  # a class in C, or one that is not to be subclassed
        return None
    return ours


def _own(raw: Any) -> Callable[..., Any]:
    bind = getattr(type(raw), "__get__", None)
    return lambda instance, owner: raw if bind is None else bind(raw, instance, owner)


def _inherited(owner: type, name: str) -> Callable[..., Any]:
    """What `owner` would inherit, looked up anew: a subclass may put another class between."""
    held = weakref.ref(owner)
    return lambda instance, asked: getattr(
        super(held(), asked if instance is None else instance), name
    )


def raw_of(proxy: Any) -> Any:
    """What a stand-in stands for."""
    if isinstance(proxy, HookedTwin):
        return proxy._self_kept.raw
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
        ours = _stand_in(_Kept(raw, ABSENT, _inherited(owner_class, name), drive))
    elif type(raw) is FunctionType:
        ours = Hooked(raw, drive, raw)
    else:
        ours = _stand_in(_Kept(raw, raw, _own(raw), drive))
    put_attribute(owner_class, name, ours)
    ledger.note(Attribute(owner_class, name, ours))
    return True


def _found(owner: type, name: str) -> Any:
    return next((vars(cls)[name] for cls in owner.__mro__ if name in vars(cls)), ABSENT)


def _hookable(raw: Any) -> bool:
    if raw is ABSENT or isinstance(raw, type) or hasattr(type(raw), "__set__"):
        return False
    return callable(raw) or hasattr(type(raw), "__get__")


HOOKED = (Hooked, Binding)
