"""The contract of a backend: the place where records and artifacts live, written and read."""

from __future__ import annotations

import abc
import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NamedTuple

from .digests import Checked
from .errors import permanent
from .paths import check_artifact_path
from .records import Block, Record, blocks_of

if TYPE_CHECKING:
    from .query import Curve, Found, Query, Window
    from .staging import Staged
    from .summary import Summary

Create = Callable[[str], contextlib.AbstractContextManager[BinaryIO]]
"""Opens a new file by name; it appears at a clean exit, or not at all."""


class Versions(NamedTuple):
    """The runs of a store as they stand. All of it is plain: numbers, text, lists, dicts.

    Attributes:
        of: By run a value that differs whenever the run's records do, asked for before they are
            read; None for a run that is to be read each time. Runs without records may be missing.
        memo: What the next call may be given.
    """

    of: dict[str, Any]
    memo: Any = None


class Backend(abc.ABC):
    """One store of runs. Every method raises `BackendError` (or its kin) and nothing else.

    Threads: every method may be called from any thread at once. Processes: any number may write
    one store; after a fork the child's calls never wait on a lock that the parent held.
    Idempotence: a record is named by `(run, writer, seq)`; writing it again changes nothing.
    Paths of artifacts are relative POSIX paths below the run (`model/MLmodel`); a path that would
    leave the run is refused.
    """

    direct: ClassVar[bool] = False
    """Hooks write into it at once; a backend that is not direct is fed from a journal."""

    uri: str
    """How a person would name this store in `AUTOLOG_BACKEND`; never holds a password."""

    # -- writing ---------------------------------------------------------------------------

    @abc.abstractmethod
    def write(self, batch: Sequence[Record]) -> None:
        """Store `batch`, whose values are in wire form, in seq order within each (run, writer).

        When it returns, the batch survives the death of this process. On an error a prefix (in
        seq order) may be stored; sending the whole batch again completes it.
        """

    @abc.abstractmethod
    def acked(self, run: str) -> dict[str, int]:
        """For each writer of `run`, how many records are held from seq 0 on without a gap."""

    @abc.abstractmethod
    def create_artifact(self, run: str, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A stream to write the artifact into; it appears whole at a clean exit, or not at all.

        An existing artifact of that path is replaced.
        """

    def send_artifact(
        self, run: str, path: str, source: BinaryIO, digest: str | None = None
    ) -> None:
        """Store what `source` holds from where it stands to its end.

        `digest` is its SHA-256 in hexadecimal where the caller knows it: other bytes than those
        are refused. A store may resume where an earlier call with the same digest was cut off.
        """
        with self.create_artifact(run, path) as target:
            reader = Checked(source, digest) if digest else source
            shutil.copyfileobj(reader, target, 1 << 20)

    def create_artifacts(self, run: str, path: str) -> contextlib.AbstractContextManager[Create]:
        """What opens new artifacts below `path`, for several that belong together.

        A store may let them appear only at the clean exit of the whole.
        """

        def create(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
            check_artifact_path(name)
            return self.create_artifact(run, f"{path}/{name}")

        return contextlib.nullcontext(create)

    def staged(self, key: str) -> Staged | None:
        """The file that gathers under `key` (32 hexadecimal digits) until it is a run's.

        Every process that serves the store sees the same. None where the store has no such.
        """
        return None

    # -- reading ---------------------------------------------------------------------------

    @abc.abstractmethod
    def run_ids(self) -> list[str]:
        """Ids of all runs held, in no order."""

    @abc.abstractmethod
    def records(self, run: str) -> Iterator[Record]:
        """The records of `run`, each once, in seq order within each writer; raises NotFound."""

    def blocks(self, run: str) -> Iterator[Block]:
        """As `records`, many at a time, which a store may do faster; raises NotFound."""
        return blocks_of(self.records(run))

    def blocks_since(self, run: str, seen: Mapping[str, int]) -> Iterator[Block]:
        """As `blocks`, without the first `seen[writer]` records of each writer; raises NotFound.

        Writers may take turns. It is asked again and again while a run grows: its cost should be
        that of what is new.
        """
        for writer, entries in self.blocks(run):
            start = seen.get(writer, 0)
            if entries and entries[-1].seq >= start:
                yield Block(writer, [one for one in entries if one.seq >= start])

    def versions(self, memo: Any = None) -> Versions | None:
        """What tells cheaply which runs have changed, for an index of the store; None for nothing.

        `memo` is what an earlier call gave back as such, possibly in another process, or None; it
        may be of no use any more.
        """
        return None

    # What a store may answer faster than by its records. None means that it does not, and the
    # reader works it out itself; the answers are the same.

    def search(self, query: Query) -> Found | None:
        """The runs that answer `query`; raises FilterError."""
        return None

    def summaries(self, runs: Sequence[str] | None = None) -> Iterable[Summary] | None:
        """Those of `runs` in brief that are held, by default all that have records; in no order."""
        return None

    def children(self, run: str) -> list[str] | None:
        """Ids of the runs whose parent is `run`, oldest first."""
        return None

    def experiments(self) -> dict[str, int] | None:
        """How many runs each experiment has, by name; empty for runs without one."""
        return None

    def history(self, run: str, key: str, window: Window) -> Curve | None:
        """Points of the metric `key` of the run itself; raises NotFound if it has no such."""
        return None

    # -- artifacts -------------------------------------------------------------------------

    @abc.abstractmethod
    def artifacts(self, run: str) -> list[str]:
        """Paths of the artifacts of `run`, sorted; empty for a run that has none."""

    def artifact_digests(self, run: str) -> dict[str, str | None]:
        """The SHA-256 of each artifact by path; None where the store would have to read it all."""
        return dict.fromkeys(self.artifacts(run))

    @abc.abstractmethod
    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """The artifact's bytes from the start; raises NotFound."""

    def artifact_path(self, run: str, path: str) -> Path | None:
        """The artifact (or its folder) as a local path, or None where there is no such thing."""
        return None

    def copy_artifact(self, run: str, to: str, path: str) -> None:
        """Give the run `to` what `run` has at `path`; a store may share the bytes."""
        with self.open_artifact(run, path) as source, self.create_artifact(to, path) as target:
            shutil.copyfileobj(source, target)

    def drop_artifact(self, run: str, path: str) -> None:
        """Remove an artifact, or all below `path`; nothing happens where there is none."""
        raise permanent(f"{self.uri} cannot remove a single artifact")

    @abc.abstractmethod
    def delete(self, run: str) -> int:
        """Remove the run with its artifacts; how many bytes that freed. Raises NotFound.

        That run alone: whoever asks for it sees to those below (`cleaning.with_children`).
        """

    def policy(self) -> dict[str, Any]:
        """What the store asks its clients to keep to (`docs/server.md`); empty for nothing."""
        return {}

    def shrink(self) -> None:
        """Give back what deleted runs took and the store kept for others; `autolog gc` calls it."""
        return

    def notes(self) -> list[str]:
        """What a reader should know of this store: torn lines, foreign files; one line each.

        A note on one run holds its id.
        """
        return []

    def close(self) -> None:
        """Let go of files and sockets; may be called more than once."""
        return
