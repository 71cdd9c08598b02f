"""Scores of a search or a validation as they come in, before the framework sums them up."""

from __future__ import annotations

import time
from typing import Any

from autolog.live import Run

from .params import told

FIRST_SKETCH = 5.0
"""Seconds after which what a search has tried is first written as a table; doubled each time."""


class Drafts:
    """Scores by fit; of a search the mean of each candidate once all its folds are in.

    Attributes:
        told: What has been said of series so far, by key and step.
    """

    def __init__(self, run: Run, by_fold: bool) -> None:
        self.told: dict[tuple[str, int], float] = {}
        self._run = run
        self._by_fold = by_fold
        self._offset = 0
        self._open: dict[int, tuple[int, int, int]] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._folds: dict[int, dict[int, dict[str, float] | None]] = {}
        self._wait = FIRST_SKETCH
        self._due = time.monotonic() + self._wait

    @property
    def rows(self) -> int:
        """How many candidates were given out so far."""
        return len(self._rows)

    def expect(self, number: int, candidate: int, split: tuple[int, int], params: Any) -> None:
        """The fit `number` of this round is this candidate's on this split (index, of how many)."""
        row = self._offset + candidate
        self._open[number] = (row, *split)
        if row not in self._rows:
            self._rows[row] = {f"param_{k}": told(v) for k, v in (params or {}).items()}

    def add(self, number: int, result: Any) -> None:
        """Take in what a fit gave."""
        scores = _scores_of(result)
        if number in self._open:
            row, split, of = self._open.pop(number)
            if error := error_of(result):
                self._rows[row]["failed_fits"] = self._rows[row].get("failed_fits", 0) + 1
                self._rows[row].setdefault("fit_error", error)
            self._candidate(row, split, of, scores)
        elif self._by_fold and scores:
            for name, value in scores.items():
                self._say(name, value, number, "fold")

    def close(self, candidates: int) -> None:
        """The round is over: the next one's candidates follow on these."""
        self._offset += candidates
        self._open.clear()
        self._folds.clear()

    def _candidate(self, row: int, split: int, of: int, scores: dict[str, float] | None) -> None:
        for name, value in (scores or {}).items():
            self._rows[row][f"split{split}_{name}"] = value
        folds = self._folds.setdefault(row, {})
        folds[split] = scores
        if len(folds) < of:
            return
        del self._folds[row]
        for name, mean in _means([folds[index] for index in sorted(folds)]).items():
            self._rows[row][f"mean_{name}"] = mean
            self._say(f"mean_{name}", mean, row, "candidate")

    def _say(self, key: str, value: float, step: int, unit: str) -> None:
        self.told[key, step] = value
        self._run.log_metric(key, value, step=step, unit=unit)

    def sketch(self, now: float | None = None) -> None:
        """Write what was tried so far, if it is time to; in any case without `now`."""
        if now is not None:
            if now < self._due:
                return
            self._wait *= 2
            self._due = now + self._wait
        if self._rows:
            rows = [self._rows[row] for row in sorted(self._rows)]
            self._run.log_table("cv_results", rows)


def error_of(result: Any) -> str | None:
    """The last line of a failed fit's traceback."""
    error = result.get("fit_error") if isinstance(result, dict) else None
    return str(error).strip().rpartition("\n")[2] if error else None


def _scores_of(result: Any) -> dict[str, float] | None:
    """`test_…` and `train_…` by name; None of a failed fit, whose scores are filled in later."""
    if not isinstance(result, dict) or result.get("fit_error"):
        return None
    found: dict[str, float] = {}
    for part in ("test", "train"):
        scores = result.get(f"{part}_scores")
        named = scores if isinstance(scores, dict) else {"score": scores}
        found |= {f"{part}_{k}": v for k, v in named.items() if isinstance(v, int | float)}
    return found


def _means(folds: list[dict[str, float] | None]) -> dict[str, float]:
    """Over the folds, as `BaseSearchCV` takes them; of what all folds have."""
    import numpy

    known = [fold for fold in folds if fold is not None]
    if len(known) < len(folds):
        return {}
    names = [name for name in known[0] if all(name in fold for fold in known)]
    return {
        name: float(numpy.average(numpy.array([[fold[name] for fold in known]], float), axis=1)[0])
        for name in names
    }
