"""A file of a run as a reader holds it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from .backend import Backend


class Artifact:
    """One file of a run; nothing of it is read before it is asked for."""

    def __init__(self, backend: Backend, run: str, name: str) -> None:
        self._backend = backend
        self._run = run
        self.name = name

    def open(self) -> BinaryIO:
        """A stream of the bytes; raises NotFound."""
        return self._backend.open_artifact(self._run, self.name)

    def read(self) -> bytes:
        """All the bytes; raises NotFound."""
        with self.open() as stream:
            return stream.read()

    def text(self) -> str:
        """The bytes read as UTF-8, with replacement characters where they are not."""
        return self.read().decode("utf-8", "replace")

    @property
    def path(self) -> Path | None:
        """Where it lies on this machine; None for a store that is not local."""
        return self._backend.artifact_path(self._run, self.name)

    def __repr__(self) -> str:
        return f"<artifact {self.name!r} of run {self._run[:8]}>"
