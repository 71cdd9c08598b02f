"""Artifacts: which run has which content at which path; a content that several have lies once.

A content is put in its place first and named in the tables then. One that nothing names any more
is marked, and removed under the lock of its row: whoever puts the same one meanwhile sees it.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO, cast

from sqlalchemy import Connection, select

from autolog.digests import Verified
from autolog.errors import BackendError, NotFound, permanent
from autolog.paths import check_artifact_path, check_id
from autolog.staging import Gathered, Source, Staged

from . import dialects
from .database import Database
from .depots import Depot
from .naming import in_pieces
from .schema import artifacts, blobs, parts, runs
from .writing import lock_runs

IN_MEMORY = 1 << 22
"""Bytes that are gathered before a temporary file is used."""


class Keeper:
    """The artifacts of one database."""

    def __init__(self, database: Database, depots: Sequence[Depot]) -> None:
        """New contents go to the first of `depots`."""
        self._database = database
        self._depots = {depot.place: depot for depot in depots}
        self._depot = depots[0]

    # -- writing ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def create(self, run: str, path: str) -> Iterator[BinaryIO]:
        """A stream whose bytes are the artifact after a clean exit."""
        check_id(run)
        check_artifact_path(path)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as gathered:
            stream = _Measured(cast(BinaryIO, gathered))
            yield cast(BinaryIO, stream)
            self._keep(run, path, stream.digest(), stream.size, gathered)

    def _keep(self, run: str, path: str, digest: str, size: int, gathered: Any) -> None:
        for _ in range(5):
            if not self._depot.has(digest, size):
                gathered.seek(0)
                self._depot.put(digest, gathered)
            if self._database.write(lambda c: self._name(c, run, path, digest, size)):
                self.sweep()
                return
        raise BackendError(f"{self._database.uri}: {path!r} is removed again and again")

    def staged(self, key: str) -> Staged | None:
        """A content that comes in pieces; None where it lies in an object store."""
        check_id(key)
        gathered = self._depot.gathered(key)
        return None if gathered is None else _Upload(self, gathered)

    def adopt(self, run: str, path: str, digest: str, gathered: Gathered) -> None:
        """Make what has gathered, which has that digest, the artifact."""
        check_id(run)
        check_artifact_path(path)
        size = gathered.size()
        if not self._depot.has(digest, size):
            self._depot.adopt(gathered, digest)
        if not self._database.write(lambda c: self._name(c, run, path, digest, size)):
            raise BackendError(
                f"{self._database.uri}: {path!r} was removed just now; send it again"
            )
        gathered.drop()
        self.sweep()

    def _name(self, connection: Connection, run: str, path: str, digest: str, size: int) -> bool:
        """Have the run's path mean the content; False where that was removed just now."""
        row = {"digest": digest, "size": size, "place": self._depot.place}
        connection.execute(dialects.insert_new(connection, blobs), row)
        own = blobs.c.digest == digest
        held = connection.execute(select(blobs).where(own).with_for_update()).one()
        if not self._at(held.place).has(digest, size):
            # Removed between `put` and here, or lost in another place.
            connection.execute(blobs.update().where(own).values(place=self._depot.place))
            return False
        connection.execute(blobs.update().where(own).values(unused_since=None))
        self._point(connection, lock_runs(connection, [run])[run], path, digest)
        return True

    def _point(self, connection: Connection, run_id: int, path: str, digest: str) -> None:
        paths = connection.execute(
            select(artifacts.c.path).where(artifacts.c.run_id == run_id)
        ).scalars()
        if any(_clash(path, other) for other in paths):
            raise permanent(f"{path!r} cannot be a file and a folder")
        self._forget(connection, run_id, [_digest(path)])
        row = {"run_id": run_id, "path_digest": _digest(path), "path": path, "digest": digest}
        connection.execute(artifacts.insert(), row)

    def _at(self, place: str) -> Depot:
        depot = self._depots.get(place)
        if depot is None and self._depot.place not in ("beside", "database"):
            return self._depot  # moved as a whole, as its users say
        if depot is None:
            raise BackendError(
                f"{self._database.uri}: the content lies in {place}: set AUTOLOG_ARTIFACTS to it"
            )
        return depot

    # -- reading ---------------------------------------------------------------------------

    def digests(self, run: str) -> dict[str, str | None]:
        """The SHA-256 of each artifact, by path in order."""
        check_id(run)
        query = select(artifacts.c.path, artifacts.c.digest).join(runs).where(runs.c.run == run)
        found = self._database.read(lambda c: c.execute(query).all(), ())
        return dict(sorted((row.path, row.digest) for row in found))

    def open(self, run: str, path: str) -> BinaryIO:
        """The artifact's bytes, as they were stored or with an error; raises NotFound."""
        held = self._find(run, path)
        if held is None:
            raise NotFound(f"run {run} has no artifact {path!r} in {self._database.uri}")
        what = f"{path!r} of run {run} in {self._database.uri}"
        source = self._at(held.place).open(held.digest)
        return cast(BinaryIO, Verified(source, held.size, held.digest, what))

    def copy(self, run: str, to: str, path: str) -> None:
        """Have `to` share the content."""
        check_id(to)
        held = self._find(run, path)
        if held is None:
            raise NotFound(f"run {run} has no artifact {path!r} in {self._database.uri}")
        if not self._database.write(lambda c: self._name(c, to, path, held.digest, held.size)):
            raise NotFound(f"run {run} has lost its artifact {path!r}")

    def _find(self, run: str, path: str) -> Any:
        check_id(run)
        check_artifact_path(path)
        query = (
            select(blobs)
            .select_from(artifacts.join(runs).join(blobs))
            .where(runs.c.run == run, artifacts.c.path_digest == _digest(path))
        )
        return self._database.read(lambda c: c.execute(query).one_or_none(), None)

    # -- removing --------------------------------------------------------------------------

    def drop(self, run: str, path: str) -> None:
        """Remove the artifact, or all below `path`."""
        check_id(run)
        check_artifact_path(path)
        gone = [_digest(one) for one in self.digests(run) if f"{one}/".startswith(f"{path}/")]
        if gone:
            self._database.write(lambda c: self._drop(c, run, gone))
            self.sweep()

    def _drop(self, connection: Connection, run: str, gone: Sequence[str]) -> None:
        run_id = connection.execute(select(runs.c.id).where(runs.c.run == run)).scalar()
        if run_id is not None:
            self._forget(connection, run_id, gone)

    def _forget(self, connection: Connection, run_id: int, path_digests: Sequence[str]) -> None:
        for piece in in_pieces(path_digests):
            own = (artifacts.c.run_id == run_id, artifacts.c.path_digest.in_(piece))
            digests = connection.execute(select(artifacts.c.digest).where(*own)).scalars().all()
            connection.execute(artifacts.delete().where(*own))
            mark_unused(connection, digests)

    def sweep(self) -> None:
        """Remove the contents that nothing names any more."""
        marked = select(blobs.c.digest).where(blobs.c.unused_since.is_not(None))
        for digest in self._database.read(lambda c: c.execute(marked).scalars().all(), ()):
            self._database.write(partial(self._remove, digest=digest))

    def _remove(self, connection: Connection, digest: str) -> None:
        own = blobs.c.digest == digest
        held = connection.execute(select(blobs).where(own).with_for_update()).one_or_none()
        if held is None or held.unused_since is None:
            return
        if connection.execute(select(artifacts.c.path).where(artifacts.c.digest == digest)).first():
            connection.execute(blobs.update().where(own).values(unused_since=None))
            return
        if held.place == "database":
            connection.execute(parts.delete().where(parts.c.digest == digest))
        elif held.place in self._depots:
            self._depots[held.place].remove(digest)
        else:
            return  # in a place of which this process knows nothing
        connection.execute(blobs.delete().where(own))


