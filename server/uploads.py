"""Routes: a large file in pieces, which goes on where it was cut off, at whichever machine.

Pieces gather in the store itself, under a name that follows from what is uploaded: so every
process that serves the store knows how far it has come.
"""

from __future__ import annotations

import logging
import time
from typing import Annotated

from anyio.to_thread import run_sync
from litestar import delete, get, post, put
from litestar.params import QueryParameter

from autolog.errors import BackendError, NotFound
from autolog.protocol import Artifact, Offset
from autolog.staging import Staged

from .artifacts import checked_path, storing
from .bodies import content_length
from .errors import ApiError
from .incoming import Incoming
from .params import ArtifactPath, Digest, RunId
from .pieces import Pieces
from .scoped import Scoped
from .service import AnyRequest, Service, fingerprint, service_of, store_of

_ROUTE = "/runs/{run:str}/upload"

ABANDONED = 86_400.0
"""Seconds without a piece after which nobody goes on with an upload any more."""
EVERY = 3_600.0
"""Seconds between two looks for such."""

_log = logging.getLogger("autolog.server")


class Upload:
    """One file on its way."""

    def __init__(self, request: AnyRequest, run: str, path: str, digest: str) -> None:
        checked_path(path)
        target, self._service = store_of(request), service_of(request)
        if isinstance(target, Scoped) and not target.allows(run):
            raise NotFound(f"no run {run}")
        self.run, self.path, self.digest = run, path, digest
        self.key = fingerprint("upload", run, path, digest)
        self._staged = staged(self._service, self.key)
        if time.monotonic() - self._service.swept > EVERY:
            sweep(self._service)

    def offset(self) -> int:
        """How many bytes are held."""
        return self._staged.size()

    def add(self, offset: int, size: int, source: Incoming) -> int:
        """Keep a piece that begins at `offset`; how many bytes are held then."""
        held = self.offset()
        if held != offset:
            raise ApiError(409, "offset", f"{held} bytes are held: go on there", offset=held)
        self._service.accounts.touch(self.key)
        held = self._staged.add(offset, source)
        if source.total != size:
            raise ApiError(400, "cut_off", "the body was cut off")
        return held

    def finish(self, size: int) -> None:
        """Make it the run's file, if these are the bytes that were announced."""
        held = self.offset()
        if held != size:
            raise ApiError(409, "offset", f"{held} of {size} bytes are held", offset=held)
        found = self._staged.sha256()
        if found != self.digest:
            self.drop()
            message = "the bytes have another SHA-256; begin anew"
            raise ApiError(422, "digest", message, sha256=found)
        with storing(self._service.backend, self.run, self.path):
            self._staged.keep(self.run, self.path, found)
        self._service.accounts.forget(self.key)

    def drop(self) -> None:
        """Forget the pieces."""
        self._staged.drop()
        self._service.accounts.forget(self.key)


def staged(service: Service, key: str) -> Staged:
    """Where the pieces gather: the store's own place for it, else its files."""
    return service.backend.staged(key) or Pieces(service.backend, key)


def sweep(service: Service) -> None:
    """Forget the uploads with which nobody goes on; the log says which, and what went wrong."""
    service.swept = time.monotonic()
    try:
        for key in service.accounts.untouched(ABANDONED):
            staged(service, key).drop()
            service.accounts.forget(key)
            _log.info("upload %s was not finished within a day: forgotten", key)
    except BackendError as error:
        _log.warning("store: %s", error)


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
