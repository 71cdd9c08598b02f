"""Watching a base class for its subclasses: those that are there and those to come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from ._importlib_bootstrap import as_internal_frame
from .ledger import Ledger
from .methods import wrap_method
from .reporting import guarded


def watch_subclasses(base_class: type, on_class: Callable[[type], None], ledger: Ledger) -> None:
    """Call `on_class` for every subclass of `base_class`, now and when one is made.

    A new class is told when all `__init_subclass__` have run that are known to change classes:
    those of `base_class` and of the mixins beside it. A class that is made while this runs may be
    told twice. Nothing is imported. An error of `on_class` is kept from the program; the class is
    made all the same.
    """
    making: set[int] = set()

    def told(cls: type) -> None:
        with guarded(f"hooking the class {cls.__qualname__}"):
            on_class(cls)

    @as_internal_frame
    def drive(wrapped: Callable[..., Any], cls: Any, args: Any, kwargs: Any) -> Any:
        inner = id(cls) in making
        making.add(id(cls))
        try:
            result = wrapped(*args, **kwargs)
        finally:
            if not inner:
                making.discard(id(cls))
        if not inner and base_class in cls.__mro__:
            told(cls)
        return result

    maker = _maker(base_class)
    for owner in (base_class if maker is object else maker, *_mixins(base_class)):
        wrap_method(owner, "__init_subclass__", drive, ledger)
    for cls in subclasses_of(base_class):
        told(cls)


def _mixins(base_class: type) -> set[type]:
    """Classes beside `base_class`, in its module, that have an `__init_subclass__` of their own.

    scikit-learn's `_SetOutputMixin` puts a wrapper round `transform` in its one: a hook that
    stood there before would be buried below it, where it can no longer be taken off.
    """
    beside = vars(sys.modules.get(base_class.__module__, object)).values()
    owners = {_maker(cls) for cls in list(beside) if isinstance(cls, type)}
    return owners - {object, *base_class.__mro__}


def _maker(cls: type) -> type:
    return next(owner for owner in cls.__mro__ if "__init_subclass__" in vars(owner))


def subclasses_of(base_class: type) -> Iterator[type]:
    """Every class below `base_class` that exists, each once."""
    seen = {base_class}
    waiting = [base_class]
    for base in waiting:
        below: list[type] = type.__subclasses__(base)
        fresh = [cls for cls in below if cls not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
        yield from fresh
