"""The artifacts of a run in a local store: files under their own names in one folder."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from autolog.errors import BackendError
from autolog.journal import sync_descriptor
from autolog.paths import TEMPORARY, check_artifact_path, from_file_name, to_file_name

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class ArtifactFolder:
    """The folder that holds a run's artifacts; it need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate(self, path: str) -> Path:
        """Where the artifact lies or would lie; raises BackendError if that is not in here.

        A symbolic link that somebody has put into the folder does not lead out of it.
        """
        segments = [to_file_name(segment) for segment in check_artifact_path(path)]
        target = self.folder.joinpath(*segments)
        real, base = os.path.realpath(target), os.path.realpath(self.folder)
        if not real.startswith(base + os.sep):
            raise BackendError(f"{path!r} leads out of {self.folder}")
        return target

    def paths(self) -> list[str]:
        """The paths of all artifacts; links and half-written files are none."""
        found: list[str] = []
        try:
            self._walk(self.folder, "", found)
        except OSError as error:
            raise BackendError(f"{self.folder}: {error}") from error
        return found

    def _walk(self, folder: Path | str, prefix: str, found: list[str]) -> None:
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            name = from_file_name(entry.name)
            if name is None or entry.is_symlink():
                continue
            if entry.is_dir():
                self._walk(entry.path, f"{prefix}{name}/", found)
            else:
                found.append(prefix + name)


class _Stream(io.FileIO):
    """A file whose errors are a store's errors: a full disk is no fault of who writes to us."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            raise BackendError(f"{self.name!r}: {error}") from error


@contextlib.contextmanager
def create_file(target: Path, top: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes are at `target`, on the disk, after a clean exit, or nowhere.

    Folders from `top` down are made, and taken away again where nothing comes of it. Raises
    BackendError; an error of the caller's own passes.
    """
    with _store_errors(target):
        temporary, raw = _open_beside(target)
    stream = io.BufferedWriter(raw, 1 << 17)
    try:
        yield cast(BinaryIO, stream)
        with _store_errors(target):
            stream.flush()
            sync_descriptor(raw.fileno(), target)
            stream.close()
            temporary.replace(target)
    except BaseException:
        with contextlib.suppress(Exception):
            raw.close()
        with contextlib.suppress(OSError):
            temporary.unlink()
        prune(target.parent, top)
        raise


def _open_beside(target: Path) -> tuple[Path, _Stream]:
    """A new file in the folder of `target`, which is made; another thread may be pruning it."""
    temporary = target.with_name(TEMPORARY + secrets.token_hex(8))
    for _ in range(10):
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return temporary, _Stream(os.open(temporary, _NEW, 0o666), "wb")
    raise FileNotFoundError(f"{target.parent} vanishes again and again")


def prune(folder: Path, top: Path) -> None:
    """Remove `folder` and its parents below `top` as long as they are empty.

    An empty folder is no artifact, and would stand in the way of a file of its name.
    """
    with contextlib.suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


def link_file(source: Path, target: Path) -> bool:
    """Make `target` a second name of the file `source`; False where that cannot be done.

    Artifacts are replaced and never changed in place, so that sharing does no harm.
    """
    temporary = target.with_name(TEMPORARY + secrets.token_hex(8))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.hardlink_to(source)
        temporary.replace(target)
    except (OSError, NotImplementedError):
        return False
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # still there if `target` was this very file before
    return True


def remove(target: Path, top: Path) -> None:
    """Remove a file, or a folder and all below it, if it is there; raises BackendError."""
    with _store_errors(target):
        if target.is_dir():
            shutil.rmtree(target)
        else:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                target.unlink()
        prune(target.parent, top)


def sizes(folder: Path | str) -> Iterator[int]:
    """The bytes of each file in `folder` and below; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from sizes(entry.path)
            else:
                yield entry.stat(follow_symlinks=False).st_size


@contextlib.contextmanager
def _store_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackendError(f"{target}: {error}") from error
