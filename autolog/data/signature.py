"""A model's signature in MLflow's form, from the data of its training without a call of it."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from ..values import kin

if TYPE_CHECKING:
    from .adapters import Source
    from .columns import Column

MAX_COLUMNS = 10_000
"""A frame with more columns has no signature; nor has one of mixed types beyond 1,024."""

_ROWS = 64


def model_signature(X: Any, y: Any = None, outputs: Any = None) -> dict[str, str | None] | None:
    """`{"inputs", "outputs", "params"}`, the first two JSON text; None for data of unknown form.

    Frames, series and lists of texts or dicts give columns; arrays and lists of numbers a tensor.
    Outputs have the dtype and shape of `outputs`, a sample of the model's own, else those of `y`.
    The columns' types accept the frame that they were made of: what MLflow has no exact type for
    (categories, nullable whole numbers, times with a zone) is declared `any`.
    """
    inputs = _inputs(X)
    if inputs is None:
        return None
    answer = y if outputs is None else outputs
    given = None if answer is None else _tensor(answer)
    return {
        "inputs": json.dumps(inputs),
        "outputs": None if given is None else json.dumps(given),
        "params": None,
    }


def _inputs(data: Any) -> list[dict[str, Any]] | None:
    source = _source(data)
    if source is None:
        return _tensor(data)
    if source.width > MAX_COLUMNS or source.picked is not None:
        return None if source.names is not None else _tensor(data)
    named = source.names is not None or source.kind == "Series"
    texts = source.kind in ("list", "tuple") and len(source.shape) == 1
    if not named and not texts:
        return _tensor(data)
    columns = _few_rows(source)
    if texts and [column.kind for column in columns] != ["s"]:
        return _tensor(data)
    return _columns(list(source.names or ()), [column_type(column) for column in columns])


def _source(data: Any) -> Source | None:
    if "numpy" not in sys.modules:
        return None
    from .adapters import adapt

    return adapt(data)


def _few_rows(source: Source) -> list[Column]:
    """The columns with a few of their rows; of a matrix's columns one stands for all."""
    from .adapters import Matrix
    from .columns import from_array
    from .sampling import sample

    table = source.read(sample(source.shape[0], _ROWS))
    if not isinstance(table, Matrix):
        return list(table)
    return [from_array(table.block(0, table.rows)[:, 0])] * table.width if table.width else []


def _columns(names: list[Any], types: list[str]) -> list[dict[str, Any]] | None:
    """Column by column; None where two have one name, which MLflow cannot take.

    An integer stays an integer as a name, since MLflow looks for the frame's own labels. Names of
    other kinds are left out: the columns go by their places then.
    """
    specs: list[dict[str, Any]] = [{"type": kind, "required": True} for kind in types]
    if len(set(names)) < len(names):
        return None
    if not names or not all(type(name) in (str, int) for name in names):
        return specs
    return [{**spec, "name": name} for spec, name in zip(specs, names, strict=True)]


_TYPES: tuple[tuple[str, str, str], ...] = (
    ("b", "bool|Boolean|object", "boolean"),
    ("i", "u?int(8|16)|int32|U?Int(8|16)|Int32", "integer"),
    ("i", "u?int32|int64|UInt32|Int64|object", "long"),
    ("f", "float16|float32|float|halffloat|Float32", "float"),
    ("f", "float64|double|Float64|object", "double"),
    ("s", "str|string|large_string|string_view|String|object|<U.*", "string"),
    ("y", "object|binary|large_binary|Binary", "binary"),
    ("t", r"datetime64\[\w+\]|timestamp\[\w+\]|Datetime\(.*time_zone=None\)", "datetime"),
)


def column_type(column: Column) -> str:
    """MLflow's name of a column's type, `any` where it has none that accepts the values."""
    gaps = column.nulls is not None and column.kind not in "sty"
    if gaps:
        return "any"
    for kind, dtypes, name in _TYPES:
        if column.kind == kind and re.fullmatch(dtypes, column.dtype):
            return name
    return "any"


def _tensor(data: Any) -> list[dict[str, Any]] | None:
    """The tensor schema of an array or whatever shows its shape and dtype; any number of rows."""
    source = _source(data)
    if source is None:
        sparse = {"scipy._spbase", "scipy.spmatrix"} & set(kin(type(data)))
        return [_spec(str(data.dtype), data.shape)] if sparse else None
    dtype = source.dtype
    if source.kind in ("list", "tuple", "range") or dtype is None:
        dtype = _common_dtype(source)
    return [_spec(dtype, source.shape)]


def _common_dtype(source: Source) -> str:
    columns = _few_rows(source) if source.width <= MAX_COLUMNS else []
    kinds = {column.kind for column in columns}
    return _NUMPY.get(kinds.pop(), "object") if len(kinds) == 1 else "object"


_NUMPY = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "c": "complex128"}


def _spec(dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """One unnamed tensor; a type that NumPy has no number or time for is called `object`."""
    known = re.fullmatch(
        r"(bool|u?int\d+|float\d+|complex\d+|(datetime|timedelta)64\[\w+\])", dtype
    )
    name = dtype if known else "str" if dtype.startswith("<U") else "object"
    lengths = [-1, *(int(length) for length in shape[1:])]
    return {"type": "tensor", "tensor-spec": {"dtype": name, "shape": lengths}}
