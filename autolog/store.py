"""The read side of a backend: its runs, each folded once, and who is whose child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .backend import Backend
from .errors import BackendError, NotFound
from .fold import Folded, read_run


class Store:
    """What one question asks of a backend; a new question takes a new `Store`.

    Attributes:
        backend: The backend that is read.
        notes: What could not be read, one line each; a bad run never hides the others.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.notes: list[str] = []
        self._folded: dict[str, Folded] = {}
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
            found = self._folded[run] = read_run(self.backend, run)
        return found

    def all(self) -> list[Folded]:
        """Every run that can be read, newest first."""
        found = []
        for run in self.backend.run_ids():
            try:
                found.append(self.folded(run))
            except NotFound:
                continue  # Removed since it was listed.
            except BackendError as error:
                self.notes.append(f"{run[:8]}: {error}")
        found.sort(key=lambda folded: (-(folded.started or folded.newest), folded.id))
        return found

    def children(self, run: str) -> list[str]:
        """Ids of the runs whose parent is `run`, oldest first."""
        if self._children is None:
            self._children = self._families()
        return self._children.get(run, [])

    def _families(self) -> dict[str, list[str]]:
        families: dict[str, list[tuple[float, str]]] = {}
        for run in self.backend.run_ids():
            parent, started = self._head(run)
            if isinstance(parent, str):
                families.setdefault(parent, []).append((started, run))
        return {parent: [run for _, run in sorted(born)] for parent, born in families.items()}

    def _head(self, run: str) -> tuple[Any, float]:
        """The run's parent and start, from its first `run` record where it is not folded yet."""
        known = self._folded.get(run)
        if known is not None:
            return known.facts.get("parent"), known.started or 0.0
        try:
            for record in self.backend.records(run):
                if record.kind == "run" and isinstance(record.value, dict):
                    return record.value.get("parent"), record.time
        except BackendError:
            pass  # `all` tells of runs that cannot be read.
        return None, 0.0
