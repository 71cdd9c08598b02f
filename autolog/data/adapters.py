"""From what the user's program holds to rows and columns that can be read without a whole copy."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..values import kin, plain, text_of
from .columns import Column, from_array, from_list, name_of, text_cost
from .foreign import arrow_column, pandas_column, polars_column
from .sampling import NUMBER_COST, OBJECT_COST, TEXT_COST, Array, sample

MAX_COLUMNS = 1024
"""Columns that are read one by one; of more a fixed sample is read."""

MAX_WIDTH = 1 << 18
"""Columns of a matrix of numbers that are read; of more a fixed sample is read."""

PROBED = 64


@dataclasses.dataclass(slots=True)
class Matrix:
    """Rows that were read of numbers of one type; `block(a, b)` gives rows a to b as 2-D array."""

    block: Callable[[int, int], Array]
    dtype: np.dtype[Any]
    rows: int
    width: int


Table = Matrix | Iterator[Column]


@dataclasses.dataclass(slots=True)
class Source:
    """Readable data.

    Attributes:
        kind: The class's short name.
        shape: All lengths; the first counts the rows.
        dtype: The one type of all values as text, or None where columns differ.
        row_cost: What it costs to read one row, in bytes of canonical values.
        read: The rows at these ascending positions, all for None.
        names: Of the columns, as text; None where they have none.
        nbytes: Memory held by the values, where that is known without reading them.
        picked: Positions of the columns that are read; None if all.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str | None
    row_cost: int
    read: Callable[[Array | None], Table]
    names: Sequence[Any] | None = None
    nbytes: int | None = None
    picked: Array | None = None

    @property
    def width(self) -> int:
        """How many columns a row has; further dimensions are laid flat."""
        return math.prod(map(int, self.shape[1:]))


def adapt(data: Any) -> Source | None:
    """`data` as a source, or None for whatever must not, or cannot, be read."""
    kind = type(data)
    maker = _BY_CLASS.get(kind)
    if maker is None:
        names = kin(kind)
        maker = next((_BY_NAME[name] for name in names if name in _BY_NAME), None)
    return None if maker is None else maker(data)


def column_name(name: Any) -> str:
    """A column's name as text."""
    return name if type(name) is str else text_of(plain(name))


# -- numpy, torch, JAX, TensorFlow ----------------------------------------------------------------


def _numpy(data: Any) -> Source:
    array = np.asarray(data)
    kind = type(data).__name__
    if array.ndim == 0:
        array = array.reshape(1)
    if array.dtype.names:
        return _structured(array, kind)
    if array.dtype.kind in "biuf":
        return _numbers(array, kind)
    nulls = data.mask if kind == "MaskedArray" and np.ndim(data.mask) else None
    return _other_array(array, kind, nulls)


def _masked(data: Any) -> Source:
    array = np.asarray(data.data)
    mask = np.asarray(data.mask) if np.ndim(data.mask) else np.zeros(array.shape, np.bool_)
    return _other_array(array, "MaskedArray", mask) if array.ndim else _numpy(array)


def _numbers(array: Array, kind: str) -> Source:
    width = math.prod(array.shape[1:])
    columns = sample(width, MAX_WIDTH)
    places = None if columns is None else np.unravel_index(columns, array.shape[1:])
    read_width = width if columns is None else len(columns)

    def read(picked: Array | None) -> Table:
        rows = np.arange(len(array)) if picked is None and places else picked

        def block(start: int, end: int) -> Array:
            if places is not None and rows is not None:
                return np.asarray(array[(rows[start:end, None], *places)])
            found = array[start:end] if rows is None else array[rows[start:end]]
            return found.reshape(len(found), width)

        count = len(array) if picked is None else len(picked)
        return Matrix(block, array.dtype, count, read_width)

    cost = read_width * NUMBER_COST
    dtype = name_of(array.dtype)
    return Source(kind, array.shape, dtype, cost, read, None, array.nbytes, columns)


def _structured(array: Array, kind: str) -> Source:
    names = list(array.dtype.names or ())
    fields = [array[name].reshape(len(array), -1) for name in names]
    if any(field.shape[1] != 1 for field in fields) or array.ndim != 1:
        return _other_array(array.astype(object), kind, None)

    def column(index: int, rows: Array | None) -> Column:
        values = fields[index][:, 0]
        return from_array(values if rows is None else values[rows], names[index])

    source = _by_columns(kind, (len(array), len(names)), names, column, costs=None)
    return dataclasses.replace(source, nbytes=array.nbytes)


