"""The files of runs where several local stores are written at once: each of them gets them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from .artifacts import count, shed_reason
from .backend import Backend, Create
from .errors import BackendError
from .records import Record
from .reporting import report
from .settings import Settings

PLACE = "copying files to a further store"

Opened = contextlib.AbstractContextManager[Any]


class Copies(Backend):
    """The first store, with copies of all files in the others.

    The first one decides: what it refuses stands nowhere, and its answers are the answers. What a
    further store fails at, or has no room for, is told once and costs the others nothing.
    """

    direct: ClassVar[bool] = True

    def __init__(self, stores: Sequence[Backend], settings: Settings) -> None:
        self.stores = tuple(stores)
        self._first, *self._others = stores
        self._settings = settings
        self.uri = self._first.uri
        self.root: Path | None = getattr(self._first, "root", None)

    # -- files -----------------------------------------------------------------------------

    def create_artifact(self, run: str, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """As the contract says."""
        return _everywhere(
            self._first.create_artifact(run, path),
            [_Copy(store, lambda s=store: s.create_artifact(run, path)) for store in self._open()],  # type: ignore[misc]
        )

    @contextlib.contextmanager
    def create_artifacts(self, run: str, path: str) -> Iterator[Create]:
        """As the contract says."""
        copies = [
            _Copy(store, lambda s=store: s.create_artifacts(run, path))  # type: ignore[misc]
            for store in self._open()
        ]
        with _finished(copies), self._first.create_artifacts(run, path) as create:
            yield functools.partial(_create, create, copies)

    def copy_artifact(self, run: str, to: str, path: str) -> None:
        """As the contract says."""
        self._first.copy_artifact(run, to, path)
        for store in self._others:
            with _told(store):
                store.copy_artifact(run, to, path)

    def drop_artifact(self, run: str, path: str) -> None:
        """As the contract says."""
        self._first.drop_artifact(run, path)
        for store in self._others:
            with _told(store):
                store.drop_artifact(run, path)

    def _open(self) -> Iterator[Backend]:
        """The further stores that have room."""
        for store in self._others:
            why = shed_reason(store, self._settings)
            if why is None:
                yield store
            else:
                report(PLACE, BackendError(f"{store.uri}: {why}"))

    # -- the rest is the first one's -------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """To the first one: each store has a writer of its own."""
        self._first.write(batch)

    def acked(self, run: str) -> dict[str, int]:
        """The first one's."""
        return self._first.acked(run)

    def run_ids(self) -> list[str]:
        """The first one's."""
        return self._first.run_ids()

    def records(self, run: str) -> Iterator[Record]:
        """The first one's."""
        return self._first.records(run)

    def artifacts(self, run: str) -> list[str]:
        """The first one's."""
        return self._first.artifacts(run)

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """The first one's."""
        return self._first.open_artifact(run, path)

    def artifact_path(self, run: str, path: str) -> Path | None:
        """The first one's."""
        return self._first.artifact_path(run, path)

    def delete(self, run: str) -> int:
        """From the first one."""
        return self._first.delete(run)


class _told(contextlib.AbstractContextManager[None]):
    """Tells an error of a further store, once, and goes on."""

    def __init__(self, store: Backend) -> None:
        self._store = store

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, BackendError):
            return False
        report(PLACE, error)
        return True


class _Copy:
    """What is being written into a further store; after an error it is given up."""

    def __init__(self, store: Backend, opened: Callable[[], Opened]) -> None:
        self.store = store
        self.held: Any = None
        self._context: Opened | None = None
        self._size = 0
        with _told(store):
            context = opened()
            self.held = context.__enter__()
            self._context = context

    def write(self, data: Any) -> None:
        """Add to the file."""
        if self._context is not None:
            try:
                self.held.write(data)
                self._size += memoryview(data).nbytes
            except BackendError as error:
                self.finish(error)
                report(PLACE, error)

    def inner(self, name: str) -> list[_Copy]:
        """The file `name` of this folder; none where the folder is given up."""
        if self._context is None:
            return []
        return [_Copy(self.store, lambda: self.held(name))]

    def finish(self, error: BaseException | None) -> None:
        """Let it appear, or take it back after an error."""
        context, self._context = self._context, None
        if context is None:
            return
        with _told(self.store):
            if error is not None:
                context.__exit__(type(error), error, error.__traceback__)
                return
            context.__exit__(None, None, None)
            count(self.store, self._size)


@contextlib.contextmanager
def _finished(copies: Sequence[_Copy]) -> Iterator[None]:
    """Finish the copies as the block ends."""
    try:
        yield
    except BaseException as error:
        for copy in copies:
            copy.finish(error)
        raise
    for copy in copies:
        copy.finish(None)


@contextlib.contextmanager
def _everywhere(first: Opened, copies: list[_Copy]) -> Iterator[BinaryIO]:
    with _finished(copies), first as stream:
        yield cast(BinaryIO, _Tee(stream, copies))


def _create(create: Create, copies: list[_Copy], name: str) -> Opened:
    return _everywhere(create(name), [one for copy in copies for one in copy.inner(name)])


class _Tee:
    """A stream into the first store's file, and into its copies."""

    def __init__(self, first: BinaryIO, copies: list[_Copy]) -> None:
        self._first = first
        self._copies = copies

    def write(self, data: Any, /) -> int:
        """As any stream's."""
        written = self._first.write(data)
        for copy in self._copies:
            copy.write(data)
        return written

    def writable(self) -> bool:
        """True."""
        return True

    def flush(self) -> None:
        """Nothing is held back here."""
