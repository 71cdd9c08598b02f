"""SHA-256 of files on their way into a store and out of it: other bytes than those are refused."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO

from .errors import BackendError, permanent

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 1 << 20


def digest_of(stream: BinaryIO) -> str:
    """The SHA-256 of what `stream` holds from here on."""
    found = hashlib.sha256()
    while data := stream.read(PIECE):
        found.update(data)
    return found.hexdigest()


class Checked:
    """A stream that is read once, whose end is refused if its bytes have another SHA-256."""

    def __init__(self, source: BinaryIO, digest: str) -> None:
        self._source = source
        self._digest = digest
        self._found = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises BackendError at the end of other bytes than the digest's."""
        data = self._source.read(size)
        self._found.update(data)
        if (not data or size < 0) and self._found.hexdigest() != self._digest:
            raise BackendError(f"the bytes are not those of SHA-256 {self._digest[:12]}…")
        return data


class Verified(io.BufferedReader):
    """A stored file that is read in any order, and compared with the SHA-256 it was stored under.

    The bytes are hashed in order up to the farthest that was asked for, what is skipped too. The
    last ones are given out only if all are the right ones.

    Attributes:
        sha256: What is expected, in hexadecimal.
        size: How many bytes are.
    """

    def __init__(self, source: BinaryIO, size: int, sha256: str, what: str) -> None:
        """`what` names the file to who is told that it is damaged."""
        self.size = size
        self.sha256 = sha256
        self._verifying = _Verifying(source, size, sha256, what)
        super().__init__(self._verifying, PIECE)

    def unchecked(self) -> BinaryIO:
        """The bytes as they lie there, for who checks them himself; this stream is used up."""
        self.detach()
        return self._verifying.release()


class _Verifying(io.RawIOBase):
    """The unbuffered stream below."""

    def __init__(self, source: BinaryIO, size: int, sha256: str, what: str) -> None:
        self._source = source
        self._size = size
        self._sha256 = sha256
        self._what = what
        self._at = self._hashed = 0
        self._found = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        while self._hashed < min(self._at, self._size):
            self._read(self._hashed, min(PIECE, self._at - self._hashed))
        data = self._read(self._at, min(len(view), self._size - self._at))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(PIECE), b""))

    def _read(self, at: int, count: int) -> bytes:
        """The bytes there, at most `count`; none at the end alone."""
        if count <= 0 and self._size:
            return b""
        if self._source.tell() != at:
            self._source.seek(at)
        data = self._source.read(count)
        if at <= self._hashed < at + len(data) or not self._size:
            self._found.update(data[self._hashed - at :])
            self._hashed = at + len(data)
        over = self._hashed == self._size or not data
        if over and self._found.hexdigest() != self._sha256:
            raise damaged(self._what, self._found.hexdigest(), self._sha256)
        return data

    def release(self) -> BinaryIO:
        """The source, which is no longer closed with this."""
        source, self._source = self._source, io.BytesIO()
        return source

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def damaged(what: str, found: str, expected: str) -> BackendError:
    """The error for a file that is not what was stored; `found` and `expected` are SHA-256."""
    return permanent(
        f"{what} is damaged: its SHA-256 is {found}, that of what was stored is {expected}; "
        "take it from a back-up, or remove it and send it again"
    )
