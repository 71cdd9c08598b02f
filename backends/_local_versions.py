"""What tells which runs of a local store have changed: the state of each run's files."""

from __future__ import annotations

import os
import time
from typing import Any

from autolog.backend import Versions

from ._local_catalog import Catalog

SETTLED = 2.0
"""Seconds after its last change from which on a file's time tells a further one: clocks of file
systems are coarse."""


def versions(catalog: Catalog, memo: Any) -> Versions:
    """The runs' versions: name, inode, size and time of each journal, lines in shared ones.

    The memo is what is known of shared journals, of which only what was added is read again.
    """
    with catalog.lock:
        catalog.recall(memo)
        catalog.look()
        found = _folders(catalog)
        for journal in catalog.shared():
            for run, spans in journal.spans.items():
                version = found.get(run, "")
                if version is not None:
                    lines = f"{journal.path.name} {journal.sums[run]} {spans} "
                    found[run] = version + lines
        for run in catalog.elsewhere():
            found[run] = None
        return Versions(found, catalog.memo())


def _folders(catalog: Catalog) -> dict[str, str | None]:
    """The versions of runs in folders of their own; a folder without a journal is no run."""
    found: dict[str, str | None] = {}
    settled = (time.time() - SETTLED) * 1e9
    for run in catalog.named():
        folder = f"{catalog.root}/{run}/"
        try:
            names = [name for name in os.listdir(folder) if name.startswith("journal-")]  # noqa: PTH208
            if names:
                found[run] = _files(folder, sorted(names), settled)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            found[run] = None  # Whoever reads it will say what is wrong.
    return found


def _files(folder: str, names: list[str], settled: float) -> str | None:
    version = ""
    for name in names:
        state = os.stat(folder + name)  # noqa: PTH116, of 10,000 files in a row
        if state.st_mtime_ns > settled:
            return None
        version += f"{name} {state.st_ino} {state.st_size} {state.st_mtime_ns} "
    return version
