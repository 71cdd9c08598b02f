"""Where contents of artifacts lie, each under its SHA-256: a folder, an object store, a table."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from sqlalchemy import Connection, func, select

from autolog.errors import BackendError, NotFound
from autolog.staging import Gathered, GatheredFile, Source, hashes

from .database import Database
from .dialects import insert_new
from .schema import parts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART = 1 << 20
"""Bytes of a content that stand in one row of the table."""


class Depot(Protocol):
    """A place for contents; putting one twice, and removing one that is not there, is nothing."""

    place: str

    def has(self, digest: str, size: int) -> bool:
        """Whether the content lies here whole."""

    def put(self, digest: str, source: BinaryIO) -> None:
        """Keep what `source` holds; it appears whole or not at all."""

    def gathered(self, key: str) -> Gathered | None:
        """A content that comes in pieces, as it gathers here; None for none such."""

    def adopt(self, gathered: Any, digest: str) -> None:
        """Take what has gathered here, which has that digest, for the content."""

    def open(self, digest: str) -> BinaryIO:
        """The content; raises NotFound."""

    def remove(self, digest: str) -> None:
        """Let go of the content."""

    def path(self, digest: str) -> Path | None:
        """Its file on this machine; None where there is no such."""


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}"


class Folder:
    """A folder beside the database's file."""

    place = "beside"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str, size: int) -> bool:
        """As the protocol says."""
        try:
            return self._at(digest).stat().st_size == size
        except OSError:
            return False

    def put(self, digest: str, source: BinaryIO) -> None:
        """As the protocol says."""
        target = self._at(digest)
        temporary = target.with_name(f".{digest}-{os.getpid()}-{id(source)}")
        with _errors(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    shutil.copyfileobj(source, file, PART)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)

    def gathered(self, key: str) -> GatheredFile:
        """As the protocol says: a file in this folder, which is renamed."""
        return GatheredFile(self._folder / ".uploads" / key)

    def adopt(self, gathered: GatheredFile, digest: str) -> None:
        """As the protocol says."""
        with _errors(str(self._folder)):
            self._at(digest).parent.mkdir(parents=True, exist_ok=True)
            with gathered.file.open("rb") as file:
                os.fsync(file.fileno())
            gathered.file.replace(self._at(digest))

    def open(self, digest: str) -> BinaryIO:
        """As the protocol says."""
        try:
            return self._at(digest).open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"{self._at(digest)} is missing; was it removed by hand?") from error
        except OSError as error:
            raise BackendError(f"{self._at(digest)}: {error}") from error

    def remove(self, digest: str) -> None:
        """As the protocol says."""
        with _errors(str(self._at(digest))):
            self._at(digest).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._at(digest).parent.rmdir()

    def path(self, digest: str) -> Path | None:
        """As the protocol says."""
        return self._at(digest)

    def _at(self, digest: str) -> Path:
        return self._folder / _name(digest)


class Remote:
    """Any place that fsspec knows: `s3://bucket/prefix`, `gs://…`, `az://…`, a folder."""

    def __init__(self, url: str) -> None:
        self.place = url.rstrip("/")
        self._made: tuple[int, Any, str] | None = None

    def _opened(self) -> tuple[Any, str]:
        """The file system and the path in it; anew after a fork."""
        if self._made is None or self._made[0] != os.getpid():
            try:
                from fsspec.core import url_to_fs

                system, path = url_to_fs(self.place, skip_instance_cache=True)
            except (ImportError, ValueError) as error:
                raise BackendError(f"AUTOLOG_ARTIFACTS={self.place}: {error}") from error
            self._made = (os.getpid(), system, path)
        return self._made[1:]

    def _at(self, digest: str) -> tuple[Any, str]:
        system, path = self._opened()
        return system, f"{path}/{_name(digest)}"

    def has(self, digest: str, size: int) -> bool:
        """As the protocol says."""
        with _errors(self.place):
            system, path = self._at(digest)
            system.invalidate_cache()
            try:
                return bool(system.info(path)["size"] == size)
            except FileNotFoundError:
                return False

    def put(self, digest: str, source: BinaryIO) -> None:
        """As the protocol says."""
        with _errors(self.place):
            system, path = self._at(digest)
            if getattr(system, "local_file", False):
                system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            with system.open(path, "wb") as target:
                shutil.copyfileobj(source, target, PART)

    def gathered(self, key: str) -> None:
        """None: objects are written at once."""

    def adopt(self, gathered: Any, digest: str) -> None:
        """Never asked."""
        raise NotImplementedError

    def open(self, digest: str) -> BinaryIO:
        """As the protocol says."""
        with _errors(self.place):
            system, path = self._at(digest)
            try:
                return cast(BinaryIO, system.open(path, "rb"))
            except FileNotFoundError as error:
                raise NotFound(f"{self.place} has no {_name(digest)}") from error

    def remove(self, digest: str) -> None:
        """As the protocol says."""
        with _errors(self.place):
            system, path = self._at(digest)
            with contextlib.suppress(FileNotFoundError):
                system.rm_file(path)

    def path(self, digest: str) -> Path | None:
        """As the protocol says."""
        return None


