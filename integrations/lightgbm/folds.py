"""What a cross-validation says: means by round, and each fold's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog.live import Run

from .rounds import key_of


class Folds:
    """The numbers of each fold by round: `{(set, metric): [[fold 0, fold 1, …], …]}`."""

    def __init__(self) -> None:
        self.values: dict[str, list[list[float]]] = {}

    def hear(self, raw: Any) -> None:
        """One round: for each fold its results as LightGBM gives them."""
        seen: dict[str, list[float]] = {}
        for fold in raw:
            for item in fold:
                seen.setdefault(key_of(str(item[0]), str(item[1])), []).append(float(item[2]))
        for key, values in seen.items():
            self.values.setdefault(key, []).append(values)


def report(run: Run, result: Any, folds: Folds, stopped: int, *, stops: bool) -> None:
    """The end of a `cv`: the table by round, its best round and what it came to there.

    Where early stopping is in force (`stops`) LightGBM cuts its lists off after the best round.
    """
    if not isinstance(result, Mapping):
        return
    means = {
        str(key).replace(" ", "-", 1): values
        for key, values in result.items()
        if isinstance(values, list)
    }
    rounds = max(map(len, means.values()), default=0)
    for key, values in means.items():
        if key.endswith("-mean") and values:
            name = key.removesuffix("-mean")
            run.point(f"best_score_{name}", values[-1], None, {"call": "cv(…)[…][-1]"})
    if stops and rounds:
        run.point("best_iteration", rounds, None, {"call": "len(cv(…)[…])"})
        run.point("stopped_iteration", stopped, None, {"call": "rounds trained"})
    if not run.light:
        run.log_table("cv_results", _table(means, folds, stopped))


def _table(means: Mapping[str, Any], folds: Folds, rounds: int) -> dict[str, list[Any]]:
    """A row for each round that was trained: also those after the best, which `cv` cuts off."""
    table: dict[str, list[Any]] = {"iteration": list(range(1, rounds + 1))}
    for key, values in means.items():
        table[key] = [*values, *[None] * (rounds - len(values))]
    for key, rows in folds.values.items():
        for fold in range(max(map(len, rows))):
            column = [row[fold] if fold < len(row) else None for row in rows]
            table[f"{key}-fold{fold}"] = [*column, *[None] * (rounds - len(column))]
    return table
