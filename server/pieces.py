"""Files that come in pieces, in a store that has no place for such: as files of a run of their own.

That run has no records, and its id follows from what is uploaded: so every process that serves the
store knows how far it has come. The pieces are written once more when they become one file.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from autolog.backend import Backend
from autolog.errors import NotFound
from autolog.staging import Source, Staged, hashes

from .artifacts import store_artifact
from .errors import ApiError

_NAME = re.compile(r"(\d{15})-(\d{1,15})")


class Pieces(Staged):
    """One such file; a piece that is cut off leaves nothing."""

    def __init__(self, store: Backend, key: str) -> None:
        self._store = store
        self._key = key

    def _held(self) -> list[tuple[str, int]]:
        """Name and size of the pieces that follow one another from the start."""
        held: dict[int, tuple[str, int]] = {}
        for name in self._store.artifacts(self._key):
            if match := _NAME.fullmatch(name):
                held[int(match[1])] = (name, int(match[2]))
        found, offset = [], 0
        while offset in held and held[offset][1]:
            found.append(held[offset])
            offset += held[offset][1]
        return found

    def size(self) -> int:
        """As the contract says."""
        return sum(size for _, size in self._held())

    def add(self, offset: int, source: Source) -> int:
        """As the contract says; `source` is an `Incoming` of declared length."""
        size = getattr(source, "declared", None)
        if not isinstance(size, int):
            raise ApiError(411, "length_required", "say the piece's Content-Length")
        reader = _Hashing(self._key, offset, source)
        store_artifact(self._store, self._key, f"{offset:015d}-{size}", reader)
        return offset + size

    def sha256(self) -> str:
        """As the contract says."""
        return hashes.of(self._key, self.size(), cast(BinaryIO, self._joined()))

    def keep(self, run: str, path: str, sha256: str) -> None:
        """Write the pieces as one file."""
        self._store.send_artifact(run, path, cast(BinaryIO, self._joined()), sha256)
        self.drop()

    def drop(self) -> None:
        """As the contract says."""
        hashes.forget(self._key)
        with contextlib.suppress(NotFound):
            self._store.delete(self._key)

    def _joined(self) -> Joined:
        return Joined(self._store.open_artifact(self._key, name) for name, _ in self._held())


class Joined:
    """Several streams as one."""

    def __init__(self, streams: Iterator[BinaryIO]) -> None:
        self._streams = streams
        self._stream: BinaryIO | None = next(streams, None)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end."""
        while self._stream is not None:
            if data := self._stream.read(size):
                return data
            self._stream.close()
            self._stream = next(self._streams, None)
        return b""


class _Hashing:
    """What is read of a piece is reckoned into the file's SHA-256."""

    def __init__(self, key: str, offset: int, source: Source) -> None:
        self._key, self._offset, self._source = key, offset, source

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end."""
        data = self._source.read(size)
        hashes.add(self._key, self._offset, data)
        self._offset += len(data)
        return data
