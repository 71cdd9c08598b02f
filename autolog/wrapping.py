"""Putting hooks on classes and functions and off again, so that the program cannot tell.

A *driver* is the one function through which a hooked call goes:

    drive(wrapped, instance, args, kwargs) -> result

`wrapped(*args, **kwargs)` is the call that the program made: where there is an `instance`, it is
bound to it and `args` is without it (before wrapt 2.5 its signature still shows it). `instance` is
the object of a method (also where it was called as `Cls.fit(est, X)`), the class of a class method,
None for functions and static methods. Methods: `args` and `kwargs` are as the program gave them.
Functions hooked in place: positional parameters stand in `args` with their defaults filled in, the
rest in `kwargs`.

The driver calls `wrapped` exactly once and hands on its result or its exception; where its hook is
not in force (switched off, paused, a wrapper left over after undo) it does nothing else. `args` and
`kwargs` are its own to change; the values in them are the user's. It is made with
`as_internal_frame`, so that warnings and log records of the wrapped code keep their places; one
that looks for its caller begins at `external_caller(sys._getframe())`.
"""

from __future__ import annotations

from ._importlib_bootstrap import as_internal_frame, external_caller, internal_filename
from .inplace import rebind, wrap_function
from .ledger import ABSENT, Ledger
from .methods import Driver, wrap_method
from .subclassing import subclasses_of, watch_subclasses

__all__ = [
    "ABSENT",
    "Driver",
    "Ledger",
    "as_internal_frame",
    "external_caller",
    "internal_filename",
    "rebind",
    "subclasses_of",
    "watch_subclasses",
    "wrap_function",
    "wrap_method",
]
