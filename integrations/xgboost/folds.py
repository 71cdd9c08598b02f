"""One `xgboost.cv`: means and deviations by round, and what each fold gave."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autolog.context import variable
from autolog.reporting import guarded

from . import rounds, stopping
from .training import Recorded

MOST_ROWS = 100_000

_under_way = variable("xgboost.folds", None)
"""The cross-validation that is under way here."""


class CrossValidation(Recorded):
    """A call of `cv`: one run for all folds."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._folds: dict[str, list[Any]] = {"round": [], "fold": []}

    def begin(self) -> None:
        """Record what is known before the first round, and listen to rounds and folds."""
        super().begin()
        folds = self.told.get("folds")
        if folds is not None:
            self.run.log_params({"folds": _told(folds)}, chosen=["folds"])

    def heard(self, lines: Sequence[str]) -> None:
        """What the folds said of one round: `[3]\\ttrain-auc:0.9\\ttest-auc:0.8` each."""
        if len(self._folds["round"]) >= MOST_ROWS:
            return
        for fold, line in enumerate(lines):
            number, *parts = line.split()
            row = {"round": int(number.strip("[]")), "fold": fold, **rounds.parsed(parts)}
            for name, value in row.items():
                self._folds.setdefault(name, []).append(value)

    def end(self) -> None:
        """Record what came of it: the best round, the table that the call gave, the folds."""
        with guarded("early stopping"):
            self.say_best(self.live.best)
        with guarded("the cross-validation's table"):
            self.run.log_table("cv_results", _columns(self.call.result))
        if self._folds["round"]:
            self.run.log_table("folds", self._folds)


@contextlib.contextmanager
def heard_here(ours: CrossValidation) -> Iterator[None]:
    """Within it `ours` is told what each fold says of a round."""
    token = _under_way.set(ours)
    try:
        yield
    finally:
        _under_way.reset(token)


def heard(lines: Any) -> None:
    """Tell the cross-validation that is under way here, if one is, of a round."""
    ours = _under_way.get()
    if ours is not None and isinstance(lines, list):
        ours.heard(lines)


def _columns(result: Any) -> dict[str, list[Any]]:
    names = list(result) if isinstance(result, Mapping) else [str(name) for name in result.columns]
    columns = {name: list(result[name]) for name in names}
    return {"round": list(range(len(next(iter(columns.values()), [])))), **columns}


def _told(folds: Any) -> str:
    if hasattr(folds, "split"):
        return stopping.told(folds)
    return f"{len(folds)} folds" if isinstance(folds, list | tuple) else type(folds).__qualname__
