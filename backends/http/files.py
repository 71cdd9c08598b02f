"""A file of a run on the server, read like a file here."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

import urllib3

from autolog.digests import Verified
from autolog.errors import BackendError

from .client import Client, pieces


def open_remote(client: Client, run: str, path: str) -> BinaryIO:
    """The file's bytes from the start; raises NotFound or BackendError.

    Where the server says which SHA-256 they have, they are compared with it here, so that nothing
    between its disk and us changes them unseen.
    """
    remote = _Remote(client, run, path)
    if remote.sha256 is None or remote.size is None:
        return cast(BinaryIO, io.BufferedReader(remote, 1 << 18))
    what = f"{path!r} of run {run} from {client.base}"
    return cast(BinaryIO, Verified(cast(BinaryIO, remote), remote.size, remote.sha256, what))


class _Remote(io.RawIOBase):
    """One answer at a time; a seek ends it, and the next read asks for the rest from there.

    An answer that is cut off after it has brought something is asked for again from there.
    """

    def __init__(self, client: Client, run: str, path: str) -> None:
        self._client = client
        self._where = f"/runs/{run}/artifact"
        self._query = {"path": path}
        self._at = 0
        self._rest = b""
        self._pieces: Iterator[bytes] | None = None
        self._begun = self._moved = False
        self.size: int | None = None
        self.sha256: str | None = None
        self._begin()

    def _begin(self) -> None:
        headers = {"Accept-Encoding": "identity", "Want-Repr-Digest": "sha-256=1"}
        if self._at:
            headers["Range"] = f"bytes={self._at}-"
        response = self._client.open("GET", self._where, self._query, headers=headers)
        if self._at and response.status != 206:
            response.close()
            raise BackendError("the server cannot give a part of the file")
        told = _digest(response)
        if not self._begun:
            self.size, self.sha256, self._begun = _length(response), told, True
        elif told != self.sha256:
            response.close()
            raise BackendError("the file was replaced while it was read; read it again")
        self._moved = False
        self._response, self._pieces, self._rest = response, pieces(response), b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.size is not None

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self.size is not None and self._at >= self.size:
            return 0
        if not self._rest:
            self._rest = self._next()
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def _next(self) -> bytes:
        if self._pieces is None:
            self._begin()
        assert self._pieces is not None
        try:
            found = next(self._pieces, b"")
        except BackendError:
            self._pieces = None
            if not self._moved:
                raise
            return self._next()
        self._moved = True
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size or 0}[whence]
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


def _digest(response: urllib3.BaseHTTPResponse) -> str | None:
    """The SHA-256 of the whole file, as RFC 9530 says it; None where it is not told."""
    match = re.search(r"sha-256=:([A-Za-z0-9+/=]+):", response.headers.get("Repr-Digest", ""))
    try:
        found = base64.b64decode(match[1]).hex() if match else ""
    except ValueError:
        return None
    return found if len(found) == 64 else None


def _length(response: urllib3.BaseHTTPResponse) -> int | None:
    text = response.headers.get("Content-Length")
    return int(text) if text and text.isdigit() else None
