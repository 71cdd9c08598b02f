"""The read side of a backend: its runs in brief or each folded, and who is whose child."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from .backend import Backend
from .errors import BackendError, NotFound
from .fold import Folded, read_run
from .index import Index
from .query import Found, Query
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
        self._only_child: dict[str, str | None] = {}

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
            told = self.backend.summaries([run])
            found = next(iter(told), None) if told is not None else summary_of(self.folded(run))
            if found is None:
                raise NotFound(f"no run {run} in {self.backend.uri}")
            self._known[run] = found
        return found

    def search(self, query: Query) -> Found:
        """What answers `query`, as far as the backend works it out itself; else every run."""
        found = self.backend.search(query)
        if found is None:
            return Found(self.summaries(), exact=False)
        for one in (*found.runs, *found.below):
            self._known[one.id] = one
            self._only_child[one.id] = found.only_child.get(one.id)
        return found

    def summaries(self) -> list[Summary]:
        """Every run that can be read, newest first."""
        if self._listed is None:
            told = self.backend.summaries()
            found = self._read_all() if told is None else list(told)
            self._known |= {one.id: one for one in found}
            self._listed = sorted(found, key=lambda one: (-one.first_seen, one.id))
        return self._listed

    def _read_all(self) -> list[Summary]:
        index = self._opened()
        found = [known for run in self.ids() if (known := self._read(run)) is not None]
        index.keep(one for one in found if one.id not in self._early)
        return found

    def experiments(self) -> Counter[str]:
        """How many runs each experiment has, by name."""
        told = self.backend.experiments()
        return Counter((one.experiment for one in self.summaries()) if told is None else told)

    def ids(self) -> list[str]:
        """The runs that there are, or were when the index was opened."""
        if self.backend.summaries([]) is not None:
            return self.backend.run_ids()
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

    def only_child(self, run: str) -> str | None:
        """The one child that the run has; None for none and for several."""
        if run not in self._only_child:
            children = self.children(run)
            self._only_child[run] = children[0] if len(children) == 1 else None
        return self._only_child[run]

    def children(self, run: str) -> list[str]:
        """Ids of the runs whose parent is `run`, oldest first."""
        told = self.backend.children(run)
        return self._born(run) if told is None else told

    def _born(self, run: str) -> list[str]:
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
