"""A file of a run on the server, read like a file here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import urllib3

from autolog.errors import BackendError

from .client import Client, pieces


def open_remote(client: Client, run: str, path: str) -> BinaryIO:
    """The file's bytes from the start; raises NotFound or BackendError."""
    return cast(BinaryIO, io.BufferedReader(_Remote(client, run, path), 1 << 18))


class _Remote(io.RawIOBase):
    """One answer at a time; a seek ends it, and the next read asks for the rest from there."""

    def __init__(self, client: Client, run: str, path: str) -> None:
        self._client = client
        self._where = f"/runs/{run}/artifact"
        self._query = {"path": path}
        self._at = 0
        self._rest = b""
        self._size: int | None = None
        self._pieces: Iterator[bytes] | None = None
        self._begin()

    def _begin(self) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._at:
            headers["Range"] = f"bytes={self._at}-"
        response = self._client.open("GET", self._where, self._query, headers=headers)
        if self._at and response.status != 206:
            response.close()
            raise BackendError("the server cannot give a part of the file")
        if self._size is None:
            self._size = _length(response)
        self._response, self._pieces, self._rest = response, pieces(response), b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._size is not None

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self._size is not None and self._at >= self._size:
            return 0
        if self._pieces is None:
            self._begin()
        if not self._rest:
            assert self._pieces is not None
            self._rest = next(self._pieces, b"")
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size or 0}[whence]
        target = base + offset
        if target != self._at:
            self._let_go()
            self._at = target
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._let_go()
        super().close()

    def _let_go(self) -> None:
        if self._pieces is not None:
            self._response.close()
        self._pieces, self._rest = None, b""


def _length(response: urllib3.BaseHTTPResponse) -> int | None:
    text = response.headers.get("Content-Length")
    return int(text) if text and text.isdigit() else None
