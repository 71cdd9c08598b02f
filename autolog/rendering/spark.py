"""A series as one line of block characters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from .text import float_of

BLOCKS = "▁▂▃▄▅▆▇█"
BROKEN = "×"
SAMPLED = "long series are drawn from a sample of their points; figures are of all"
"""What stands below blocks that some points take no part in."""


def spark(values: Sequence[float], width: int = 8) -> str:
    """The values as at most `width` blocks, lowest to highest; `×` stands for NaN and infinity.

    Of more values than blocks, each block shows the mean of its share.
    """
    shown = _means([float_of(value) for value in values], width)
    finite = [value for value in shown if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_block(value, low, high) for value in shown)


def _means(values: list[float], width: int) -> list[float]:
    if len(values) <= width:
        return values
    edges = [round(i * len(values) / width) for i in range(width + 1)]
    return [_mean(values[a:b]) for a, b in itertools.pairwise(edges)]


def _mean(values: list[float]) -> float:
    finite = [value / len(values) for value in values if math.isfinite(value)]
    return sum(finite) * len(values) / len(finite) if finite else math.nan


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return BROKEN
    if high == low:
        return BLOCKS[len(BLOCKS) // 2 - 1]
    # Halved, since the difference of two doubles may lie beyond the greatest double.
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]