def _other_array(array: Array, kind: str, nulls: Array | None) -> Source:
    flat = array.reshape(len(array), -1)
    hidden = None if nulls is None else nulls.reshape(len(array), -1)

    def column(index: int, rows: Array | None) -> Column:
        picked = slice(None) if rows is None else rows
        gone = None if hidden is None else hidden[picked, index]
        return from_array(flat[picked, index], None, gone)

    costs = None if array.dtype.kind in "OSUV" else [NUMBER_COST] * flat.shape[1]
    source = _by_columns(kind, array.shape, None, column, costs)
    return dataclasses.replace(source, dtype=str(array.dtype), nbytes=array.nbytes)


def _torch(data: Any) -> Source | None:
    """A dense tensor in the computer's own memory; None for any other."""
    readable = kin(type(data))[0] in ("torch.Tensor", "torch.Parameter")
    if not readable or data.device.type != "cpu" or str(data.layout) != "torch.strided":
        return None
    try:
        array = data.detach().numpy()
    except (RuntimeError, TypeError):
        return None
    source = _numpy(array)
    return dataclasses.replace(source, kind="Tensor")


def _jax(data: Any) -> Source | None:
    """An array in the computer's own memory, seen there by DLPack; None for any other."""
    try:
        array = np.from_dlpack(data)
    except Exception:  # JAX has errors of its own for what it cannot show so
        return None
    return dataclasses.replace(_numpy(array), kind="Array")


def _tensorflow(data: Any) -> Source | None:
    """A tensor of numbers in the computer's own memory, seen as a buffer; None for any other.

    Not by DLPack: TensorFlow ends the process where it is asked for text (2.21).
    """
    kind = np.dtype(data.dtype.as_numpy_dtype).kind
    if kind not in "biuf" or not data.device.endswith("CPU:0"):
        return None
    return dataclasses.replace(_numpy(np.asarray(memoryview(data))), kind="Tensor")


# -- frames ------------------------------------------------------------------------------------


def _by_columns(
    kind: str,
    shape: tuple[int, ...],
    names: Sequence[Any] | None,
    column: Callable[[int, Array | None], Column],
    costs: Sequence[int] | None,
) -> Source:
    """A source read column by column; unknown costs (0) are found by reading a few rows."""
    width = math.prod(map(int, shape[1:]))
    picked = sample(width, MAX_COLUMNS)
    indices = range(width) if picked is None else picked.tolist()
    probed = sample(shape[0], PROBED)

    def cost(index: int) -> int:
        known = costs[index] if costs is not None else 0
        return known or _probe(column(index, probed))

    def read(rows: Array | None) -> Table:
        return (column(index, rows) for index in indices)

    row_cost = sum(cost(index) for index in indices)
    return Source(kind, shape, None, row_cost, read, names, None, picked)


def _probe(column: Column) -> int:
    if column.kind == "o":
        return OBJECT_COST
    return max(TEXT_COST, text_cost(column.values)) if column.kind in "sy" else TEXT_COST


def _pandas_frame(data: Any) -> Source:
    dtypes = list(data.dtypes)
    names = list(data.columns)
    first = dtypes[0] if dtypes else None
    if isinstance(first, np.dtype) and first.kind in "biuf" and len(set(dtypes)) == 1:
        source = _frame_matrix(data, first, names)
        return dataclasses.replace(source, nbytes=len(data) * len(names) * first.itemsize)
    costs = [_dtype_cost(dtype) for dtype in dtypes]

    def column(index: int, rows: Array | None) -> Column:
        return pandas_column(data.iloc[:, index], column_name(names[index]), rows)

    return _by_columns("DataFrame", data.shape, names, column, costs)


def _dtype_cost(dtype: Any) -> int:
    letter = "O" if str(dtype) in ("category", "string", "str") else dtype.kind
    return NUMBER_COST if letter in "biufcmM" else 0


def _frame_matrix(data: Any, dtype: np.dtype[Any], names: list[Any]) -> Source:
    shape = data.shape

    def read(rows: Array | None) -> Table:
        def block(start: int, end: int) -> Array:
            picked = slice(start, end) if rows is None else rows[start:end]
            return np.asarray(data.iloc[picked].to_numpy())

        return Matrix(block, dtype, shape[0] if rows is None else len(rows), shape[1])

    return Source("DataFrame", shape, str(dtype), shape[1] * NUMBER_COST, read, names)


def _single(kind: str, data: Any, name: Any, reader: Any, cost: int) -> Source:
    """A source of one column; `reader(data, name, rows)` reads it."""
    names = None if name in (None, "") else [name]
    shown = None if names is None else column_name(name)
    source = _by_columns(
        kind, (len(data), 1), names, lambda _, rows: reader(data, shown, rows), [cost]
    )
    dtype = str(getattr(data, "dtype", None) or getattr(data, "type", ""))
    return dataclasses.replace(source, shape=(len(data),), dtype=dtype)


