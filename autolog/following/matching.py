"""Whether an array was made from another: by memory, or by what it holds, within bounds."""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..values import kin
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

MOST_SAMPLED = 4096
"""Values of an output that are kept to know what is made of it when it is gone itself."""
MOST_ROWS = 256
"""Rows that they are of."""
THINNED = 2000
"""Rows beyond which a few of them are compared first."""
MOST_LABELS = 64
"""Different values beyond which an array is not taken for one of labels."""
DISTINCT = 8
"""Different fractions that must come from an output for its rows to be told in any order."""

EQUAL, DERIVED, DIVIDED, ORDERED = range(4)
"""Kinships, closest first: equal; surely made of it (argmax, its class, a column, a part, its
negative or power of e, its labels renamed); parted at a threshold, or rows of it in any order;
rising or falling with it."""

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
        return EQUAL if equal(array, output) else _remade(array, output)
    if len(array) > len(output):
        return None
    if array.ndim == 2 and (output.ndim == 1 or output.shape[1] == 2):
        return _each(kinship(column, output, classes) for column in array.T[:STARTS])
    if array.ndim == 1 and output.ndim == 2:
        if len(array) == len(output):
            return _from_columns(array, output, classes)
        parts = [kinship(array, column) for column in output.T[:STARTS]]
        return min((level for level in parts if level is not None), default=None)
    if array.shape[1:] == output.shape[1:] and len(array) < len(output):
        return DERIVED if _part(array, output) else DIVIDED if _drawn(array, output) else None
    return None


def _each(levels: Iterable[int | None]) -> int | None:
    """The farthest kinship of an array's columns; None if one of them is of no kin."""
    found = [*levels]
    return None if None in found else max(level for level in found if level is not None)


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
    return _remade(array, output[:, 1]) if output.shape[1] == 2 else None


# -- made of it, value by value ----------------------------------------------------------------


def _remade(array: Any, output: Any) -> int | None:
    """How each value of `array` can come from the one beside it in `output`, of the same shape."""
    if array.ndim == 2:
        if array.shape[1] > STARTS:
            return None
        return _each(kinship(one, two) for one, two in zip(array.T, output.T, strict=True))
    if len(array) > THINNED and not _likely(array, output):
        return DIVIDED if _drawn(array, output) else None
    if _renamed(array, output):
        return DERIVED
    if output.dtype.kind != "f":
        return ORDERED if _shuffled(array, output) else None
    remade = array.dtype.kind in "fiu" and any(_near(array, made) for made in _remakes(output))
    if remade:
        return DERIVED
    if _divided(array, output) or _drawn(array, output):
        return DIVIDED
    return ORDERED if _ordered(array, output) else None


def _likely(array: Any, output: Any) -> bool:
    """Whether some rows may be made of the ones beside them; those of a long array say no soon."""
    step = len(array) // MOST_ROWS
    some = array[::step]
    return constant(some) or kinship(some, output[::step]) is not None


def _remakes(output: Any) -> Iterator[Any]:
    """What programs make of a prediction in numbers."""
    import numpy

    yield -output
    yield 1 - output
    with numpy.errstate(all="ignore"):
        made = [f(output) for f in (numpy.expm1, numpy.exp, numpy.rint, numpy.trunc)]
    yield from made
    yield numpy.maximum(output, 0)


def _near(array: Any, made: Any) -> bool:
    import numpy

    with numpy.errstate(all="ignore"):
        return bool(numpy.isclose(array, made, rtol=1e-12, atol=0, equal_nan=True).all())


def _renamed(array: Any, output: Any) -> bool:
    """Whether `array` has one value for each of the few in `output`: labels by other names."""
    import numpy

    try:
        values, places = numpy.unique(output, return_inverse=True)
        if not 1 < len(values) <= min(MOST_LABELS, len(output) // 4):
            return False
        others, found = numpy.unique(array, return_inverse=True)
    except TypeError:  # values of several types have no order
        return False
    return len(others) > 1 and len({*zip(places.tolist(), found.tolist(), strict=True)}) == len(
        values
    )


def _ordered(array: Any, output: Any) -> bool:
    """Whether the values rise, or fall, all along with those of `output`, being more than two."""
    import numpy

    if array.dtype.kind not in "fiu":
        return False
    order = numpy.argsort(output, kind="stable")
    with numpy.errstate(all="ignore"):
        steps, ties = numpy.diff(array[order]), numpy.diff(output[order]) == 0
    if not steps.any() or steps[ties].any():
        return False
    return bool((steps >= 0).all() or (steps <= 0).all())


def _shuffled(array: Any, output: Any) -> bool:
    """Whether they have the same labels, as many of each, in another order."""
    import numpy

    try:
        return equal(numpy.sort(array), numpy.sort(output))
    except TypeError:  # values of several types have no order
        return False


def _drawn(array: Any, output: Any) -> bool:
    """Whether the rows are fractions of `output`'s in whatever order: a mask, a sorted frame."""
    import numpy

    if array.ndim != 1 or array.dtype.kind != "f" or output.dtype.kind != "f":
        return False
    if len(array) < DISTINCT or not continuous(array[:MOST_ROWS]):
        return False
    here = all((output == value).any() for value in array[:3])  # soon told, in a long array
    return here and bool(numpy.isin(array, output).all())


# -- what is left of an output that is gone ----------------------------------------------------


class Sample(NamedTuple):
    """Every `step`th row of an output; `whole` if those are all of them."""

    values: Any
    step: int
    whole: bool

    def of(self, array: Any) -> Any:
        """The same rows of another array."""
        return array[:: self.step]


def sample(output: Any) -> Sample | None:
    """A few rows of an output, copied; None for what is no array of plain values."""
    import numpy

    if type(output) is not numpy.ndarray or output.ndim not in (1, 2) or not output.size:
        return None
    most = max(1, min(MOST_ROWS, MOST_SAMPLED * len(output) // output.size))
    step = -(-len(output) // most)
    values = comparable(output[::step])
    return None if values is None else Sample(values.copy(), step, step == 1)


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


def continuous(array: Any) -> bool:
    """Whether hardly two of its values are equal, so that some of them tell it as well as all."""
    import numpy

    return bool(array.dtype.kind == "f") and 2 * len(numpy.unique(array)) > array.size


def constant(array: Any) -> bool:
    """Whether all its values are the same."""
    return bool((array == array.flat[0]).all())


def among(array: Any, values: Any) -> bool:
    """Whether all values of `array` are among the labels `values`."""
    import numpy

    if values.ndim != 1 or array.ndim != 1 or values.dtype.kind == "f":
        return False
    try:
        return bool(numpy.isin(array, numpy.unique(values)).all())
    except TypeError:  # values of several types have no order
        return False
