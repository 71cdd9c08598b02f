"""Routes: a large file in pieces, which goes on where it was cut off, at whichever machine.

Pieces are kept in the store itself, as files of a run that has no records and whose id follows
from what is uploaded: so every process that serves the store knows how far it has come.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from anyio.to_thread import run_sync
from litestar import delete, get, post, put
from litestar.params import QueryParameter

from autolog.backend import Backend
from autolog.errors import NotFound
from autolog.protocol import Artifact, Offset

from .artifacts import checked_path, store_artifact
from .bodies import content_length
from .errors import ApiError
from .incoming import Incoming
from .params import ArtifactPath, Digest, RunId
from .scoped import Scoped
from .service import AnyRequest, fingerprint, service_of, store_of

_NAME = re.compile(r"(\d{15})-(\d{1,15})")
_ROUTE = "/runs/{run:str}/upload"


class Upload:
    """One file on its way."""

    def __init__(self, request: AnyRequest, run: str, path: str, digest: str) -> None:
        checked_path(path)
        self.target = store_of(request)
        if isinstance(self.target, Scoped) and not self.target.allows(run):
            raise NotFound(f"no run {run}")
        self.store: Backend = service_of(request).backend
        self.run, self.path, self.digest = run, path, digest
        self.key = fingerprint("upload", run, path, digest)

    def pieces(self) -> list[tuple[str, int]]:
        """Name and size of the pieces that follow one another from the start."""
        held: dict[int, tuple[str, int]] = {}
        for name in self.store.artifacts(self.key):
            if match := _NAME.fullmatch(name):
                held[int(match[1])] = (name, int(match[2]))
        found, offset = [], 0
        while offset in held and held[offset][1]:
            found.append(held[offset])
            offset += held[offset][1]
        return found

    def offset(self) -> int:
        """How many bytes are held."""
        return sum(size for _, size in self.pieces())

    def add(self, offset: int, size: int, source: Incoming) -> int:
        """Keep a piece that begins at `offset`; how many bytes are held then."""
        held = self.offset()
        if held != offset:
            raise ApiError(409, "offset", f"{held} bytes are held: go on there", offset=held)
        store_artifact(self.store, self.key, f"{offset:015d}-{size}", source)
        if source.total != size:
            raise ApiError(400, "cut_off", "the body was cut off")
        return offset + size

    def finish(self, size: int) -> None:
        """Make one file of the pieces, if these are the bytes that were announced."""
        held = self.offset()
        if held != size:
            raise ApiError(409, "offset", f"{held} of {size} bytes are held", offset=held)
        names = [name for name, _ in self.pieces()]
        source = Joined(self.store, self.key, names, self.digest)
        try:
            store_artifact(self.target, self.run, self.path, source)
        finally:
            if source.over:  # whatever came of it: these bytes are stored, or the wrong ones
                self.drop()

    def drop(self) -> None:
        """Forget the pieces."""
        with contextlib.suppress(NotFound):
            self.store.delete(self.key)


class Joined:
    """Several files of a run as one stream."""

    def __init__(self, store: Backend, run: str, names: list[str], digest: str) -> None:
        self._streams: Iterator[BinaryIO] = (store.open_artifact(run, name) for name in names)
        self._stream: BinaryIO | None = next(self._streams, None)
        self._expected, self._found = digest, hashlib.sha256()
        self.over = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end; raises ApiError there if the SHA-256 is another one."""
        while self._stream is not None:
            data = self._stream.read(size)
            if data:
                self._found.update(data)
                return data
            self._stream.close()
            self._stream = next(self._streams, None)
        self.over = True
        if self._found.hexdigest() != self._expected:
            raise ApiError(422, "digest", "the bytes have another SHA-256; begin anew")
        return b""


@get(_ROUTE, sync_to_thread=True)
def upload_offset(request: AnyRequest, run: RunId, path: ArtifactPath, digest: Digest) -> Offset:
    """How many bytes of this file are held."""
    return Offset(Upload(request, run, path, digest).offset())


@put(_ROUTE, status_code=200)
async def upload_piece(
    request: AnyRequest,
    run: RunId,
    path: ArtifactPath,
    digest: Digest,
    offset: Annotated[int, QueryParameter(ge=0, le=10**14)],
) -> Offset:
    """Keep the next piece of a file; the body has a declared length."""
    size = content_length(request)
    if not size:
        raise ApiError(411, "length_required", "say the piece's Content-Length, at least 1")
    source = Incoming(request, service_of(request).config.limits.chunk)
    work = lambda: Upload(request, run, path, digest).add(offset, size, source)  # noqa: E731
    return Offset(await run_sync(work))


@post(_ROUTE, status_code=200, sync_to_thread=True)
def upload_end(
    request: AnyRequest,
    run: RunId,
    path: ArtifactPath,
    digest: Digest,
    size: Annotated[int, QueryParameter(ge=1, le=10**14)],
) -> Artifact:
    """Make the pieces the run's file, if they are `size` bytes of that SHA-256."""
    limit = service_of(request).config.limits.artifact
    if size > limit:
        raise ApiError(413, "too_large", f"at most {limit:,} bytes", limit=limit)
    Upload(request, run, path, digest).finish(size)
    return Artifact(path, digest)


@delete(_ROUTE, status_code=204, sync_to_thread=True)
def upload_drop(request: AnyRequest, run: RunId, path: ArtifactPath, digest: Digest) -> None:
    """Forget what is held of the file."""
    Upload(request, run, path, digest).drop()
