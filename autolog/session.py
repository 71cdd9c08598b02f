"""Being part of a session: how worker processes take up the recording of their program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import enable, state

SHARED = ("backend", "experiment", "only", "exclude", "tags", "parent_run")
"""The settings that a worker has from its program; the others it finds where that found them."""


def shared_settings() -> dict[str, Any]:
    """What `join` in another process needs to record as this one does; equal while that is so."""
    settings = state.settings
    if settings is None:
        return {}
    shared = {name: settings[name] for name in SHARED if settings[name]}
    return {**shared, **settings.options}


def join(
    settings: dict[str, Any], initializer: Callable[..., Any] | None = None, *arguments: Any
) -> None:
    """Record in this process as `settings` say, then call the program's own initializer."""
    enable(**settings)
    if initializer is not None:
        first, *_ = arguments or ((),)
        initializer(*first)
