"""The program's own source, kept with each of its runs."""

from __future__ import annotations

from . import notebook, provenance
from .artifacts import put
from .backend import Backend


def keep(backend: Backend, run_id: str, before: str | None) -> str:
    """Keep the sources and the uncommitted changes with a run; which run now holds them.

    The first run of a process writes them; for those after it the store links what it has. A
    notebook's source grows with every cell, so there each run has its own.
    """
    if before is not None and notebook.notebook() is None:
        held = [path for path in backend.artifacts(before) if path.startswith("code/")]
        for path in held:
            backend.copy_artifact(before, run_id, path)
        if held:
            return before
    for name, content in provenance.code().items():
        put(backend, run_id, f"code/{name}", content)
    return run_id
