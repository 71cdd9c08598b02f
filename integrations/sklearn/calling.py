"""Calls of the user's model that the program must not notice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autolog.quiet import quietly

from .params import chosen_params
from .results import parts


@contextmanager
def unfelt(estimator: Any) -> Iterator[None]:
    """`quietly`, and all generators of random numbers are put back to where they were.

    Python's and NumPy's own, and those that the model holds. Where another thread draws from
    them at the same time, its numbers come again.
    """
    import numpy

    held = [value for value in _held(estimator) if _is_generator(value)]
    before = [_state_of(value) for value in held]
    own, shared = random.getstate(), numpy.random.get_state(legacy=False)
    try:
        with quietly():
            yield
    finally:
        random.setstate(own)
        numpy.random.set_state(shared)
        for value, state in zip(held, before, strict=True):
            _put_back(value, state)


def _held(estimator: Any) -> list[Any]:
    """What the model was told, and what its fitted parts hold."""
    told, _ = chosen_params(estimator)
    return [*told.values(), *(value for part in parts(estimator) for value in vars(part).values())]


def _is_generator(value: Any) -> bool:
    import numpy

    return isinstance(value, numpy.random.RandomState | numpy.random.Generator)


def _state_of(value: Any) -> Any:
    return (
        value.get_state(legacy=False) if hasattr(value, "get_state") else value.bit_generator.state
    )


def _put_back(value: Any, state: Any) -> None:
    if hasattr(value, "set_state"):
        value.set_state(state)
    else:
        value.bit_generator.state = state
