"""Which rows are read: fixed by the counts alone, never by a clock or a random generator."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BUDGET = 8 << 20
"""Greatest cost of the rows that are read of one data set, in bytes of canonical values."""

RUN = 32
"""Sampled rows stand in runs of this many neighbours, which a memory or a disk reads at once."""

NUMBER_COST = 8
OBJECT_COST = 4096
TEXT_COST = 128
MIN_ROWS = 4


def mix(values: Array) -> Array:
    """Each uint64 scattered over all 64 bits (the finaliser of SplitMix64)."""
    mixed = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64, copy=False)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def rows_to_read(rows: int, row_cost: int, budget: int = BUDGET) -> Array | None:
    """Positions of the rows to read, ascending; None where the whole is within the budget."""
    if rows * row_cost <= budget or rows <= MIN_ROWS:
        return None
    # The positions themselves take memory too.
    return sample(rows, max(MIN_ROWS, budget // (row_cost + NUMBER_COST)))


def sample(total: int, wanted: int) -> Array | None:
    """About `wanted` positions below `total`, spread evenly, the first and last among them.

    Each stretch of the whole gives one run, at a place fixed by the stretch's number. None where
    all are wanted.
    """
    if wanted >= total:
        return None
    run = RUN if wanted >= 4 * RUN else 1
    runs = max(wanted // run, 1)
    edges = np.arange(runs + 1, dtype=np.int64) * (total // runs)
    edges[-1] = total
    room = np.diff(edges) - run + 1
    starts = edges[:-1] + (mix(np.arange(runs, dtype=np.uint64)) % room.astype(np.uint64)).astype(
        np.int64
    )
    starts[-1], starts[0] = total - run, 0
    found: Array = (starts[:, None] + np.arange(run, dtype=np.int64)).ravel()
    return found
