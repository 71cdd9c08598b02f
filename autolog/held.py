"""A file of a run as a reader holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, cast

from .backend import Backend
from .digests import Verified


class Artifact:
    """One file of a run; nothing of it is read before it is asked for."""

    def __init__(self, backend: Backend, run: str, name: str, recorded: Any = None) -> None:
        """`recorded` is what the run says of it, if it does."""
        self._backend = backend
        self._run = run
        self.name = name
        self._recorded = recorded if isinstance(recorded, dict) else {}

    def open(self) -> BinaryIO:
        """A stream of the bytes; raises NotFound, and at its end BackendError for other bytes
        than were recorded."""
        stream = self._backend.open_artifact(self._run, self.name)
        size, sha256 = self._recorded.get("bytes"), self._recorded.get("sha256")
        if isinstance(stream, Verified) or not (isinstance(size, int) and isinstance(sha256, str)):
            return stream
        what = f"{self.name!r} of run {self._run} in {self._backend.uri}"
        return cast(BinaryIO, Verified(stream, size, sha256, what))

    def read(self) -> bytes:
        """All the bytes; raises as `open`."""
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
