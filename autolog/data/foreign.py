"""Columns of pandas, polars and Arrow in canonical form; none of them is imported here."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .columns import Column, from_array, from_list
from .sampling import Array


def pandas_column(series: Any, name: str | None, rows: Array | None) -> Column:
    """A Series, or an Index, at these rows."""
    values = series.array if rows is None else series.array.take(rows)
    column = _pandas_values(values, name)
    column.dtype = str(series.dtype)
    return column


def _pandas_values(values: Any, name: str | None) -> Column:
    dtype = values.dtype
    family = type(dtype).__name__
    if isinstance(dtype, np.dtype) or family in ("NumpyEADtype", "PandasDtype"):
        return from_array(np.asarray(values), name)
    if family == "CategoricalDtype":
        return _coded(_pandas_values(values.categories.array, name), np.asarray(values.codes))
    if family == "DatetimeTZDtype":
        ticks = np.asarray(values.view("i8"))
        return from_array(ticks.view(f"M8[{getattr(values, 'unit', 'ns')}]"), name)
    if family == "SparseDtype":
        return from_array(np.asarray(values), name)
    inner = getattr(dtype, "numpy_dtype", None)
    if isinstance(inner, np.dtype) and inner.kind in "biuf":
        nulls = np.asarray(values.isna())
        fill = np.nan if inner.kind == "f" else 0
        return from_array(values.to_numpy(dtype=inner, na_value=fill), name, nulls)
    return from_list(values.tolist(), name)


def _coded(categories: Column, codes: Array) -> Column:
    """The column whose values are `categories` at `codes`; a negative code is a missing value."""
    nulls = codes < 0
    missing = bool(nulls.any())
    if isinstance(categories.values, list):
        table = [*categories.values, None]
        values: Any = [table[code] for code in codes.tolist()]
    elif len(categories.values) == 0:
        return from_list([None] * len(codes), categories.name)
    else:
        values = categories.values[codes]
        values[nulls] = np.nan if categories.kind == "f" else 0
    return Column(categories.name, "category", categories.kind, values, nulls if missing else None)


def polars_column(series: Any, name: str | None, rows: Array | None) -> Column:
    """A polars Series at these rows."""
    dtype = str(series.dtype)
    if rows is not None:
        series = series[rows]
    column = _polars_values(series, name, dtype)
    column.dtype = dtype
    return column


def _polars_values(series: Any, name: str | None, dtype: str) -> Column:
    numeric = series.dtype.is_numeric() and not dtype.startswith(("Decimal", "Int128", "UInt128"))
    if dtype.startswith(("Date", "Duration")):
        return from_array(series.to_numpy(), name)
    if not numeric and dtype != "Boolean":
        return from_list(series.to_list(), name)
    if series.null_count() == 0 or dtype.startswith("Float"):
        return from_array(series.to_numpy(), name)
    nulls = series.is_null().to_numpy()
    return from_array(series.fill_null(strategy="zero").to_numpy(), name, nulls)


def arrow_column(values: Any, name: str | None, rows: Array | None) -> Column:
    """An Arrow array, whole or in chunks, at these rows."""
    kind = str(values.type)
    if rows is not None:
        values = values.take(sys.modules["pyarrow"].array(rows))
    column = _arrow_values(values, name)
    column.dtype = kind
    return column


def _arrow_values(values: Any, name: str | None) -> Column:
    types = sys.modules["pyarrow"].types
    kind = values.type
    if types.is_dictionary(kind):
        decoded = values.dictionary_decode() if hasattr(values, "dictionary_decode") else values
        if not types.is_dictionary(decoded.type):
            return _arrow_values(decoded, name)
        return from_list(values.to_pylist(), name)
    if types.is_floating(kind) or (types.is_temporal(kind) and not types.is_time(kind)):
        return from_array(_arrow_numpy(values), name)
    if not types.is_integer(kind) and not types.is_boolean(kind):
        return from_list(values.to_pylist(), name)
    if values.null_count == 0:
        return from_array(_arrow_numpy(values), name)
    nulls = _arrow_numpy(values.is_null())
    return from_array(_arrow_numpy(values.fill_null(0)), name, nulls)


def _arrow_numpy(values: Any) -> Array:
    whole = values.combine_chunks() if hasattr(values, "combine_chunks") else values
    if isinstance(whole, sys.modules["pyarrow"].ChunkedArray):
        return np.asarray(whole.to_numpy())
    return np.asarray(whole.to_numpy(zero_copy_only=False))
