"""Routes: records come in, and go out again as they were."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from anyio.to_thread import run_sync
from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Stream

from autolog.backend import Backend
from autolog.errors import BackendError, NotFound
from autolog.journal_read import to_record
from autolog.protocol import Acked, Stored
from autolog.records import Record

from . import measures
from .bodies import decode_records, decompress, read_body
from .errors import ApiError, unreadable
from .params import RunId
from .service import AnyRequest, service_of, store_of

NDJSON = "application/x-ndjson"

_encoder = msgspec.json.Encoder()


@post("/records", status_code=200)
async def ingest(request: AnyRequest) -> Stored:
    """Store a batch of records.

    A record that is held already changes nothing, so a batch may be sent any number of times.
    Records of one writer come in the order of `seq`; where some are missing in between the answer
    is 409 and says how many are held.
    """
    limits = service_of(request).config.limits
    data = await read_body(request, limits.body)
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "").strip().lower()

    def work() -> int:
        body = decompress(data, encoding, limits.decompressed)
        records = decode_records(body, media_type, limits)
        store_records(store_of(request), records)
        return len(records)

    stored = await run_sync(work)
    measures.RECORDS.inc(stored)
    return Stored(stored)


def store_records(store: Backend, records: list[Record]) -> None:
    """Write them; raises ApiError that says why it cannot be done."""
    try:
        store.write(records)
    except NotFound:
        raise
    except BackendError as error:
        raise _gap(store, records) or unreadable(error) from error


def _gap(store: Backend, records: list[Record]) -> ApiError | None:
    """The answer where records before those of the batch are missing."""
    first: dict[tuple[str, str], list[int]] = {}
    for record in records:
        first.setdefault((record.run, record.writer), []).append(record.seq)
    for (run, writer), seqs in first.items():
        held = store.acked(run).get(writer, 0)
        for seq in seqs:
            if seq > held:
                message = f"record {seq} of writer {writer} came before record {held}"
                return ApiError(409, "gap", message, run=run, writer=writer, held=held)
            held = max(held, seq + 1)
    return None


@get("/runs/{run:str}/acked", sync_to_thread=True)
def acked(request: AnyRequest, run: RunId) -> Acked:
    """How many records of each writer are held; no writer for a run that is not there."""
    return Acked(store_of(request).acked(run))


@get("/runs/{run:str}/records", sync_to_thread=True, media_type=NDJSON)
def records(
    request: AnyRequest,
    run: RunId,
    writer: Annotated[
        str | None, QueryParameter(pattern="^[0-9a-f]{32}$", description="Of this writer alone.")
    ] = None,
    start: Annotated[int, QueryParameter(ge=0, le=2**63 - 1, description="From this seq on.")] = 0,
) -> Stream:
    """All records of a run, one JSON object in each line, in seq order within each writer."""
    blocks = store_of(request).blocks(run)
    lines = _lines(run, blocks, writer, start)
    encoding = chosen_encoding(request.headers.get("accept-encoding", ""))
    headers = {"Content-Encoding": encoding} if encoding else {}
    return Stream(compressed(lines, encoding), media_type=NDJSON, headers=headers)


def _lines(run: str, blocks: Iterable[Any], writer: str | None, start: int) -> Iterator[bytes]:
    for owner, entries in blocks:
        if writer in (None, owner):
            found = [to_record(one, run, owner) for one in entries if one.seq >= start]
            if found:
                yield _encoder.encode_lines(found)


def chosen_encoding(accepted: str) -> str:
    """The content encoding to answer with; empty for none."""
    names = {part.split(";")[0].strip().lower() for part in accepted.split(",")}
    return next((name for name in ("zstd", "gzip") if name in names), "")


def compressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks in that encoding."""
    if not encoding:
        yield from chunks
        return
    packer = _packer(encoding)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _packer(encoding: str) -> Any:
    if encoding == "gzip":
        return zlib.compressobj(1, zlib.DEFLATED, 31)
    from backports import zstd

    return zstd.ZstdCompressor(level=1)
