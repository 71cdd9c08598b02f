"""Trainings of one call site as a group: which of them are light, whose models are kept."""

from __future__ import annotations

from typing import Any

from . import notebook
from .forking import ForkSafeLock
from .settings import Settings


class Groups:
    """Counts the runs of each call site in this process, and the models of its light runs."""

    def __init__(self, settings: Settings) -> None:
        self._light_after: int = settings.light_after
        self._keep: int = settings.keep_models
        self._counts: dict[str, int] = {}
        self._last: dict[str, list[str]] = {}
        self._best: dict[str, tuple[float, str]] = {}
        self._lock = ForkSafeLock()

    def enter(self, site: Any, name: str | None) -> tuple[str | None, bool]:
        """The group of a new run at `site`, and whether the run is light.

        In a notebook the cell counts instead, so that a cell that is run again adds to its group.
        """
        place = notebook.cell_group() or site
        if place is None:
            return None, False
        group = f"{place} {name}"
        with self._lock:
            count = self._counts[group] = self._counts.get(group, 0) + 1
        return group, count > self._light_after

    def kept(self, group: str, run_id: str, score: float | None) -> list[str]:
        """Note that a light run's model is kept; the runs whose models now go in its place.

        The last `keep_models` stay, and the one with the greatest `score` where runs have one.
        """
        with self._lock:
            last = self._last.setdefault(group, [])
            last.append(run_id)
            going = [last.pop(0)] if len(last) > self._keep else []
            if score is not None and score == score:
                going += self._rival(group, run_id, score)
            best = self._best.get(group, (0.0, ""))[1]
            return [gone for gone in going if gone != best and gone not in last]

    def _rival(self, group: str, run_id: str, score: float) -> list[str]:
        """Whom a better `score` dethrones."""
        best = self._best.get(group)
        if best is not None and best[0] >= score:
            return []
        self._best[group] = (score, run_id)
        return [] if best is None else [best[1]]
