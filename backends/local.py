"""The local store: a folder of journals and artifacts, as `docs/format.md` describes it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from autolog.backend import Backend, Create, Versions
from autolog.errors import BackendError, NotFound
from autolog.journal_read import JournalFile, Line, contiguous, in_order, to_record
from autolog.paths import check_id
from autolog.records import Block, Record
from autolog.staging import GatheredFile, Staged

from ._local_artifacts import (
    ArtifactFolder,
    create_file,
    create_folder,
    link_file,
    move_file,
    remove,
)
from ._local_catalog import Catalog, LightJournal, journal_paths
from ._local_deleting import delete_folder, delete_light
from ._local_following import Following
from ._local_syncing import Debt
from ._local_versions import versions
from ._local_writing import Streams

MAX_AGE = 1.0
"""Seconds for which a look at the whole store is good while the run asked for is found at once."""

UPLOADS = ".uploads"
"""The folder of files that come in pieces."""

_Source = JournalFile | LightJournal
_Sources = dict[str, list[_Source]]


class LocalBackend(Backend):
    """A store in the folder `root`, which begins to exist with the first write.

    Threads and processes: as the contract says; each writer has files of its own, so that nobody
    waits for anybody. Durability: one `write` for each batch of a run; a run's end is synced to
    the disk, and so is every artifact: at once, or in a fast loop once a second and at `close`.
    Light runs share one journal for each writer, which is not synced at each end. Removing a
    folder by hand while it is written to loses what was in it and at most half a second more; the
    next write then fails.
    """

    direct: ClassVar[bool] = True

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        self.uri = str(self.root)
        self._reset()
        _instances.add(self)

    def _reset(self) -> None:
        self._debt = Debt()
        self._streams = Streams(self.root, self.acked, self._is_light, self._debt)
        self._catalog = Catalog(self.root)
        self._following = Following()
        self._notes: dict[str, list[str]] = {}

    # -- writing ---------------------------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """As the contract says; records of one (run, writer) are stored whole or not at all."""
        self._streams.write(batch)

    def sync(self, run: str) -> None:
        """Wait until the disk has all that this process wrote to the run's journals."""
        self._streams.sync(run)

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says; read from the disk at each call."""
        check_id(run)
        self._catalog.look(MAX_AGE)
        self._catalog.look_at_light()
        return {
            writer: contiguous(line.seq for lines in self._read(run, sources) for line in lines)
            for writer, sources in self._sources(run).items()
        }

    def _is_light(self, run: str, writer: str) -> bool:
        self._catalog.look_at_light()
        return any(j.header is not None and j.header.writer == writer
                   for j in self._catalog.light(run))  # fmt: skip

    # -- artifacts -------------------------------------------------------------------------

    def create_artifact(self, run: str, path: str) -> AbstractContextManager[BinaryIO]:
        """A stream into a hidden file, which takes its name at a clean exit."""
        check_id(run)
        folder = ArtifactFolder(self.root / run / "artifacts")
        target = folder.locate(path)
        return create_file(target, folder.folder, self._streams.make_root, self._debt)

    def create_artifacts(self, run: str, path: str) -> AbstractContextManager[Create]:
        """Files in a hidden folder, which takes its name at a clean exit."""
        check_id(run)
        folder = ArtifactFolder(self.root / run / "artifacts")
        target = folder.locate(path)
        return create_folder(target, folder.folder, self._streams.make_root, self._debt)

    def staged(self, key: str) -> Staged:
        """A file in a hidden folder of the store, which is renamed when it is whole."""
        check_id(key)
        return _Upload(self, self.root / UPLOADS / key)

    def take(self, file: Path, run: str, path: str) -> None:
        """Make `file`, which lies in the store, the run's artifact."""
        check_id(run)
        folder = ArtifactFolder(self.root / run / "artifacts")
        move_file(file, folder.locate(path), folder.folder, self._debt)

    def artifacts(self, run: str) -> list[str]:
        """Paths of the run's artifacts in all its folders, sorted."""
        return sorted({path for folder in self._artifact_folders(run) for path in folder.paths()})

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """The artifact's bytes; raises NotFound."""
        for folder in self._artifact_folders(run):
            target = folder.locate(path)
            try:
                return target.open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                raise BackendError(f"{target}: {error}") from error
        raise NotFound(f"run {run} has no artifact {path!r} in {self.uri}")

    def artifact_path(self, run: str, path: str) -> Path | None:
        """Where the artifact, or a folder of artifacts, lies; None if it does not exist."""
        found = (folder.locate(path) for folder in self._artifact_folders(run))
        return next((target for target in found if target.exists()), None)

    def copy_artifact(self, run: str, to: str, path: str) -> None:
        """A second name for the same bytes, where the file system has such a thing."""
        check_id(run)
        check_id(to)
        target = ArtifactFolder(self.root / to / "artifacts").locate(path)
        nearest = ArtifactFolder(self.root / run / "artifacts").locate(path)
        if link_file(nearest, target):
            return
        source = self.artifact_path(run, path)
        if source is None or not link_file(source, target):
            super().copy_artifact(run, to, path)

    def drop_artifact(self, run: str, path: str) -> None:
        """Remove the artifact, or all below that folder, and the folders that are empty then.

        The folder of a light run holds nothing else.
        """
        for folder in self._artifact_folders(run):
            remove(folder.locate(path), self.root)

    def _artifact_folders(self, run: str) -> list[ArtifactFolder]:
        check_id(run)
        self._catalog.look(MAX_AGE)
        return [ArtifactFolder(folder / "artifacts") for folder in self._catalog.folders(run)]

    # -- reading ---------------------------------------------------------------------------

    def run_ids(self) -> list[str]:
        """Ids of all runs, in no order. A folder that bears an id's name is not looked into."""
        return self._catalog.run_ids()

    def versions(self, memo: Any = None) -> Versions:
        """As the contract says, by the names, inodes, sizes and times of the journals."""
        try:
            return versions(self._catalog, memo)
        except OSError as error:
            raise BackendError(f"{self.root}: {error}") from error

    def records(self, run: str) -> Iterator[Record]:
        """The run's records from all its journals; those after a gap are yielded, and noted."""
        return (
            to_record(line, run, writer) for writer, lines in self.blocks(run) for line in lines
        )

    def blocks(self, run: str) -> Iterator[Block]:
        """As `records`, in the pieces in which the files are read."""
        check_id(run)
        return self._in_order(run, self._find(run))

    def blocks_since(self, run: str, seen: Mapping[str, int]) -> Iterator[Block]:
        """As the contract says: of journals that grow, what was added is read alone."""
        check_id(run)
        self._catalog.look(MAX_AGE)
        paths = [path for folder in self._catalog.folders(run) for path in journal_paths(folder)]
        own = [(header.writer, path) for path in paths
               if (header := self._following.header(path)) and header.run == run]  # fmt: skip
        if not own or len({*dict(own)}) < len(own) or self._catalog.light(run):
            return super().blocks_since(run, seen)
        return (
            Block(writer, lines)
            for writer, path in sorted(own)
            for lines in self._following.since(path, seen.get(writer, 0))
        )

    def notes(self) -> list[str]:
        """What could not be read so far: torn lines, foreign files, missing records."""
        return [*(n for notes in list(self._notes.values()) for n in notes), *self._catalog.notes()]

    def _in_order(self, run: str, by_writer: _Sources) -> Iterator[Block]:
        for writer in sorted(by_writer):
            missing: list[str] = []
            for lines in in_order(self._read(run, by_writer[writer]), missing.append):
                yield Block(writer, lines)
            found = [f"run {run}: writer {writer[:8]}: {text}" for text in missing]
            self._note(f"{run} {writer}", found)

    def _read(self, run: str, sources: Sequence[_Source]) -> Iterator[Sequence[Line]]:
        for source in sources:
            if isinstance(source, JournalFile):
                yield from source.blocks()
                self._note(str(source.path), source.notes)
            else:
                yield self._catalog.light_lines(source, run)

    def _note(self, what: str, notes: list[str]) -> None:
        """Keep the newest notes on `what` in the place of older ones."""
        if notes:
            self._notes[what] = notes
        else:
            self._notes.pop(what, None)

    def _find(self, run: str) -> _Sources:
        """The run's journals by writer; raises NotFound."""
        self._catalog.look(MAX_AGE)
        found = self._sources(run)
        if not found:
            self._catalog.look()
            found = self._sources(run)
        if not found and self._catalog.search_headers(run):
            found = self._sources(run)
        if not found:
            raise NotFound(f"no run {run} in {self.uri}")
        return found

    def _sources(self, run: str) -> _Sources:
        found: _Sources = {}
        journals: list[_Source] = [*self._catalog.journals(run)]
        journals += self._catalog.light(run)
        for journal in journals:
            if journal.header is not None:
                found.setdefault(journal.header.writer, []).append(journal)
            elif isinstance(journal, JournalFile):
                self._note(str(journal.path), journal.notes)
        return found

    # -- deleting --------------------------------------------------------------------------

    def delete(self, run: str) -> int:
        """Remove the run's folders and its lines in shared journals; the bytes that this freed.

        Raises NotFound, and BackendError for a light run whose process still writes.
        """
        check_id(run)
        with self._streams.lock:
            self._streams.forget(run)
            self._catalog.look()
            folders = [folder for folder in self._catalog.folders(run) if folder.exists()]
            if not folders and not self._catalog.light(run) and self._catalog.search_headers(run):
                folders = self._catalog.folders(run)[1:]
            freed = [delete_light(journal, run) for journal in self._catalog.light(run)]
            freed += [delete_folder(folder, run) for folder in folders]
            self._catalog.look()
        if not freed:
            raise NotFound(f"no run {run} in {self.uri}")
        return sum(freed)

    def close(self) -> None:
        """Let go of all descriptors, and have the disk hold all; a later write goes on."""
        with self._streams.lock:
            self._streams.close()
        self._debt.pay()

    def after_fork(self) -> None:
        """In a child: begin with nothing of the parent's, neither locks nor descriptors."""
        inherited = self._streams
        self._reset()
        inherited.close()


class _Upload(GatheredFile, Staged):
    """A file on its way into a local store."""

    def __init__(self, store: LocalBackend, file: Path) -> None:
        super().__init__(file)
        self._store = store

    def keep(self, run: str, path: str, sha256: str) -> None:
        """As the contract says."""
        self._store.take(self.file, run, path)
        self.drop()


def _after_fork_in_child() -> None:
    for backend in list(_instances):
        backend.after_fork()


_instances: weakref.WeakSet[LocalBackend] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
