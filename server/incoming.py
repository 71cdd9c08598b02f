"""The body of a request as a stream that a thread reads: its size in memory is one piece."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import anyio.from_thread
from litestar.exceptions import InternalServerException

from .bodies import Gone, content_length
from .errors import ApiError
from .service import AnyRequest


class Incoming:
    """What arrives, checked as it is read: not beyond `most` bytes, and of the SHA-256 `expected`.

    `read` is for the thread that the request's own coroutine waits for.
    """

    def __init__(self, request: AnyRequest, most: int, expected: str | None = None) -> None:
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise ApiError(415, "content_encoding", "send files as they are")
        declared = content_length(request)
        self.declared = declared
        self._most = most
        if declared is not None and declared > most:
            raise self._too_large()
        self._parts: AsyncIterator[bytes] = request.stream()
        self._expected = expected
        self._found = hashlib.sha256()
        self._rest = b""
        self._over = False
        self.total = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, at least one until the end; all that comes for a negative one."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 18), b""))
        while not self._rest and not self._over:
            self._rest = self._next()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def digest(self) -> str:
        """The SHA-256 of what was read."""
        return self._found.hexdigest()

    def _next(self) -> bytes:
        try:
            part = anyio.from_thread.run(anext, self._parts, None)
        except InternalServerException:
            raise Gone from None
        if part is None:
            self._over = True
            self._check_end()
            return b""
        self.total += len(part)
        self._found.update(part)
        if self.total > self._most:
            raise self._too_large()
        return part

    def _check_end(self) -> None:
        if self._expected is not None and self.digest() != self._expected:
            raise ApiError(422, "digest", "the bytes have another SHA-256", sha256=self.digest())

    def _too_large(self) -> ApiError:
        return ApiError(413, "too_large", f"at most {self._most:,} bytes", limit=self._most)
