"""Whether two estimators hold the same: a model that was pickled and loaded, or copied."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from autolog.following import predictions

MOST_BYTES = 1 << 16
"""Bytes of arrays that are read of one estimator; of a larger one its beginning."""
MOST_OBJECTS = 500
MOST_ITEMS = 16
DEEPEST = 6
LEAST_BYTES = 32
"""Bytes of fitted numbers below which two estimators are alike by chance."""

_TREE = "sklearn.tree._tree.Tree"
_NO_STATE = (type, ModuleType, FunctionType, partial)
"""Whose `__dict__` is not looked at; a partial would grow one, which changes its pickle."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def of(estimator: Any) -> bytes | None:
    """A digest of the class, the params and the fitted arrays, read in place within bounds.

    Equal for copies; None where too few fitted numbers can be seen to tell models apart. Runs no
    code of the estimator's, but the library's own of a booster that it holds.
    """
    walk = _Walk()
    walk.read(estimator, 0)
    return walk.digest.digest() if walk.fitted >= LEAST_BYTES else None


class _Walk:
    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self.bytes = MOST_BYTES
        self.objects = MOST_OBJECTS
        self.fitted = 0

    def read(self, value: Any, depth: int) -> None:
        import numpy

        kind = type(value)
        self.objects -= 1
        if kind in _PLAIN or issubclass(kind, numpy.generic):
            self._note(repr(value)[:1000])
            return
        self._note(f"{kind.__module__}.{kind.__qualname__}")
        if depth >= DEEPEST or self.objects < 0 or issubclass(kind, _NO_STATE):
            return
        likeness = predictions.known_by(kind)
        if likeness is not None:
            self._part(likeness(value))
        elif kind is numpy.ndarray:
            self._array(value)
        elif kind in (list, tuple):
            for item in value[:MOST_ITEMS]:
                self.read(item, depth + 1)
        elif kind is dict:
            self._mapping(value, depth)
        elif f"{kind.__module__}.{kind.__qualname__}" == _TREE:
            self._array(value.threshold)
            self._array(value.value)
        elif kind.__dictoffset__:  # asked of the class: the object may answer with its own code
            with contextlib.suppress(AttributeError):  # a class made in C may not show it
                self._mapping(object.__getattribute__(value, "__dict__"), depth)

    def _mapping(self, held: Mapping[Any, Any], depth: int) -> None:
        for key in [key for key in held if type(key) is str][: 4 * MOST_ITEMS]:
            self._note(key)
            self.read(held[key], depth + 1)

    def _part(self, digest: bytes | None) -> None:
        """What a library says of a part of its own: a booster by its trees."""
        if digest is not None:
            self.digest.update(digest)
            self.fitted += LEAST_BYTES

    def _array(self, array: Any) -> None:
        self._note(f"{array.dtype} {array.shape}")
        count = min(array.size, self.bytes // max(array.itemsize, 1))
        if array.dtype.hasobject or not count:
            return
        read = array.flat[:count]
        self.bytes -= read.nbytes
        self.digest.update(read.tobytes())
        if array.dtype.kind in "fcV":
            self.fitted += read.nbytes

    def _note(self, text: str) -> None:
        self.digest.update(text.encode("utf-8", "replace") + b"\0")
