"""What a store may lose: runs that are too old or too many, and files that were never finished."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import BackendError
from .paths import TEMPORARY
from .store import Store
from .view import RunView

ABANDONED = 3600.0
"""Seconds without a change after which a half-written artifact has no writer any more."""


@dataclass(frozen=True)
class Doomed:
    """A run that is to go, the bytes of its files, and why."""

    run: RunView
    bytes: int
    reason: str


def doomed(
    store: Store, *, older_than: float | None = None, quota: int | None = None
) -> list[Doomed]:
    """The runs to remove, oldest first; those that are running are never among them.

    Args:
        store: The store to look through.
        older_than: Seconds since a run's newest record beyond which it goes.
        quota: Bytes that the runs may take in all; the oldest go until the rest is within it.
    """
    now = time.time()
    runs = [RunView(store, folded.id) for folded in reversed(store.all())]
    sizes = {run.id: run_bytes(store, run.id) for run in runs}
    excess = sum(sizes.values()) - quota if quota is not None else 0
    found = []
    for run in runs:
        old = older_than is not None and now - run.folded.newest > older_than
        if (old or excess > 0) and run.status != "running":
            found.append(Doomed(run, sizes[run.id], "old" if old else "over quota"))
            excess -= sizes[run.id]
    return found


def run_bytes(store: Store, run: str) -> int:
    """Bytes of the run's folder in a local store; elsewhere of its artifacts as recorded."""
    folder = store.root / run if store.root is not None else None
    if folder is not None and folder.is_dir():
        return sum(_size(path) for path in folder.rglob("*"))
    facts = [
        *store.folded(run).values("artifact").values(),
        *store.folded(run).values("model").values(),
    ]
    amounts = [fact.get("bytes") for fact in facts if isinstance(fact, dict)]
    return sum(amount for amount in amounts if isinstance(amount, int))


def leftovers(store: Store) -> list[tuple[Path, int]]:
    """Half-written artifacts, and folders of them, whose writers are gone, with their bytes.

    Only a local store has such.
    """
    if store.root is None:
        return []
    now = time.time()
    return [
        (path, _bytes(path)) for path in _temporary(store.root) if now - _changed(path) > ABANDONED
    ]


def _temporary(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob(f"{TEMPORARY}*") if path.is_file() or path.is_dir())


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size if not path.is_dir() else 0
    except OSError:
        return 0


def _bytes(path: Path) -> int:
    return _size(path) + sum(map(_size, path.rglob("*")))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def remove_leftover(path: Path) -> None:
    """Remove one half-written file or folder; raises BackendError."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BackendError(f"{path}: {error}") from error
