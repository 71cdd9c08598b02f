"""The backend on a SQL database, as `docs/sql.md` describes it."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from sqlalchemy import Connection, exists, func, or_, select

from autolog.backend import Backend, Versions
from autolog.codec import unescape_text
from autolog.errors import NotFound
from autolog.journal_read import to_record
from autolog.paths import check_artifact_path, check_id
from autolog.query import Curve, Found, Query, Window
from autolog.records import Block, Record
from autolog.settings import resolve
from autolog.staging import Staged
from autolog.summary import Summary, unpack_summary

from . import reading, writing
from .artifacts import Keeper
from .database import Answer, Database, Nothing
from .deleting import delete_run
from .depots import Depot, Folder, Remote, Rows
from .naming import in_pieces
from .refreshing import any_stale, refresh_stale
from .schema import SHORT, artifacts, runs
from .searching import search
from .values import short_text


class SqlBackend(Backend):
    """A SQLite file or a PostgreSQL database, whose tables the first write makes.

    Artifacts lie in the folder `FILE.artifacts` beside a SQLite file, in the database itself on a
    server, or where `AUTOLOG_ARTIFACTS` says (`s3://bucket/prefix`, whatever fsspec knows).
    """

    direct: ClassVar[bool] = False

    def __init__(self, uri: str) -> None:
        self._database = Database(uri)
        self.uri = self._database.uri
        self._keeper = Keeper(self._database, _depots(self._database))

    # -- writing ---------------------------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """Store all of `batch` or nothing of it."""
        streams = writing.streams_of(batch)
        if streams:
            self._database.write(lambda c: writing.store(c, streams))

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says."""
        check_id(run)
        return self._database.read(lambda c: reading.held(c, run), {})

    def create_artifact(self, run: str, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """As the contract says; the bytes are gathered on this machine first."""
        return self._keeper.create(run, path)

    def staged(self, key: str) -> Staged | None:
        """As the contract says; None where artifacts lie in an object store."""
        return self._keeper.staged(key)

    def copy_artifact(self, run: str, to: str, path: str) -> None:
        """Both runs share the bytes."""
        self._keeper.copy(run, to, path)

    def drop_artifact(self, run: str, path: str) -> None:
        """As the contract says."""
        self._keeper.drop(run, path)

    # -- reading ---------------------------------------------------------------------------

    def run_ids(self) -> list[str]:
        """As the contract says."""
        held = or_(runs.c.records > 0, exists().where(artifacts.c.run_id == runs.c.id))
        query = select(runs.c.run).where(held)
        return self._database.read(lambda c: list(c.execute(query).scalars()), [])

    def records(self, run: str) -> Iterator[Record]:
        """As the contract says."""
        return (to_record(one, run, writer) for writer, lines in self.blocks(run) for one in lines)

    def blocks(self, run: str) -> Iterator[Block]:
        """As of the call; the run is held encoded meanwhile, some ten bytes a point."""
        check_id(run)
        pieces = self._database.read(lambda c: reading.pieces_of(c, run), {})
        if not pieces:
            raise NotFound(f"no run {run} in {self.uri}")
        return reading.blocks(pieces)

    def blocks_since(self, run: str, seen: Mapping[str, int]) -> Iterator[Block]:
        """As the contract says, a part at a time, each as of when it is asked for."""
        check_id(run)
        seen, more = dict(seen), True
        while more:
            more = False
            pages = self._database.read(lambda c: reading.page_since(c, run, seen), None)
            if pages is None:
                raise NotFound(f"no run {run} in {self.uri}")
            for page in pages:
                yield from page.blocks()
                if page.end is not None:
                    seen[page.writer], more = page.end, True
                else:
                    seen[page.writer] = sys.maxsize  # what came meanwhile is for the next call

    def versions(self, memo: Any = None) -> Versions | None:
        """The number of a run's row, which no other gets, and how many records it has."""
        query = select(runs.c.run, runs.c.id, runs.c.records).where(runs.c.records > 0)
        rows = self._database.read(lambda c: c.execute(query).all(), ())
        return Versions({run: [number, records] for run, number, records in rows})

    def search(self, query: Query) -> Found | None:
        """As the contract says."""
        return self._asked(lambda c: search(c, query), Found([]))

    def summaries(self, runs_: Sequence[str] | None = None) -> list[Summary]:
        """As the contract says."""
        if runs_ is not None and not runs_:
            return []
        return self._asked(lambda c: _summaries(c, runs_), [])

    def children(self, run: str) -> list[str]:
        """As the contract says."""
        query = select(runs.c.run, runs.c.started).where(runs.c.parent == run, runs.c.records > 0)
        found = self._asked(lambda c: c.execute(query).all(), ())
        return [row.run for row in sorted(found, key=lambda row: (row.started or 0.0, row.run))]

    def experiments(self) -> dict[str, int]:
        """As the contract says."""
        return self._asked(_experiments, {})

    def history(self, run: str, key: str, window: Window) -> Curve:
        """As the contract says."""
        check_id(run)
        found = self._database.read(lambda c: reading.history(c, run, key, window), None)
        if found is None:
            raise NotFound(f"no run {run} in {self.uri}")
        return found

    def _asked(
        self, question: Callable[[Connection], Answer], nothing: Nothing
    ) -> Answer | Nothing:
        """What `question` finds once all that follows from the records is up to date."""
        if self._database.read(any_stale, False):
            self._database.write(refresh_stale)
        return self._database.read(question, nothing)

    # -- artifacts -------------------------------------------------------------------------

    def artifacts(self, run: str) -> list[str]:
        """As the contract says."""
        return list(self._keeper.digests(run))

    def artifact_digests(self, run: str) -> dict[str, str | None]:
        """As the contract says; all are known."""
        return self._keeper.digests(run)

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """As the contract says."""
        return self._keeper.open(run, path)

    def artifact_path(self, run: str, path: str) -> Path | None:
        """None: contents lie under their digests."""
        check_id(run)
        check_artifact_path(path)
        return None

    # -- the store as a whole --------------------------------------------------------------

    def delete(self, run: str) -> int:
        """As the contract says; the bytes are those of the rows and of contents freed."""
        check_id(run)
        freed = self._database.write(lambda c: delete_run(c, run))
        if freed is None:
            raise NotFound(f"no run {run} in {self.uri}")
        self._keeper.sweep()
        return freed

    def shrink(self) -> None:
        """Give back to the file system what deleted runs took."""
        self._database.maintain()

    def upgrade(self) -> None:
        """Bring the tables to the schema of this autolog, in one transaction."""
        self._database.upgrade()

    def close(self) -> None:
        """As the contract says."""
        self._database.close()


def upgrade(uri: str) -> None:
    """Bring the tables of a store to the schema of this autolog; raises BackendError."""
    backend = SqlBackend(uri)
    try:
        backend.upgrade()
    finally:
        backend.close()


def _depots(database: Database) -> list[Depot]:
    own: Depot = Rows(database)
    if database.path is not None:
        own = Folder(database.path.with_name(f"{database.path.name}.artifacts"))
    url = resolve()["artifacts"]
    return [Remote(url), own] if url else [own]


def _summaries(connection: Connection, wanted: Sequence[str] | None) -> list[Summary]:
    query = select(runs.c.brief).where(runs.c.records > 0)
    if wanted is None:
        return [unpack_summary(brief) for brief in connection.execute(query).scalars()]
    return [
        unpack_summary(brief)
        for piece in in_pieces(wanted)
        for brief in connection.execute(query.where(runs.c.run.in_(piece))).scalars()
    ]


def _experiments(connection: Connection) -> dict[str, int]:
    query = select(runs.c.experiment, func.count()).where(runs.c.records > 0)
    found: Counter[str] = Counter()
    for name, count in connection.execute(query.group_by(runs.c.experiment)).all():
        if short_text(unescape_text(name)) == name and len(name) < SHORT:
            found[unescape_text(name)] += count
        else:  # several may be called alike as far as the column goes
            own = select(runs.c.brief).where(runs.c.records > 0, runs.c.experiment == name)
            briefs = connection.execute(own).scalars()
            found.update(unpack_summary(brief).experiment for brief in briefs)
    return found
