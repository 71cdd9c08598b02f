"""Digests of data: of each column, of the whole, of each row; columns are read once, in blocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest, xxh3_128

from . import statistics
from .adapters import Matrix, Source
from .columns import Column, from_array, name_of
from .sampling import Array, mix, rows_to_read, sample

FULL, SAMPLED = "full-v2", "sample-v2"
DESCRIBED = 200
"""Columns with a digest and figures of their own; those after them are digested together."""

BLOCK = 1 << 17


@dataclasses.dataclass(slots=True)
class Scan:
    """What one reading of a source found."""

    rule: str
    digest: str
    rows_read: int
    facts: list[dict[str, Any]]
    first: Column | None = None


def scan(source: Source, *, figures: bool, keep_first: bool = False) -> Scan:
    """Read `source` once, within the bounds; with `keep_first` the first column stays at hand."""
    rows = rows_to_read(source.shape[0], source.row_cost)
    table = source.read(rows)
    rows_read = source.shape[0] if rows is None else len(rows)
    whole = _Whole(source)
    facts: list[dict[str, Any]] = []
    first = None
    if isinstance(table, Matrix) and table.dtype != np.uint64:
        matrix = _columns_first(table)
        facts = _scan_matrix(matrix, table, whole, figures)
        first = _of_matrix(table, matrix[0]) if keep_first and len(matrix) else None
    else:
        for column in _columns(table):
            digest = whole.add(column)
            if digest is not None:
                facts.append(_facts(column, digest, figures))
            first = first or (column if keep_first else None)
    sampled = rows is not None or source.picked is not None
    return Scan(SAMPLED if sampled else FULL, whole.hex(), rows_read, facts, first)


class _Whole:
    """The digest of the whole: over the columns' digests in order, and the shape; not the names."""

    def __init__(self, source: Source) -> None:
        inner = source.shape[1:] if len(source.shape) > 2 else ()
        lengths = [int(length) for length in (source.shape[0], source.width, *inner)]
        self._hash = xxh3_128(f"autolog data 2 {lengths}".encode())
        self._rest = xxh3_128()
        self._ends = xxh3_128()
        self._count = 0

    def add(self, column: Column) -> str | None:
        """The column's own digest, or None where it only counts towards the whole."""
        buffers, end = column.message()
        return self.add_message(buffers, end)

    def add_message(self, buffers: list[Any], end: bytes) -> str | None:
        self._count += 1
        if self._count > DESCRIBED:
            for buffer in buffers:
                self._rest.update(buffer)
            self._ends.update(end)
            return None
        own = xxh3_128(buffers[0])
        for buffer in buffers[1:]:
            own.update(buffer)
        own.update(end)
        self._hash.update(own.digest())
        return own.hexdigest()

    def add_alike(self, block: Array, end: bytes) -> None:
        """Many columns, one per row of a contiguous block, all with the same closing note."""
        self._count += len(block)
        self._rest.update(block.data)
        self._ends.update(end * len(block))

    def hex(self) -> str:
        self._hash.update(self._rest.digest() + self._ends.digest())
        return self._hash.hexdigest()


def _scan_matrix(
    columns: Array, table: Matrix, whole: _Whole, figures: bool
) -> list[dict[str, Any]]:
    """Digest and figures of a columns-first matrix, a few columns at a time to stay in cache."""
    model = _of_matrix(table, columns[0] if len(columns) else columns)
    kind, end = model.kind, model.message()[1]
    step = max(1, BLOCK // max(columns.shape[1], 1))
    facts: list[dict[str, Any]] = []
    start = 0
    while start < len(columns):
        stop = min(start + step, len(columns))
        stop = min(stop, DESCRIBED) if start < DESCRIBED else stop
        block = columns[start:stop]
        finite = kind != "f" or canonical_floats(block)
        if start >= DESCRIBED:
            whole.add_alike(block, end)
        else:
            found = statistics.numbers(block, finite) if figures else [{} for _ in block]
            for values, figure in zip(block, found, strict=True):
                digest = str(whole.add_message([values], end))
                facts.append({"dtype": model.dtype, "digest": digest[:16], **figure})
        start = stop
    return facts


def _of_matrix(table: Matrix, values: Array) -> Column:
    kind = "i" if table.dtype.kind == "u" else table.dtype.kind
    return Column(None, name_of(table.dtype), kind, values)


def canonical_floats(block: Array) -> bool:
    """Make -0.0 zero and all NaNs one NaN, in place; whether all values are known to be finite."""
    with np.errstate(all="ignore"):
        np.add(block, 0.0, out=block)
        finite = bool(np.isfinite(block.sum()))
        if not finite:
            block[np.isnan(block)] = np.nan
    return finite


_CANONICAL = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.uint8}


