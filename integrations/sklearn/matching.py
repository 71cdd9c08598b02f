"""Whether an array was made from another: by memory, or by what it holds, within bounds."""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from typing import Any

from autolog.values import kin

from .inputs import shape_of

LARGEST = 8_000_000
"""Bytes beyond which arrays are not compared."""
MOST_ITEMS = 200_000
"""Items of lists and of arrays of objects beyond which they are not compared."""
STARTS = 64
"""Places at which a part is looked for, and columns that are compared."""
PROBED = 256
"""Values of which an array's information is estimated."""
ENOUGH = 24.0
"""Bits that an array must hold for its equality with another to be no chance."""

EQUAL, DERIVED, DIVIDED = range(3)
"""Kinships, closest first: equal; argmax, its class, a column or a part; parted at a threshold."""

_PLAIN = (bool, int, float, str)


def rows(value: Any) -> int | None:
    """How many rows it has, where that is known without going through it."""
    shape = shape_of(value)
    if shape:
        return int(shape[0]) if isinstance(shape[0], int) else None
    return len(value) if isinstance(value, list | tuple) else None


def owner(value: Any) -> Any:
    """The array that owns the memory of an array or of a pandas column; None for others."""
    import numpy

    array = value
    if not isinstance(value, numpy.ndarray):
        if not hasattr(value, "iloc") or hasattr(value, "columns"):
            return None
        array = getattr(value, "_values", None)  # of a pandas column: the array itself, no copy
    while isinstance(getattr(array, "base", None), numpy.ndarray):
        array = array.base
    return array if isinstance(array, numpy.ndarray) else None


def laid_out(memory: Any, shape: Any, strides: Any) -> Any:
    """The view of all of an array's memory that has this shape and these steps; None for none."""
    import numpy

    if not isinstance(memory, numpy.ndarray) or not shape or not strides or min(strides) <= 0:
        return None
    return numpy.lib.stride_tricks.as_strided(memory, shape, strides, writeable=False)


# -- by what it holds --------------------------------------------------------------------------


def comparable(value: Any) -> Any:
    """`value` as an array of at most two dimensions, if it is plain data within the bounds.

    Runs no code of the program's: lists and arrays of objects are read if all their items are
    plain. None for everything else.
    """
    array = _array(value)
    if array is None or array.ndim not in (1, 2) or not 0 < array.nbytes <= LARGEST:
        return None
    if array.dtype.kind == "O" and not (array.size <= MOST_ITEMS and _all_plain(array.flat)):
        return None
    if array.dtype.kind not in "biufUSO":
        return None
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _array(value: Any) -> Any:
    import numpy

    if isinstance(value, numpy.ndarray):
        return value.view(numpy.ndarray) if type(value) is numpy.matrix else numpy.asarray(value)
    if type(value) in (list, tuple):
        return _of_list(value)
    names = kin(type(value))
    known = {"pandas.Series", "pandas.Index", "pandas.DataFrame", "polars.Series"}
    if known.isdisjoint(names) or (rows(value) or 0) * 8 > LARGEST:
        return None
    return numpy.asarray(value)


def _of_list(value: Any) -> Any:
    import numpy

    if not 0 < len(value) <= MOST_ITEMS:
        return None
    if {*map(type, value)} <= {list, tuple}:
        widths = {*map(len, value)}
        if len(widths) != 1 or len(value) * max(widths) > MOST_ITEMS:
            return None
        flat = [*itertools.chain.from_iterable(value)]
        found = _of_list(flat) if _all_plain(flat) else None
        return None if found is None else found.reshape(len(value), -1)
    if not _all_plain(value):
        return None
    texts = any(issubclass(kind, str) for kind in {*map(type, value)})
    return numpy.asarray(value, object if texts else None)


def _all_plain(items: Any) -> bool:
    generic = sys.modules["numpy"].generic
    return all(
        kind in _PLAIN or kind is type(None) or issubclass(kind, generic)
        for kind in {*map(type, items)}
    )


def kinship(array: Any, output: Any, classes: Any = None) -> int | None:
    """How `array` can be told to be made from `output`, both as `comparable` gives them.

    `classes` are the labels of `output`'s columns. None where nothing speaks for it.
    """
    if array.shape == output.shape:
        if equal(array, output):
            return EQUAL
        return DIVIDED if _divided(array, output) else None
    if array.ndim == 1 and output.ndim == 2 and len(array) == len(output):
        return _from_columns(array, output, classes)
    if array.shape[1:] == output.shape[1:] and len(array) < len(output):
        return DERIVED if _part(array, output) else None
    return None


def equal(array: Any, other: Any) -> bool:
    """Whether all values are equal, NaN to NaN."""
    import numpy

    if array.shape != other.shape:
        return False
    if array.dtype.kind in "fiub" and other.dtype.kind in "fiub":
        return bool(numpy.array_equal(array, other, equal_nan=True))
    return bool(numpy.array_equal(array, other))


def _from_columns(array: Any, output: Any, classes: Any) -> int | None:
    import numpy

    if output.dtype.kind not in "fiu":
        return None
    winners = output.argmax(axis=1)
    if equal(array, winners):
        return DERIVED
    named = getattr(classes, "shape", None) == (output.shape[1],)
    if named and equal(array, numpy.asarray(classes)[winners]):
        return DERIVED
    columns = range(min(output.shape[1], STARTS))
    if any(equal(array, output[:, i]) for i in columns):
        return DERIVED
    return DIVIDED if output.shape[1] == 2 and _divided(array, output[:, 1]) else None


def _divided(array: Any, output: Any) -> bool:
    """Whether two values in `array` part the rows exactly where `output` is high and low."""
    if array.ndim != 1 or output.dtype.kind != "f":
        return False
    first = array == array[0]
    others = array[~first]
    if not len(others) or not bool((others == others[0]).all()):
        return False
    one, two = output[first], output[~first]
    return bool(one.max() < two.min() or two.max() < one.min())


def _part(array: Any, output: Any) -> bool:
    import numpy

    count = len(array)
    firsts = output[: len(output) - count + 1] == array[0]
    if not isinstance(firsts, numpy.ndarray):  # types that do not compare
        return False
    starts = numpy.flatnonzero(firsts if firsts.ndim == 1 else firsts.all(axis=-1))[:STARTS]
    return any(equal(array, output[i : i + count]) for i in starts.tolist())


def telling(array: Any, places: int = 1) -> bool:
    """Whether an equality with `array` is hardly chance, when `places` were tried.

    Its values hold (number × entropy) bits, estimated from at most `PROBED` of them: a constant
    holds none, twenty-four balanced labels or five different fractions hold enough.
    """
    values = array.reshape(-1)
    probed = values[:: max(1, len(values) // PROBED)].tolist()
    total, alike = len(probed), Counter(Counter(probed).values())
    entropy = sum(times * n / total * math.log2(total / n) for n, times in alike.items())
    return entropy * len(values) >= ENOUGH + math.log2(max(places, 1))
