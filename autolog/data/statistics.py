"""Cheap figures of columns: missing values, extremes, mean and spread; the commonest text."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .columns import Column
from .sampling import Array

SEGMENT = 1 << 16
LONG = 64


def numbers(block: Array, finite: bool = False) -> list[dict[str, Any]]:
    """For each row of a 2-D block of numbers: `missing`, `min`, `max`, `mean`, `std`.

    NaN is a missing value. `std` is that of the population. Infinities count as values. What is
    not defined (all missing) is left out. `finite` promises that there is neither.
    """
    if block.shape[1] == 0:
        return [{"missing": 0} for _ in block]
    with np.errstate(all="ignore"):
        counts, low, high, mean = _first_pass(block)
        spread = np.sqrt(_squares(block, mean, finite) / counts)
    rows = zip(
        counts.tolist(), low.tolist(), high.tolist(), mean.tolist(), spread.tolist(), strict=True
    )
    length = block.shape[1]
    return [_figures(length - int(count), *rest) for count, *rest in rows]


def _first_pass(block: Array) -> tuple[Array, Array, Array, Array]:
    pieces = [_extremes(segment) for segment in _segments(block)]
    if len(pieces) == 1:
        counts, low, high, total = pieces[0]
    else:
        columns = list(zip(*pieces, strict=True))
        counts, total = np.sum(columns[0], axis=0), np.sum(columns[3], axis=0)
        low, high = np.fmin.reduce(columns[1]), np.fmax.reduce(columns[2])
    return counts, low, high, total / counts


def _segments(block: Array) -> list[Array]:
    length = block.shape[1]
    return [block[:, start : start + SEGMENT] for start in range(0, length, SEGMENT)]


def _extremes(part: Array) -> tuple[Array, Array, Array, Array]:
    total = part.sum(axis=1, dtype=np.float64)
    whole = np.full(len(part), part.shape[1], np.float64)
    if part.dtype.kind != "f" or np.isfinite(total).all():
        return whole, part.min(axis=1), part.max(axis=1), total
    present = ~np.isnan(part)
    total = np.where(present, part, 0.0).sum(axis=1)
    counts = present.sum(axis=1).astype(np.float64)
    return counts, np.fmin.reduce(part, axis=1), np.fmax.reduce(part, axis=1), total


def _squares(block: Array, mean: Array, finite: bool) -> Array:
    found = np.zeros(len(block))
    for part in _segments(block):
        distance = part - mean[:, None]
        if not finite and part.dtype.kind == "f" and np.isnan(distance).any():
            distance = np.where(np.isnan(part), 0.0, distance)
        found += np.einsum("ij,ij->i", distance, distance)
    return found


def _figures(missing: int, low: Any, high: Any, mean: float, spread: float) -> dict[str, Any]:
    if mean != mean and low != low:
        return {"missing": missing}
    found = {"missing": missing, "min": low, "max": high, "mean": mean, "std": spread}
    return {key: item for key, item in found.items() if item == item}


def of_column(column: Column) -> dict[str, Any]:
    """The figures of one column of any kind."""
    nulls = 0 if column.nulls is None else int(column.nulls.sum())
    if isinstance(column.values, list):
        return _of_texts(column)
    if column.kind == "c":
        return {"missing": int(np.isnan(column.values).sum())}
    values = column.values if column.nulls is None else column.values[~column.nulls]
    if column.kind[0] in "td":
        return {"missing": nulls, **_of_times(column.kind, values)}
    (found,) = numbers(values[None, :])
    return {**found, "missing": found["missing"] + nulls}


def _of_times(kind: str, values: Array) -> dict[str, Any]:
    if not len(values):
        return {}
    unit = kind[1:] or "ns"
    ends = np.array([values.min(), values.max()]).view(f"{'m' if kind[0] == 'd' else 'M'}8[{unit}]")
    low, high = (str(end).removesuffix(".000000000") for end in ends)
    return {"min": low, "max": high}


def _of_texts(column: Column) -> dict[str, Any]:
    """How many are missing and distinct, and the commonest one; a long one is not told."""
    counts = Counter(column.values)
    missing = counts.pop(None, 0)
    found: dict[str, Any] = {"missing": missing, "unique": len(counts)}
    if counts and column.kind in "sy":
        count = max(counts.values())
        top = min(item for item, times in counts.items() if times == count)
        found["top_share"] = count / counts.total()
        if column.kind == "s" and len(top) <= LONG:
            found["top"] = top
    return found


def classes(column: Column, limit: int = 100) -> list[list[Any]] | None:
    """`[label, count]` by label, of whole numbers, texts and booleans with few distinct labels."""
    if column.kind == "s":
        counts = Counter(item for item in column.values if item is not None)
        return _table(counts, limit) if all(len(item) <= LONG for item in counts) else None
    if column.kind not in ("b", "i") or not len(column.values):
        return None
    values = column.values if column.nulls is None else column.values[~column.nulls]
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    if high - low <= SEGMENT:
        found = np.bincount((values - low).astype(np.int64))
        labels = np.flatnonzero(found)
        counts = Counter(dict(zip((labels + low).tolist(), found[labels].tolist(), strict=True)))
    elif len(np.unique(values[:: max(len(values) // 1024, 1)])) > limit:
        return None
    else:
        labels, numbers_found = np.unique(values, return_counts=True)
        counts = Counter(dict(zip(labels.tolist(), numbers_found.tolist(), strict=True)))
    if column.kind == "b":
        counts = Counter({bool(label): count for label, count in counts.items()})
    return _table(counts, limit)


def _table(counts: Counter[Any], limit: int) -> list[list[Any]] | None:
    if not 0 < len(counts) <= limit:
        return None
    return [[label, count] for label, count in sorted(counts.items())]
