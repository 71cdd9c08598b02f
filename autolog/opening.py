"""From the name of a store to the backend that keeps it, found through entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from .backend import Backend
from .errors import UsageError
from .settings import default_store

BUILT_IN = {
    "file": "autolog.backends.local:LocalBackend",
    "http": "autolog.backends.http:HttpBackend",
    "https": "autolog.backends.http:HttpBackend",
    "memory": "autolog.backends.memory:MemoryBackend",
    **dict.fromkeys(
        ("sqlite", "postgresql", "postgres"), "autolog.backends.sql.backend:SqlBackend"
    ),
}
"""A copy of the project's own entry points, since reading them all costs milliseconds (tested)."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def open_backend(uri: str | Path) -> Backend:
    """The backend that `uri` names: a folder, `file:FOLDER`, `memory:`, or a third party's scheme.

    Raises UsageError for a scheme that nobody offers, BackendError where opening fails.
    """
    text = str(uri)
    match = _SCHEME.match(text)
    if match is None or isinstance(uri, Path):
        return _load(BUILT_IN["file"])(text)
    scheme = match[1].split("+")[0].lower()
    if scheme in BUILT_IN:
        return _load(BUILT_IN[scheme])(text[len(match[0]) :] if scheme == "file" else text)
    return _third_party(scheme, text)


def open_default(uris: Sequence[str] = ()) -> Backend:
    """The first of `uris`, or the default local store."""
    return open_backend(uris[0]) if uris else open_backend(default_store())


def _third_party(scheme: str, text: str) -> Backend:
    from importlib.metadata import entry_points

    for entry in entry_points(group="autolog.backends", name=scheme):
        backend: Backend = entry.load()(text)
        return backend
    raise UsageError(f"no backend for {scheme!r} in {text.split('@')[-1]!r}; a folder or `memory:`")


def _load(path: str) -> Callable[[str], Backend]:
    module, _, name = path.partition(":")
    loaded: Callable[[str], Backend] = getattr(import_module(module), name)
    return loaded
