"""Whether an array was made from another: by memory, or by what it holds, within bounds."""

from __future__ import annotations

from typing import Any

LARGEST = 8_000_000
"""Bytes beyond which arrays are not compared."""
FEWEST = 8
"""Rows below which an equal part of an array says nothing."""
STARTS = 64
"""Places at which a part is looked for."""


def rows(value: Any) -> int | None:
    """How many rows it has, where that is known without going through it."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return int(shape[0]) if isinstance(shape[0], int) else None
    return len(value) if isinstance(value, list | tuple) else None


def owner(value: Any) -> Any:
    """The object that owns the memory of an array or of a pandas column; None for others."""
    array = value
    if hasattr(value, "iloc") and not hasattr(value, "columns"):
        array = getattr(value, "_values", None)
    if not hasattr(array, "__array_interface__"):
        return None
    while hasattr(getattr(array, "base", None), "__array_interface__"):
        array = array.base
    return array


def small_array(numpy: Any, value: Any) -> Any:
    """`value` as an array to compare, if it is plain data within the bound; else None."""
    if numpy is None or value is None:
        return None
    known = rows(value)
    plain = isinstance(value, list | tuple) or hasattr(value, "__array__")
    if not plain or not known or known * 8 > LARGEST:
        return None
    if isinstance(value, list | tuple) and isinstance(value[0], list | tuple | dict | str):
        return None
    array = numpy.asarray(value)
    return array if array.nbytes <= LARGEST and array.dtype.kind in "biufUSO" else None


def made_from(numpy: Any, array: Any, output: Any, classes: Any) -> bool:
    """Whether `array` is `output`, its argmax, a column, a threshold, or a contiguous part."""
    if array.shape == output.shape:
        return _equal(numpy, array, output) or _threshold(numpy, array, output)
    if array.ndim == 1 and output.ndim == 2 and len(array) == len(output):
        return _from_columns(numpy, array, output, classes)
    if array.ndim == output.ndim and FEWEST <= len(array) < len(output):
        return _part(numpy, array, output)
    return False


def _equal(numpy: Any, array: Any, output: Any) -> bool:
    if array.dtype.kind in "fiub" and output.dtype.kind in "fiub":
        return bool(numpy.array_equal(array, output, equal_nan=True))
    return bool(numpy.array_equal(array, output))


def _from_columns(numpy: Any, array: Any, output: Any, classes: Any) -> bool:
    if output.dtype.kind not in "fiu":
        return False
    winners = output.argmax(axis=1)
    if _equal(numpy, array, winners):
        return True
    if classes is not None and len(classes) == output.shape[1]:
        labels = numpy.asarray(classes)[winners]
        if _equal(numpy, array, labels):
            return True
    columns = range(min(output.shape[1], STARTS))
    return any(_equal(numpy, array, output[:, i]) for i in columns) or (
        output.shape[1] == 2 and _threshold(numpy, array, output[:, 1])
    )


def _threshold(numpy: Any, array: Any, output: Any) -> bool:
    """Whether two values in `array` part the rows exactly where `output` is high and low."""
    if array.ndim != 1 or output.dtype.kind != "f" or array.dtype.kind not in "biu":
        return False
    low, high = array.min(), array.max()
    if low == high or not bool(((array == low) | (array == high)).all()):
        return False
    return bool(output[array == low].max() < output[array == high].min())


def _part(numpy: Any, array: Any, output: Any) -> bool:
    count = len(array)
    firsts = output[: len(output) - count + 1] == array[0]
    starts = numpy.flatnonzero(firsts if firsts.ndim == 1 else firsts.all(axis=-1))[:STARTS]
    return any(_equal(numpy, array, output[i : i + count]) for i in starts.tolist())
