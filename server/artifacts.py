"""Routes: files of runs, received as a stream and given out so that no browser runs them."""

from __future__ import annotations

import contextlib
import logging
import mimetypes
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote

from anyio.to_thread import run_sync
from litestar import Response, delete, get, put
from litestar.response import Stream

from autolog.backend import Backend
from autolog.digests import Verified
from autolog.errors import BackendError, NotFound
from autolog.paths import check_artifact_path
from autolog.protocol import Artifact, Artifacts

from .errors import ApiError, unreadable
from .incoming import Incoming
from .params import ArtifactPath, OptionalDigest, RunId
from .service import AnyRequest, principal_of, service_of, store_of

PIECE = 1 << 18

_log = logging.getLogger("autolog.server")

SAFE = {"text/plain", "text/csv", "image/png", "image/jpeg", "image/gif", "image/webp"}
"""Types under which a file is given out; anything else is just bytes."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@get("/runs/{run:str}/artifacts", sync_to_thread=True)
def artifacts(request: AnyRequest, run: RunId) -> Artifacts:
    """The files of a run; none for a run that is not there."""
    digests = store_of(request).artifact_digests(run)
    return Artifacts([Artifact(path, digest) for path, digest in sorted(digests.items())])


@get("/runs/{run:str}/artifact", sync_to_thread=True, media_type="application/octet-stream")
def artifact(request: AnyRequest, run: RunId, path: ArtifactPath) -> Response[Any]:
    """The bytes of a file, or those of one range of them (`Range: bytes=0-99`).

    `Repr-Digest` says which SHA-256 the whole file has, where the store knows it. An answer that
    would hold other bytes is cut off before its end, but for clients that compare them themselves
    (`Want-Repr-Digest`) and for ranges.
    """
    checked_path(path)
    stream = store_of(request).open_artifact(run, path)
    headers = _headers(path)
    if isinstance(stream, Verified):
        headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(stream.sha256)).decode()}:"
        if "range" in request.headers or "want-repr-digest" in request.headers:
            stream = stream.unchecked()  # who asks compares them; a part has no digest of its own
    size = _size(stream)
    if size is None:
        return Stream(_pieces(stream, None), headers=headers, media_type=media_type(path))
    start, stop, status = _span(request.headers.get("range", ""), size)
    if status == 416:
        stream.close()
        error = ApiError(416, "range", f"the file has {size} bytes", size=size)
        error.headers = {"Content-Range": f"bytes */{size}"}
        raise error
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    stream.seek(start)
    pieces = _pieces(stream, stop - start)
    return Stream(pieces, headers=headers, media_type=media_type(path), status_code=status)


@put("/runs/{run:str}/artifact", status_code=200)
async def put_artifact(
    request: AnyRequest, run: RunId, path: ArtifactPath, digest: OptionalDigest = None
) -> Artifact:
    """Store the body as a file of the run; one of that path is replaced."""
    checked_path(path)
    limits = service_of(request).config.limits
    source = Incoming(request, limits.artifact, digest)
    await run_sync(lambda: store_artifact(store_of(request), run, path, source))
    return Artifact(path, source.digest())


@delete("/runs/{run:str}/artifact", status_code=204, sync_to_thread=True)
def drop_artifact(request: AnyRequest, run: RunId, path: ArtifactPath) -> None:
    """Remove a file, or all below that path; nothing happens where there is none."""
    checked_path(path)
    service, store = service_of(request), store_of(request)
    service.accounts.note(principal_of(request).name, "delete artifact", f"{run} {path}")
    store.drop_artifact(run, path)


def checked_path(path: str) -> str:
    """`path`, which stays below its run; raises ApiError."""
    try:
        check_artifact_path(path)
    except BackendError as error:
        raise ApiError(400, "bad_path", str(error)) from None
    if any(len(part.encode()) > 255 for part in path.split("/")):
        raise ApiError(400, "bad_path", "a part of the path has more than 255 bytes")
    return path


def store_artifact(store: Backend, run: str, path: str, source: Any) -> None:
    """Store `source`, which checks itself; raises ApiError that says why it cannot be done."""
    with storing(store, run, path):
        store.send_artifact(run, path, source)


@contextlib.contextmanager
def storing(store: Backend, run: str, path: str) -> Iterator[None]:
    """What the store raises as an ApiError that says why it cannot be done."""
    try:
        yield
    except NotFound:
        raise
    except BackendError as error:
        for other in store.artifacts(run):
            if other.startswith(f"{path}/") or path.startswith(f"{other}/"):
                message = f"{path!r} cannot be a file and a folder"
                raise ApiError(409, "file_and_folder", message) from error
        raise unreadable(error) from error


def media_type(path: str) -> str:
    """A type under which no browser executes the file."""
    guessed = mimetypes.guess_type(path)[0] or ""
    if guessed in SAFE:
        return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed
    return "application/octet-stream"


def _headers(path: str) -> dict[str, str]:
    name = quote(path.rsplit("/", 1)[-1], safe="")
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _size(stream: BinaryIO) -> int | None:
    """How many bytes the stream has; None where it cannot tell."""
    try:
        return stream.seek(0, 2) if stream.seekable() else None
    except (OSError, AttributeError):
        return None


def _span(wanted: str, size: int) -> tuple[int, int, int]:
    """Start, end and status of the answer; a header that is no single range is passed over."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size, 200
    if not match[1]:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start = int(match[1])
        stop = min(int(match[2]) + 1, size) if match[2] else size
    return (start, stop, 206) if start < stop else (0, 0, 416)


def _pieces(stream: BinaryIO, length: int | None) -> Iterator[bytes]:
    left = length
    with stream:
        while piece := _read(stream, PIECE if left is None else min(PIECE, left)):
            yield piece
            if left is not None:
                left -= len(piece)
                if not left:
                    return


def _read(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except BackendError as error:
        _log.error("store: %s", error)  # the answer has begun, and can only be cut off
        raise
