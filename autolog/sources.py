"""The program's own source, kept with each of its runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import notebook, provenance
from .artifacts import put
from .backend import Backend
from .errors import BackendError


class Kept(NamedTuple):
    """The run that holds the sources, in which store, and their paths among its artifacts."""

    place: Backend
    run: str
    paths: tuple[str, ...]


def keep(
    backend: Backend, run_id: str, before: Kept | None, drops: Callable[[str, str], bool]
) -> Kept:
    """Keep the sources and the uncommitted changes with a run; which run now holds them.

    Files of which `drops("artifact", path)` says so are left out.

    The first run of a process writes them; for those after it the store links what it has. A
    notebook's source grows with every cell, so there each run has its own.
    """
    alike = before is not None and before.place is backend and notebook.notebook() is None
    if before is not None and alike and _linked(run_id, before):
        return before
    written = []
    for name, content in provenance.code().items():
        path = f"code/{name}"
        if not drops("artifact", path):
            put(backend, run_id, path, content)
            written.append(path)
    return Kept(backend, run_id, tuple(written))


def _linked(run_id: str, before: Kept) -> bool:
    """Whether all could be taken from the run before: somebody may have removed that one."""
    try:
        for path in before.paths:
            before.place.copy_artifact(before.run, run_id, path)
    except BackendError:
        return False
    return bool(before.paths)