def mark_unused(connection: Connection, digests: Sequence[str]) -> int:
    """Mark those of these contents that nothing names any more; their bytes."""
    freed = 0
    for piece in in_pieces(sorted(set(digests))):
        named = select(artifacts.c.digest).where(artifacts.c.digest == blobs.c.digest)
        query = select(blobs.c.digest, blobs.c.size).where(
            blobs.c.digest.in_(piece), ~named.exists()
        )
        rows = connection.execute(query.with_for_update(of=blobs)).all()
        freed += sum(row.size for row in rows)
        gone = blobs.c.digest.in_([row.digest for row in rows])
        connection.execute(blobs.update().where(gone).values(unused_since=time.time()))
    return freed


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()


def _clash(path: str, other: str) -> bool:
    return other.startswith(f"{path}/") or path.startswith(f"{other}/")


class _Upload(Staged):
    """A content on its way, and the tables that are to name it."""

    def __init__(self, keeper: Keeper, gathered: Gathered) -> None:
        self._keeper = keeper
        self._gathered = gathered

    def size(self) -> int:
        """As the contract says."""
        return self._gathered.size()

    def add(self, offset: int, source: Source) -> int:
        """As the contract says."""
        return self._gathered.add(offset, source)

    def sha256(self) -> str:
        """As the contract says."""
        return self._gathered.sha256()

    def drop(self) -> None:
        """As the contract says."""
        self._gathered.drop()

    def keep(self, run: str, path: str, sha256: str) -> None:
        """As the contract says."""
        self._keeper.adopt(run, path, sha256, self._gathered)


class _Measured:
    """A stream that knows the size and SHA-256 of what it was given."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._found = hashlib.sha256()
        self.size = 0

    def write(self, data: Any, /) -> int:
        """As any stream's; raises BackendError where there is no room."""
        try:
            written = self._target.write(data)
        except OSError as error:
            raise BackendError(f"temporary file: {error}") from error
        self._found.update(data)
        self.size += written
        return written

    def writable(self) -> bool:
        """True."""
        return True

    def flush(self) -> None:
        """Nothing is held back."""

    def digest(self) -> str:
        """SHA-256 in hexadecimal."""
        return self._found.hexdigest()
