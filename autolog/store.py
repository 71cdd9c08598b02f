"""The read side of a backend: its runs in brief or each folded, and who is whose child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .backend import Backend
from .errors import BackendError, NotFound
from .fold import Folded, read_run
from .index import Index
from .summary import Summary, summary_of

KEPT = 1000
"""Runs that stay folded, beside those that were long to fold: with as many records."""


class Store:
    """What one question asks of a backend; a new question takes a new `Store`.

    Runs are known in brief from the index where it holds, and are read where more is asked for.

    Attributes:
        backend: The backend that is read.
        notes: What could not be read, one line each; a bad run never hides the others.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.notes: list[str] = []
        self._index: Index | None = None
        self._listed: list[Summary] | None = None
        self._known: dict[str, Summary] = {}
        self._folded: dict[str, Folded] = {}
        self._early: set[str] = set()
        self._children: dict[str, list[str]] | None = None

    @property
    def root(self) -> Path | None:
        """The folder of a local store, None for any other."""
        root = getattr(self.backend, "root", None)
        return root if isinstance(root, Path) else None

    def folded(self, run: str) -> Folded:
        """The run of that id; raises NotFound, or BackendError where it cannot be read."""
        found = self._folded.get(run)
        if found is None:
            found = read_run(self.backend, run)
            if len(self._folded) < KEPT or found.count > KEPT:
                self._folded[run] = found
        return found

    def summary(self, run: str) -> Summary:
        """The run in brief; raises as `folded` does."""
        found = self._known.get(run)
        if found is None:
            found = self._known[run] = summary_of(self.folded(run))
        return found

    def summaries(self) -> list[Summary]:
        """Every run that can be read, newest first."""
        if self._listed is None:
            index = self._opened()
            found = [known for run in self.ids() if (known := self._read(run)) is not None]
            index.keep(one for one in found if one.id not in self._early)
            self._listed = sorted(found, key=lambda one: (-one.first_seen, one.id))
        return self._listed

    def ids(self) -> list[str]:
        """The runs that there were when the index was opened."""
        versions = self._opened().versions
        return self.backend.run_ids() if versions is None else list(versions)

    def _opened(self) -> Index:
        if self._index is None:
            # What was read before may be older than the versions that the index gets now.
            self._early = {*self._known, *self._folded}
            self._index = Index(self.backend)
            self._known = {**self._index.known, **self._known}
        return self._index

    def _read(self, run: str) -> Summary | None:
        try:
            return self.summary(run)
        except NotFound:
            return None  # Removed since it was listed.
        except BackendError as error:
            self.notes.append(f"{run[:8]}: {error}")
            return None

    def children(self, run: str) -> list[str]:
        """Ids of the runs whose parent is `run`, oldest first."""
        if self._children is None:
            families: dict[str, list[tuple[float, str]]] = {}
            for child in self.ids():
                parent, started = self._head(child)
                if isinstance(parent, str):
                    families.setdefault(parent, []).append((started, child))
            self._children = {
                parent: [child for _, child in sorted(born)] for parent, born in families.items()
            }
        return self._children.get(run, [])

    def _head(self, run: str) -> tuple[Any, float]:
        """The run's parent and start, from its first `run` record where it is not known yet."""
        known = self._known.get(run)
        if known is not None:
            return known.facts.get("parent"), known.started or 0.0
        try:
            for _, entries in self.backend.blocks(run):
                for entry in entries:
                    if entry.kind == "run" and isinstance(entry.value, dict):
                        return entry.value.get("parent"), entry.time
        except BackendError:
            pass  # `summaries` tells of runs that cannot be read.
        return None, 0.0
