"""A toy library that boosts one-feature stumps; it knows nothing of autolog."""

from __future__ import annotations

from collections.abc import Sequence

__version__ = "0.1.0"


class Stump:
    """Says `low` where the feature is at most `split`, else `high`."""

    def __init__(self, feature: int, split: float, low: float, high: float) -> None:
        self.feature, self.split, self.low, self.high = feature, split, low, high

    def predict(self, row: Sequence[float]) -> float:
        """One number for one row."""
        return self.low if row[self.feature] <= self.split else self.high


class Booster:
    """Regression by stumps on what is left over.

    Args:
        rounds: How many stumps.
        rate: How much of each stump's answer counts.
    """

    def __init__(self, rounds: int = 10, rate: float = 0.3) -> None:
        self.rounds = rounds
        self.rate = rate
        self.stumps: list[Stump] = []
        self.losses: list[float] = []

    def train(self, rows: Sequence[Sequence[float]], target: Sequence[float]) -> Booster:
        """Fit to `rows` (samples × features) and `target`; raises ValueError for no rows."""
        if not rows:
            raise ValueError("tinyboost: no rows")
        left = list(target)
        for _ in range(self.rounds):
            stump = _best_stump(rows, left)
            left = [
                rest - self.rate * stump.predict(row) for row, rest in zip(rows, left, strict=True)
            ]
            self.stumps.append(stump)
            self.losses.append(sum(rest * rest for rest in left) / len(left))
        return self

    def predict(self, row: Sequence[float]) -> float:
        """One number for one row."""
        return sum(self.rate * stump.predict(row) for stump in self.stumps)


def _best_stump(rows: Sequence[Sequence[float]], left: Sequence[float]) -> Stump:
    candidates = [
        _stump(rows, left, feature, row[feature]) for feature in range(len(rows[0])) for row in rows
    ]
    return min(candidates, key=lambda stump: _error(rows, left, stump))


def _stump(
    rows: Sequence[Sequence[float]], left: Sequence[float], feature: int, split: float
) -> Stump:
    low = [rest for row, rest in zip(rows, left, strict=True) if row[feature] <= split]
    high = [rest for row, rest in zip(rows, left, strict=True) if row[feature] > split]
    return Stump(feature, split, _mean(low), _mean(high))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _error(rows: Sequence[Sequence[float]], left: Sequence[float], stump: Stump) -> float:
    return sum((rest - stump.predict(row)) ** 2 for row, rest in zip(rows, left, strict=True))
