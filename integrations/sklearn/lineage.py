"""Which transformer made an array: what was done to the data before the training saw them."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from autolog.following.inputs import data_of
from autolog.integration import Call
from autolog.values import plain

from .params import chosen_params

DEEPEST = 8
"""Steps of a chain of transformers that are told."""

_made: dict[int, tuple[weakref.ref[Any], list[dict[str, Any]]]] = {}


def remember(call: Call) -> None:
    """Note that the call's result came from its transformer, and what that was given."""
    # A resampler gives data and target.
    output = call.result[0] if type(call.result) is tuple and call.result else call.result
    params, chosen = chosen_params(call.instance)
    step = {
        "class": type(call.instance).__qualname__,
        "params": plain({name: params[name] for name in sorted(chosen)}),
        "site": str(call.site) if call.site is not None else None,
    }
    chain = [*of(call.arg(data_of(call))), step][-DEEPEST:]
    key = id(output)
    try:
        _made[key] = (weakref.ref(output, partial(_made.pop, key)), chain)
    except TypeError:  # lists and the like cannot be watched, so nothing is known of them
        _made.pop(key, None)


def of(data: Any) -> list[dict[str, Any]]:
    """The transformers behind `data`, first one first; empty where it was never seen."""
    found = _made.get(id(data))
    return found[1] if found is not None and found[0]() is data else []
