"""The artifacts of a run in a local store: files under their own names in one folder."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from autolog.backend import Create
from autolog.errors import BackendError
from autolog.paths import TEMPORARY, check_artifact_path, from_file_name, to_file_name

from ._local_syncing import Debt

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


Made = TypeVar("Made")

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class ArtifactFolder:
    """The folder that holds a run's artifacts; it need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate(self, path: str) -> Path:
        """Where the artifact lies or would lie; raises BackendError if that is not in here.

        A symbolic link that somebody has put into the folder does not lead out of it.
        """
        names = [to_file_name(segment) for segment in check_artifact_path(path)]
        target = self.folder.joinpath(*names)
        if os.name == "nt" or _meets_link(str(self.folder), names):
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


def _meets_link(place: str, names: list[str]) -> bool:
    """Whether one of the folders below `place`, or the last name, is a symbolic link."""
    for name in names:
        place = f"{place}{os.sep}{name}"
        if os.path.islink(place):  # noqa: PTH114 - a third of the time
            return True
    return False


class _Stream(io.FileIO):
    """A file whose errors are a store's errors: a full disk is no fault of who writes to us."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            raise BackendError(f"{self.name!r}: {error}") from error


@contextlib.contextmanager
def create_file(
    target: Path, top: Path, make_root: Callable[[], None], debt: Debt
) -> Iterator[BinaryIO]:
    """A stream whose bytes are at `target` after a clean exit, or nowhere.

    Folders from `top` down are made, after `make_root()` has seen to those above, and taken away
    again where nothing comes of it. Raises BackendError; an error of the caller's own passes.
    """
    with _StoreErrors(target):
        temporary, fd = _beside(target, make_root, _new_file)
    try:
        with _written(temporary, fd) as stream:
            yield stream
        with _StoreErrors(target):
            os.replace(temporary, target)  # noqa: PTH105
    except BaseException:
        prune(target.parent, top)
        raise
    debt.owe([str(target)])


def move_file(source: Path, target: Path, top: Path, debt: Debt) -> None:
    """Have the file `source` stand at `target`; raises BackendError where a folder stands there."""
    try:
        with _StoreErrors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)  # noqa: PTH105
    except BackendError:
        prune(target.parent, top)
        raise
    debt.owe([str(target)])


@contextlib.contextmanager
def create_folder(
    target: Path, top: Path, make_root: Callable[[], None], debt: Debt
) -> Iterator[Create]:
    """What opens new files of the folder `target`, which appears whole at a clean exit, or not.

    Where there is such a folder already, they take their places in it one by one.
    """
    with _StoreErrors(target):
        temporary, _ = _beside(target, make_root, os.mkdir)
    names: list[str] = []
    try:
        yield functools.partial(_create_inside, temporary, names)
        with _StoreErrors(target):
            _appear(temporary, target, names)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        prune(target.parent, top)
        raise
    debt.owe(f"{target}/{name}" for name in names)


@contextlib.contextmanager
def _create_inside(folder: str, names: list[str], name: str) -> Iterator[BinaryIO]:
    inner = "/".join(to_file_name(segment) for segment in check_artifact_path(name))
    path = f"{folder}/{inner}"
    with _StoreErrors(path):
        if "/" in inner:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        fd = _new_file(path)
    with _written(path, fd) as stream:
        yield stream
    names.append(inner)


def _appear(temporary: str, target: Path, names: list[str]) -> None:
    try:
        os.rename(temporary, target)  # noqa: PTH104
    except OSError:
        if not target.is_dir():
            raise
        for name in names:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(f"{temporary}/{name}", place)  # noqa: PTH105
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _written(path: str, fd: int) -> Iterator[BinaryIO]:
    """A stream into the new file `path`, which is gone again where the block fails."""
    raw = _Stream(fd, "wb")
    stream = io.BufferedWriter(raw)
    try:
        yield cast(BinaryIO, stream)
        with _StoreErrors(path):
            stream.close()
    except BaseException:
        with contextlib.suppress(Exception):
            raw.close()
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        raise


def _new_file(path: str) -> int:
    return os.open(path, _NEW, 0o666)


def _beside(
    target: Path, make_root: Callable[[], None], begin: Callable[[str], Made]
) -> tuple[str, Made]:
    """A new name in the folder of `target`, which is made, and what `begin` makes there.

    Another thread may be pruning the folder.
    """
    folder = str(target.parent)
    temporary = f"{folder}{os.sep}{TEMPORARY}{secrets.token_hex(8)}"
    for _ in range(10):
        with contextlib.suppress(FileNotFoundError):
            return temporary, begin(temporary)
        make_root()
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    raise FileNotFoundError(f"{folder} vanishes again and again")


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
    try:
        try:
            os.link(source, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
        except FileExistsError:
            _replace_by_link(source, target)
    except (OSError, NotImplementedError, AttributeError):  # the last: no links on this system
        return False
    return True


def _replace_by_link(source: Path, target: Path) -> None:
    temporary = target.with_name(TEMPORARY + secrets.token_hex(8))
    try:
        temporary.hardlink_to(source)
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # still there if `target` was this very file before


def remove(target: Path, top: Path) -> None:
    """Remove a file, or a folder and all below it, if it is there; raises BackendError."""
    with _StoreErrors(target):
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


class _StoreErrors:
    """Makes an error of the operating system in its block one of the store."""

    __slots__ = ("_target",)

    def __init__(self, target: Path | str) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise BackendError(f"{self._target}: {error}") from error
