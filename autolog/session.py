"""Being part of a session: how worker processes take up the recording of their program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import enabling, provenance
from .api import enable, state
from .context import Frame, current
from .live import Run, put_back

SHARED = ("backend", "experiment", "only", "exclude", "tags", "parent_run")
"""The settings that a worker has from its program; the others it finds where that found them."""
PROGRAM = "program"
"""The key of what the worker's program is, which its own `__main__` does not say."""


def shared_settings() -> dict[str, Any]:
    """What `join` in another process needs to record as this one does; equal while that is so."""
    settings = state.settings
    if settings is None:
        return {}
    shared = {name: settings[name] for name in SHARED if settings[name]}
    return {**shared, **settings.options, PROGRAM: provenance.program()}


def hook_again() -> None:
    """Put the hooks on again that another tool took off together with its own."""
    enabling.hook_again(state)


def join(
    settings: dict[str, Any], initializer: Callable[..., Any] | None = None, *arguments: Any
) -> None:
    """Record in this process as `settings` say, then call the program's own initializer."""
    if PROGRAM in settings:
        provenance.serve(settings[PROGRAM])
    enable(**{name: value for name, value in settings.items() if name != PROGRAM})
    if initializer is not None:
        first, *_ = arguments or ((),)
        initializer(*first)


def share_run(run: Run) -> dict[str, Any]:
    """What `serving` in another process needs to write to a run of this one."""
    facts = {"name": run.name, "experiment": run.experiment, "parent": run.parent}
    return {"id": run.id, "light": run.light, **facts}


@contextlib.contextmanager
def serving(settings: dict[str, Any], run: Mapping[str, Any] | None) -> Iterator[Run | None]:
    """Within the block, record into a `run` that another process has opened and will end.

    Without one what goes on here is silent: another worker tells it.
    """
    told = None
    if run is not None:
        join(settings)
        told = Run(enabling.recorder(state), run["id"], run)
    frame = Frame(told, hook=True, silent=run is None)
    token = current.set(frame)
    try:
        yield told
    finally:
        frame.over = True
        put_back(token)