class Rows:
    """A table of the database itself: nothing else to set up, and one back-up holds all."""

    place = "database"

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, digest: str, size: int) -> bool:
        """As the protocol says."""
        return self.held(digest) == size  # an empty content has no parts

    def put(self, digest: str, source: BinaryIO) -> None:
        """As the protocol says; each part is a transaction, so that nothing stays locked."""
        self.remove(digest)
        number = 0
        while data := source.read(PART):
            self._put_part({"digest": digest, "part": number, "data": data})
            number += 1

    def _put_part(self, row: dict[str, Any]) -> None:
        self._database.write(lambda c: c.execute(insert_new(c, parts), row))

    def gathered(self, key: str) -> GatheredRows:
        """As the protocol says: rows under another name."""
        return GatheredRows(self, key)

    def adopt(self, gathered: GatheredRows, digest: str) -> None:
        """As the protocol says."""
        self._rename(gathered.key, digest)

    def held(self, digest: str) -> int:
        """How many bytes are held."""
        query = select(func.sum(func.length(parts.c.data))).where(parts.c.digest == digest)
        return int(self._database.read(lambda c: c.execute(query).scalar(), None) or 0)

    def add(self, digest: str, offset: int, data: bytes) -> None:
        """Add bytes where those held end: the last row is filled up first."""
        number, begin = divmod(offset, PART)
        own = (parts.c.digest == digest, parts.c.part == number)
        rows = [data[max(at, 0) : at + PART] for at in range(-begin, len(data), PART)]

        def change(connection: Connection) -> None:
            if begin:
                before = connection.execute(select(parts.c.data).where(*own)).scalar_one()
                rows[0] = bytes(before)[:begin] + rows[0]
                connection.execute(parts.delete().where(*own))
            for place, row in enumerate(rows, number):
                connection.execute(parts.insert(), {"digest": digest, "part": place, "data": row})

        self._database.write(change)

    def _rename(self, old: str, new: str) -> None:
        """Have the content be called otherwise; one of that name goes."""

        def change(connection: Connection) -> None:
            connection.execute(parts.delete().where(parts.c.digest == new))
            connection.execute(parts.update().where(parts.c.digest == old).values(digest=new))

        self._database.write(change)

    def open(self, digest: str) -> BinaryIO:
        """As the protocol says."""
        return cast(BinaryIO, io.BufferedReader(_Parts(self._database, digest), PART))

    def remove(self, digest: str) -> None:
        """As the protocol says."""
        gone = parts.delete().where(parts.c.digest == digest)
        self._database.write(lambda c: c.execute(gone))

    def path(self, digest: str) -> Path | None:
        """As the protocol says."""
        return None


class GatheredRows:
    """Pieces as rows, under a name that is no digest."""

    def __init__(self, rows: Rows, key: str) -> None:
        self.rows = rows
        self.key = key

    def size(self) -> int:
        """As the contract says."""
        return self.rows.held(self.key)

    def add(self, offset: int, source: Source) -> int:
        """As the contract says; what a source gives before it fails stays in whole parts."""
        if self.size() != offset:
            raise BackendError(f"{self.size()} bytes are held, and not {offset}")
        while data := _filled(source, PART):
            self.rows.add(self.key, offset, data)
            hashes.add(self.key, offset, data)
            offset += len(data)
        return offset

    def sha256(self) -> str:
        """As the contract says."""
        with self.rows.open(self.key) as stream:
            return hashes.of(self.key, self.size(), stream)

    def drop(self) -> None:
        """As the contract says."""
        hashes.forget(self.key)
        self.rows.remove(self.key)


def _filled(source: Source, size: int) -> bytes:
    """The next `size` bytes; fewer at the end alone."""
    found = bytearray()
    while len(found) < size and (data := source.read(size - len(found))):
        found += data
    return bytes(found)


class _Parts(io.RawIOBase):
    """A content in a table, read a part at a time."""

    def __init__(self, database: Database, digest: str) -> None:
        self._database = database
        self._digest = digest
        self._place = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        start = starts[whence] if whence in starts else self._size()
        self._place = max(0, start + offset)
        return self._place

    def _size(self) -> int:
        query = select(func.sum(func.length(parts.c.data))).where(parts.c.digest == self._digest)
        return int(self._database.read(lambda c: c.execute(query).scalar(), None) or 0)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        number, begin = divmod(self._place, PART)
        if self._held[0] != number:
            query = select(parts.c.data).where(
                parts.c.digest == self._digest, parts.c.part == number
            )
            found = self._database.read(lambda c: c.execute(query).scalar(), None)
            self._held = (number, bytes(found or b""))
        view = memoryview(buffer).cast("B")
        data = self._held[1][begin : begin + len(view)]
        view[: len(data)] = data
        self._place += len(data)
        return len(data)


@contextlib.contextmanager
def _errors(place: str) -> Iterator[None]:
    """Errors of a place as a store's; object stores' libraries raise errors of their own."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        raise BackendError(f"{place}: {' '.join(str(error).split())[:300]}") from error
