"""Taking runs out of the spool that nobody waits for any more."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..artifacts import usage_of
from ..backend import Backend
from ..errors import BackendError
from ..journal import lock_alone
from ..opening import open_backend
from ..paths import is_id
from ..spool import OUTBOXES, STORE
from . import outbox as outboxes

GRACE = 86400.0
"""Seconds for which a run stays after every destination has it: one of them may be restored."""
SHED = "shed.jsonl"
"""Where it is noted which runs went that had not been sent, and why."""


def sweep(spool: Path, age: float = 0.0) -> None:
    """Remove runs that are owed to nobody, after a while, and those older than `age` days (or 0).

    Raises BackendError. One process at a time does it; another one's call does nothing.
    """
    store = spool / STORE
    if not store.is_dir():
        return
    try:
        fd = os.open(spool / "sweep.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BackendError(f"{spool}: {error}") from error
    try:
        if outboxes.lock(fd):
            _sweep(spool, open_backend(store), store, age * 86400)
    finally:
        os.close(fd)


def _sweep(spool: Path, backend: Backend, store: Path, age: float) -> None:
    wanted = set(_wanted(spool / OUTBOXES, str(store)))
    gone = False
    for place, changed in _journals(store):
        name = place.parent.name if place.parent.name != "light" else place.stem[len("journal-") :]
        since = time.time() - changed
        if name in wanted and age and since > age:
            _note(spool, name, f"older than spool_age ({age / 86400:g} days) and not sent")
        elif name in wanted or since < GRACE:
            continue
        with contextlib.suppress(BackendError):
            gone = True
            _remove(backend, place)
    usage = usage_of(backend)
    if gone and usage is not None:
        with contextlib.suppress(OSError):
            usage.recount()


def _wanted(folder: Path, store: str) -> Iterator[str]:
    """Runs, and writers of light runs, that are owed, or of which something was refused."""
    for path in folder.glob("*/*.jsonl"):
        owed = outboxes.read(path)
        yield from (s.run or s.writer for s in owed.streams if s.store == store)
        yield from (run for run, _ in owed.refused)


def _journals(store: Path) -> Iterator[tuple[Path, float]]:
    """One journal of each run, and each that light runs share, with the time of its last change."""
    for folder in store.iterdir():
        if is_id(folder.name) or folder.name == "light":
            found = []
            for path in folder.glob("journal-*.jsonl"):
                with contextlib.suppress(OSError):
                    found.append((path, path.stat().st_mtime))
            if folder.name == "light":
                yield from found
            elif found:
                yield max(found, key=lambda one: one[1])


def _remove(backend: Backend, journal: Path) -> None:
    if journal.parent.name != "light":
        backend.delete(journal.parent.name)
        return
    with contextlib.suppress(OSError), journal.open("rb") as file:
        lock_alone(file.fileno(), journal)  # BackendError: its process is alive
        journal.unlink()


def _note(spool: Path, name: str, why: str) -> None:
    line = json.dumps([time.time(), name, why]).encode() + b"\n"
    with contextlib.suppress(OSError), (spool / SHED).open("ab", buffering=0) as file:
        file.write(line)


def shed(spool: Path) -> list[str]:
    """What went without having been sent, one line each."""
    found = []
    with contextlib.suppress(OSError):
        for line in (spool / SHED).read_text("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                when, name, why = json.loads(line)
                day = time.strftime("%Y-%m-%d", time.localtime(when))
                found.append(f"{day} {name[:8]}: {why}")
    return found
