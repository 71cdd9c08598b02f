"""The first rows of a model's data, beside it in the form that MLflow reads: an input example."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..redact import redact, redact_text
from ..values import kin, plain, text_of

NAME, SERVING = "input_example.json", "serving_input_example.json"

MOST_VALUES = 100_000
"""Values of an example; of wider rows there are fewer."""


class Example(NamedTuple):
    """Files by name, and what `MLmodel` says of them."""

    files: Mapping[str, bytes]
    info: Mapping[str, str]


class Rows(NamedTuple):
    """Rows as JSON holds them: MLflow's word for their type, and names of columns, if any."""

    kind: str
    values: list[Any]
    names: list[Any] | None = None


def input_example(data: Any, rows: int) -> Example | None:
    """The first `rows` rows of `data`; None for data that has none which JSON could hold.

    Frames, columns, arrays, lists and sparse matrices (CSR, CSC) are read, no more of them than
    these rows. Secrets are redacted: a text is replaced, a number makes the example None, since it
    would no longer be of its type.
    """
    if any(name.startswith("scipy.") for name in kin(type(data))):
        return _sparse(data, rows)
    found = _first(data, rows)
    if found is None or not found.values:
        return None
    clean = _redacted(found)
    return None if clean is None else _example(clean)


def _example(rows: Rows) -> Example:
    if rows.kind != "dataframe":
        return _files({"type": rows.kind}, rows.values, {"inputs": rows.values})
    content: dict[str, Any] = {"data": rows.values}
    plainly = rows.names == list(range(len(rows.names or ())))
    if not plainly:
        content = {"columns": rows.names, **content}
    info = {"type": rows.kind, "pandas_orient": "values" if plainly else "split"}
    return _files(info, content, {"dataframe_split": content})


def _files(info: dict[str, str], content: Any, serving: Any = None) -> Example:
    files = {NAME: json.dumps(content).encode()}
    said = {"artifact_path": NAME, **info}
    if serving is not None:
        files[SERVING] = json.dumps(serving, indent=2).encode()
        said["serving_input_path"] = SERVING
    return Example(files, said)


# -- reading -----------------------------------------------------------------------------------


def _first(data: Any, rows: int) -> Rows | None:
    names = kin(type(data))
    if type(data) in (list, tuple):
        return _of_list(data, rows)
    if "numpy.ndarray" in names:
        return _of_array(data, rows)
    reader = next((_FRAMES[name] for name in names if name in _FRAMES), None)
    return None if reader is None else _of_frame(*reader(data, rows))


def _of_list(data: Any, rows: int) -> Rows | None:
    items = list(data[:rows])
    if any(len(item) > MOST_VALUES for item in items if type(item) in (list, tuple)):
        return None
    kind = "json_object" if items and type(items[0]) in (str, dict) else "ndarray"
    return Rows(kind, _cells(items))


def _of_array(data: Any, rows: int) -> Rows | None:
    width = math.prod(data.shape[1:])
    if data.ndim == 0 or data.dtype.names or width > MOST_VALUES:
        return None
    count = min(rows, MOST_VALUES // max(width, 1))
    return Rows("ndarray", _cells(data[:count].tolist()))


def _of_frame(names: Iterable[Any], columns: Iterable[list[Any]]) -> Rows | None:
    known = [name if type(name) in (str, int) else text_of(plain(name)) for name in names]
    cells = [_cells(column) for column in columns]
    count = min(len(cells[0]), MOST_VALUES // len(cells)) if cells else 0
    return Rows("dataframe", [[c[i] for c in cells] for i in range(count)], known)


_Frame = tuple[Iterable[Any], Iterable[list[Any]]]


def _pandas_frame(data: Any, rows: int) -> _Frame:
    top = data.iloc[:rows]
    return data.columns, (top.iloc[:, i].tolist() for i in range(top.shape[1]))


def _pandas_series(data: Any, rows: int) -> _Frame:
    return [0 if data.name is None else data.name], [data.iloc[:rows].tolist()]


def _polars_frame(data: Any, rows: int) -> _Frame:
    return data.columns, (column.to_list() for column in data.head(rows).get_columns())


def _polars_series(data: Any, rows: int) -> _Frame:
    return [data.name or 0], [data.head(rows).to_list()]


def _arrow_table(data: Any, rows: int) -> _Frame:
    top = data.slice(0, rows)
    return top.schema.names, (column.to_pylist() for column in top.columns)


_FRAMES = {
    "pandas.DataFrame": _pandas_frame,
    "pandas.Series": _pandas_series,
    "polars.DataFrame": _polars_frame,
    "polars.Series": _polars_series,
    "pyarrow.Table": _arrow_table,
    "pyarrow.RecordBatch": _arrow_table,
}


def _sparse(data: Any, rows: int) -> Example | None:
    """As MLflow keeps such a matrix; its scoring server takes none, so that there is no request."""
    form = getattr(data, "format", None)
    if form not in ("csr", "csc") or data.dtype.kind not in "biuf":
        return None
    top = data[:rows]
    if top.nnz > MOST_VALUES or len(top.indptr) > MOST_VALUES:
        return None
    content = {name: _cells(getattr(top, name).tolist()) for name in ("data", "indices", "indptr")}
    shape = [int(length) for length in top.shape]
    return _files({"type": f"sparse_matrix_{form}"}, {**content, "shape": shape})


# -- values ------------------------------------------------------------------------------------


def _cells(values: Iterable[Any]) -> list[Any]:
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    """As MLflow would write it: what is missing as null, times as text, bytes in base 64."""
    kind = type(value)
    if kind in (str, int, bool, type(None)):
        return value
    if kind is float:
        return None if value != value else value
    if kind in (list, tuple):
        return _cells(value)
    if kind is dict:
        return {str(key): _cell(item) for key, item in value.items()}
    if kind is bytes:
        return base64.b64encode(value).decode("ascii")
    if kin(kind)[0] in ("pandas.NAType", "pandas.NaTType"):
        return None
    if kin(kind)[0].startswith("numpy."):
        return _cell(value.tolist())
    if kin(kind)[0].startswith(("pandas.", "datetime.")) and hasattr(value, "isoformat"):
        return str(value.isoformat())
    return text_of(plain(value))


def _redacted(rows: Rows) -> Rows | None:
    """Without secrets; None where one is not a text."""
    if rows.names is None:
        return Rows(rows.kind, redact("", rows.values))
    found = []
    for row in rows.values:
        cells = [redact(str(name), cell) for name, cell in zip(rows.names, row, strict=True)]
        pairs = zip(cells, row, strict=True)
        if any(new is not old and not isinstance(old, str) for new, old in pairs):
            return None
        found.append(cells)
    names = [redact_text(name) if isinstance(name, str) else name for name in rows.names]
    return Rows(rows.kind, found, names)
