"""The files of a run as a reader holds them: one artifact, or a folder of them on this machine."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .backend import Backend
from .errors import BackendError


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


@contextlib.contextmanager
def local_folder(backend: Backend, run: str, path: str) -> Iterator[Path]:
    """The run's folder `path` on this machine: the store's own, or a copy for the block's time.

    Raises BackendError where a file's name would lead out of the copy.
    """
    local = backend.artifact_path(run, path)
    if local is not None:
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="autolog-") as temporary:
        root = Path(temporary).resolve()
        for name in backend.artifacts(run):
            if name.startswith(path + "/"):
                _copy(backend, run, name, (root / name[len(path) + 1 :]).resolve(), root)
        yield root


def _copy(backend: Backend, run: str, name: str, place: Path, root: Path) -> None:
    if not place.is_relative_to(root):
        raise BackendError(f"run {run[:8]} holds an artifact of unsafe name {name!r}; not copied")
    place.parent.mkdir(parents=True, exist_ok=True)
    with backend.open_artifact(run, name) as source, place.open("wb") as target:
        shutil.copyfileobj(source, target)