def _columns_first(table: Matrix) -> Array:
    """The rows read, as one contiguous row of memory for each column."""
    found = np.empty((table.width, table.rows), _CANONICAL[table.dtype.kind])
    step = max(1, BLOCK // max(table.width, 1))
    with np.errstate(all="ignore"):
        for start in range(0, table.rows, step):
            end = min(start + step, table.rows)
            found[:, start:end] = table.block(start, end).T
    return found


def _columns(table: Matrix | Iterator[Column]) -> Iterator[Column]:
    if not isinstance(table, Matrix):
        return table
    whole = table.block(0, table.rows)
    return (from_array(whole[:, index]) for index in range(table.width))


def _facts(column: Column, digest: str, figures: bool) -> dict[str, Any]:
    known = statistics.of_column(column) if figures else {}
    return {"dtype": column.dtype, "digest": digest[:16], **known}


# -- rows --------------------------------------------------------------------------------------

ROW_VALUES = 1 << 23
_MISSING = np.array([np.nan]).view(np.uint64)[0]


def rows_of(source: Source, limit: int) -> Array:
    """One uint64 per row read; at most `limit` rows and about 8 million values."""
    width = max(source.width, 1)
    rows = sample(source.shape[0], max(1, min(limit, ROW_VALUES // width)))
    table = source.read(rows)
    salts = mix(np.arange(width, dtype=np.uint64)) | np.uint64(1)
    with np.errstate(all="ignore"):
        if isinstance(table, Matrix):
            step = max(1, BLOCK // width)
            starts = range(0, table.rows, step)
            parts = [
                _rows_of_block(table.block(a, min(a + step, table.rows)), salts) for a in starts
            ]
            return mix(np.concatenate(parts) if parts else np.zeros(0, np.uint64))
        total = np.zeros(source.shape[0] if rows is None else len(rows), np.uint64)
        for column, salt in zip(table, salts, strict=False):
            total += _folded(_bits(column).astype(np.uint64)) * salt
        return mix(total)


def _rows_of_block(block: Array, salts: Array) -> Array:
    values = np.array(block, np.float64, order="C")
    canonical_floats(values)
    found: Array = _folded(values.view(np.uint64)) @ salts[: values.shape[1]]
    return found


def _folded(bits: Array) -> Array:
    """Each value with its upper half in the lower one too, in place.

    So that a sum of products by odd numbers tells rows apart: of fractions like 0.5 the lower bits
    alone say nothing, and a product moves no bit downwards.
    """
    bits ^= bits >> np.uint64(32)
    return bits


def _bits(column: Column) -> Array:
    """64 bits for each value; numbers of every kind by their value as float64."""
    if isinstance(column.values, list):
        return _text_bits(column.values)
    if column.kind == "c":
        pairs: Array = column.values.view(np.uint64).reshape(-1, 2)
        return mix(pairs[:, 0]) ^ pairs[:, 1]
    values = column.values
    found: Array = (values.astype(np.float64) if column.kind in "biu" else values).view(np.uint64)
    return found if column.nulls is None else np.where(column.nulls, _MISSING, found)


def _text_bits(values: list[Any]) -> Array:
    known: dict[Any, int] = {None: int(_MISSING)}
    for item in set(values) - known.keys():
        raw = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
        known[item] = xxh3_64_intdigest(raw)
    return np.fromiter(map(known.__getitem__, values), np.uint64, len(values))
