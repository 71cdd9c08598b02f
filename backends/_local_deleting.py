"""Removing runs from a local store, so that a crash in between shows no half of a run."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from autolog.errors import BackendError
from autolog.journal import lock_alone
from autolog.journal_read import read_journal

from ._local_artifacts import sizes
from ._local_catalog import LightJournal, journal_paths


def delete_folder(folder: Path, run: str) -> int:
    """Remove a run's folder, or its journals alone where another run shares it; bytes freed."""
    try:
        return _delete_folder(folder, run)
    except OSError as error:
        raise BackendError(f"{folder}: {error}") from error


def _delete_folder(folder: Path, run: str) -> int:
    if folder.is_symlink():
        folder.unlink()
        return 0
    owners = {path: read_journal(path, header_only=True).header for path in journal_paths(folder)}
    if {header.run for header in owners.values() if header is not None} - {run}:
        own = [path for path, header in owners.items() if header is not None and header.run == run]
        freed = sum(path.stat().st_size for path in own)
        for path in own:
            path.unlink()
        return freed
    freed = sum(sizes(folder))
    # The new name is no run's: readers see all of the run or nothing of it.
    trash = folder.with_name(f".trash-{secrets.token_hex(8)}")
    folder.rename(trash)
    shutil.rmtree(trash)
    return freed


def delete_light(journal: LightJournal, run: str) -> int:
    """Take the lines of `run` out of a shared journal; bytes freed.

    Raises BackendError while a process has the journal open for writing.
    """
    try:
        with journal.path.open("r+b") as file:
            lock_alone(file.fileno(), journal.path)
            journal.update()
            return _rewrite(journal, run)
    except OSError as error:
        raise BackendError(f"{journal.path}: {error}") from error


def _rewrite(journal: LightJournal, run: str) -> int:
    before = journal.path.stat().st_size
    if set(journal.spans) <= {run}:
        journal.path.unlink()
        return before
    rest = journal.path.with_name(f".{journal.path.name}-{secrets.token_hex(8)}")
    spans = journal.spans.get(run, [])
    with journal.path.open("rb") as old, rest.open("wb") as new:
        for start, end in zip([0, *spans[1::2]], [*spans[::2], before], strict=True):
            old.seek(start)
            new.write(old.read(end - start))
        new.flush()
        os.fsync(new.fileno())
    after = rest.stat().st_size
    rest.replace(journal.path)
    return before - after