def _pandas_series(data: Any) -> Source:
    kind = "Index" if "pandas.Index" in kin(type(data)) else type(data).__name__
    return _single(kind, data, data.name, pandas_column, _dtype_cost(data.dtype))


def _polars_frame(data: Any) -> Source:
    columns = data.get_columns()
    costs = [_polars_cost(column.dtype) for column in columns]

    def column(index: int, rows: Array | None) -> Column:
        return polars_column(columns[index], columns[index].name, rows)

    source = _by_columns("DataFrame", data.shape, data.columns, column, costs)
    return dataclasses.replace(source, nbytes=int(data.estimated_size()))


def _polars_cost(dtype: Any) -> int:
    return NUMBER_COST if dtype.is_numeric() or str(dtype).startswith(_FIXED) else 0


_FIXED = ("Boolean", "Date", "Duration", "bool", "date", "timestamp", "duration")


def _polars_series(data: Any) -> Source:
    return _single("Series", data, data.name, polars_column, _polars_cost(data.dtype))


def _arrow_cost(kind: Any) -> int:
    text = str(kind)
    return (
        NUMBER_COST if text.startswith((*_FIXED, "int", "uint", "float", "double", "half")) else 0
    )


def _arrow_table(data: Any) -> Source:
    names = list(data.schema.names)
    costs = [_arrow_cost(kind) for kind in data.schema.types]

    def column(index: int, rows: Array | None) -> Column:
        return arrow_column(data.column(index), names[index], rows)

    shape = (data.num_rows, data.num_columns)
    source = _by_columns(type(data).__name__, shape, names, column, costs)
    return dataclasses.replace(source, nbytes=int(data.nbytes))


def _arrow_array(data: Any) -> Source:
    return _single(type(data).__name__, data, None, arrow_column, _arrow_cost(data.type))


# -- plain Python ------------------------------------------------------------------------------


def _sequence(data: Sequence[Any]) -> Source:
    """A list, tuple or range: of rows where all items are lists of one length, else of values."""
    kind = type(data).__name__
    probed = _take(data, sample(len(data), PROBED))
    types = set(map(type, probed))
    if types and types <= {list, tuple}:
        lengths = set(map(len, probed))
        if len(lengths) == 1 and 0 < max(lengths) <= MAX_COLUMNS:
            return _list_of_rows(data, kind, lengths.pop(), probed)
    if types == {dict}:
        names = list(dict.fromkeys(key for item in probed for key in item))
        if 0 < len(names) <= MAX_COLUMNS:
            return _list_of_dicts(data, kind, names)
    return _single(kind, data, None, lambda d, n, rows: from_list(_take(d, rows), n, "object"), 0)


def _take(data: Sequence[Any], rows: Array | None) -> Sequence[Any]:
    return data if rows is None else [data[row] for row in rows.tolist()]


def _list_of_rows(data: Sequence[Any], kind: str, width: int, probed: Sequence[Any]) -> Source:
    def read(rows: Array | None) -> Table:
        taken = _take(data, rows)
        if all(type(row) in (list, tuple) and len(row) == width for row in taken):
            return (from_list(values) for values in zip(*taken, strict=True))
        return iter([from_list(taken)])

    cost = sum(_probe(from_list(values)) for values in zip(*probed, strict=True))
    return Source(kind, (len(data), width), None, cost, read)


def _list_of_dicts(data: Sequence[Any], kind: str, names: list[Any]) -> Source:
    def column(index: int, rows: Array | None) -> Column:
        key = names[index]
        taken = _take(data, rows)
        values = [row.get(key) if type(row) is dict else None for row in taken]
        return from_list(values, column_name(key))

    return _by_columns(kind, (len(data), len(names)), names, column, None)


_BY_CLASS: dict[type, Callable[[Any], Source | None]] = {
    np.ndarray: _numpy,
    list: _sequence,
    tuple: _sequence,
    range: _sequence,
}
_BY_NAME: dict[str, Callable[[Any], Source | None]] = {
    "numpy.MaskedArray": _masked,
    "numpy.ndarray": _numpy,
    "torch.Tensor": _torch,
    "jaxlib.ArrayImpl": _jax,
    "tensorflow.EagerTensor": _tensorflow,
    "pandas.DataFrame": _pandas_frame,
    "pandas.Series": _pandas_series,
    "pandas.MultiIndex": lambda data: None,
    "pandas.Index": _pandas_series,
    "polars.DataFrame": _polars_frame,
    "polars.Series": _polars_series,
    "pyarrow.Table": _arrow_table,
    "pyarrow.RecordBatch": _arrow_table,
    "pyarrow.Array": _arrow_array,
    "pyarrow.ChunkedArray": _arrow_array,
}
