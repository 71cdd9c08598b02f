"""Which arguments of a training are its data and its target: people's `fit` has its own names."""

from __future__ import annotations

from typing import Any

from ..integration import Call, parameter_names

TARGETS = ("y", "Y", "target", "targets", "label", "labels", "y_train")
"""Parameters by which a target is known, in the order in which they are tried."""


def data_of(call: Call) -> str | int:
    """The parameter, or the position, of the data: `X`, else the first one."""
    names = parameter_names(call.function)
    if "X" in names or "X" in call.kwargs:
        return "X"
    return names[0] if names else 0


def target_of(call: Call) -> str | int:
    """The parameter, or the position, of the target; `y` where there is none."""
    names = parameter_names(call.function)
    if not names and len(call.args) > 1:
        return 1
    known = {*names[1:], *call.kwargs}
    return next((name for name in TARGETS if name in known), "y")


def shape_of(data: Any) -> tuple[Any, ...]:
    """The lengths that data show of themselves, empty where they show none.

    The class is asked first: an object's `__getattr__` is the program's own code.
    """
    try:
        own = hasattr(type(data), "shape") or "shape" in object.__getattribute__(data, "__dict__")
        shape = data.shape if own else ()
    except Exception:
        return ()
    return shape if isinstance(shape, tuple) else ()
