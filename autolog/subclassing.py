"""Watching a base class for its subclasses: those that are there and those to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ._importlib_bootstrap import as_internal_frame
from .ledger import Ledger
from .methods import wrap_method
from .reporting import guarded


def watch_subclasses(base_class: type, on_class: Callable[[type], None], ledger: Ledger) -> None:
    """Call `on_class` for every subclass of `base_class`, now and when one is made.

    A class that is made while this runs may be told twice. Nothing is imported. An error of
    `on_class` is kept from the program; the class is made all the same.
    """

    def told(cls: type) -> None:
        with guarded(f"hooking the class {cls.__qualname__}"):
            on_class(cls)

    @as_internal_frame
    def drive(wrapped: Callable[..., Any], cls: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        told(cls)
        return result

    wrap_method(base_class, "__init_subclass__", drive, ledger)
    for cls in subclasses_of(base_class):
        told(cls)


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
