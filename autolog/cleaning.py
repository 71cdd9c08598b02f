"""What a store may lose: runs that are too old or too many, and files that serve nobody."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artifacts import usage_of
from .errors import BackendError
from .fold import Folded
from .paths import TEMPORARY, is_id
from .process import is_alive
from .store import Store
from .view import RunView

ABANDONED = 3600.0
"""Seconds without a change after which what was half written has no writer any more."""

FORGOTTEN = 7 * 86400.0
"""Seconds after which an empty mark goes of whose process nothing can be known."""


@dataclass(frozen=True)
class Doomed:
    """A run that is to go, the bytes of its files, and why."""

    run: RunView
    bytes: int
    reason: str


@dataclass(frozen=True)
class Leftover:
    """A file or folder of a local store that belongs to no run, its bytes, and what it was."""

    path: Path
    bytes: int
    reason: str


def doomed(
    store: Store, *, older_than: float | None = None, quota: int | None = None
) -> list[Doomed]:
    """The runs to remove, oldest first; a run and all below it go together, or stay.

    What is running stays, and so does what is above and below it.

    Args:
        store: The store to look through.
        older_than: Seconds since a run's newest record beyond which it goes.
        quota: Bytes that the runs may take in all; the oldest go until the rest is within it.
    """
    now = time.time()
    families = _families([RunView(store, one.id) for one in reversed(store.summaries())])
    sizes = {run.id: run_bytes(store, run.id) for family in families for run in family}
    excess = sum(sizes.values()) - quota if quota is not None else 0
    found = []
    for family in families:
        newest = max(run.summary.newest for run in family)
        old = older_than is not None and now - newest > older_than
        if (old or excess > 0) and not any(run.status == "running" for run in family):
            why = "old" if old else "over quota"
            found += [Doomed(run, sizes[run.id], why) for run in family]
            excess -= sum(sizes[run.id] for run in family)
    return found


def _families(runs: Sequence[RunView]) -> list[list[RunView]]:
    """The runs with all that stand below the same one, in the order of the first of each."""
    known = {run.id: run for run in runs}
    families: dict[str, list[RunView]] = {}
    for run in runs:
        above, seen = run, set[str]()
        while above.parent in known and above.id not in seen:
            seen.add(above.id)
            above = known[above.parent]
        families.setdefault(min(seen) if above.id in seen else above.id, []).append(run)
    return list(families.values())


def with_children(runs: Iterable[RunView]) -> list[RunView]:
    """The runs and all that stand below them, each once, those above first."""
    found: dict[str, RunView] = {}
    waiting = list(runs)
    while waiting:
        run = waiting.pop(0)
        if run.id not in found:
            found[run.id] = run
            waiting += run.children()
    return list(found.values())


def run_bytes(store: Store, run: str) -> int:
    """Bytes of the run's folder in a local store; elsewhere of its artifacts as recorded."""
    folder = store.root / run if store.root is not None else None
    if folder is not None and folder.is_dir():
        return bytes_below(folder)
    facts = [
        *store.folded(run).values("artifact").values(),
        *store.folded(run).values("model").values(),
    ]
    amounts = [fact.get("bytes") for fact in facts if isinstance(fact, dict)]
    return sum(amount for amount in amounts if isinstance(amount, int))


def store_bytes(store: Store) -> int:
    """Bytes of all that a store holds."""
    if store.root is not None:
        return bytes_below(store.root)
    return sum(run_bytes(store, run) for run in store.backend.run_ids())


def recount(store: Store) -> None:
    """Have the store's own count of its files, on which the quota looks, begin anew."""
    usage = usage_of(store.backend)
    if usage is not None and store.root is not None and store.root.is_dir():
        with contextlib.suppress(OSError):  # of a store that nobody may write
            usage.recount()


def bytes_below(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return _size(place) if not place.is_dir() else sum(_size(path) for path in place.rglob("*"))


# -- files that belong to no run ---------------------------------------------------------------


def leftovers(store: Store, going: Collection[str] = ()) -> list[Leftover]:
    """What of a local store serves nobody: half-written and half-removed files, files of runs
    without a record, and marks of processes that are gone.

    `going` are ids of runs that are about to be removed.
    """
    if store.root is None:
        return []
    return [
        Leftover(path, bytes_below(path), reason)
        for paths, reason in (
            (_stale(_temporary(store.root)), "never finished"),
            (_stale(_removed(store.root)), "half removed"),
            (_stale(_orphans(store, store.root)), "of no run"),
            (_spent_marks(store, store.root, going), "mark of a process that is gone"),
        )
        for path in paths
    ]


def _stale(paths: Iterator[Path]) -> Iterator[Path]:
    """Those in which nothing has changed for so long that nobody writes them any more."""
    limit = time.time() - ABANDONED
    return (path for path in paths if max(map(_changed, [path, *path.rglob("*")])) < limit)


def _temporary(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob(f"{TEMPORARY}*") if path.is_file() or path.is_dir())


def _removed(root: Path) -> Iterator[Path]:
    """What a removal that was cut off has left: renamed folders, journals that were rewritten."""
    yield from root.glob(".trash-*")
    yield from root.glob("light/.journal-*")


def _orphans(store: Store, root: Path) -> Iterator[Path]:
    """Folders of runs of which there is no record; none where a record could not be read."""
    known = {one.id for one in store.summaries()}
    if store.notes or store.backend.notes():
        return
    for path in root.iterdir() if root.is_dir() else ():
        stray = is_id(path.name) and path.name not in known and path.is_dir()
        if stray and not any(path.glob("journal-*")):
            yield path


def _spent_marks(store: Store, root: Path, going: Collection[str]) -> Iterator[Path]:
    """Marks that no run needs any more to be told `killed` from `lost`."""
    marks = sorted(path for path in root.glob("marks/*") if path.is_file())
    users: dict[str, list[tuple[Folded, Any]]] = {}
    for folded in (store.folded(one.id) for one in (store.summaries() if marks else ())):
        for opening in folded.openings if folded.id not in going else ():
            mark = opening.value.get("mark") if isinstance(opening.value, dict) else None
            users.setdefault(str(mark), []).append((folded, opening.value))
    for path in marks:
        if _spent(path, users.get(f"marks/{path.name}", [])):
            yield path


def _spent(path: Path, users: list[tuple[Folded, Any]]) -> bool:
    """A run without an end needs its mark; a process that lives may yet open another run."""
    if any(folded.end is None for folded, _ in users):
        return False
    if _size(path) > 0:  # which was the last thing that the process did
        return True
    alive = [is_alive(facts) for _, facts in users]
    if alive and None not in alive:
        return not any(alive)
    return True not in alive and time.time() - _changed(path) > FORGOTTEN


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size if not path.is_dir() else 0
    except OSError:
        return 0


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def remove_leftover(path: Path) -> None:
    """Remove a file or folder that belongs to no run; raises BackendError."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BackendError(f"{path}: {error}") from error
