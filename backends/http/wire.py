"""How records travel: MessagePack there, lines of JSON back, both compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from autolog.errors import BackendError, permanent
from autolog.records import Record

# Nothing is imported later: a forked child may wait for ever on an import of the parent's thread.
try:
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    try:
        from backports import zstd
    except ImportError:
        zstd = None

ACCEPTED = "gzip" if zstd is None else "zstd, gzip"
"""Encodings in which answers may come."""

MOST_RECORDS, MOST_BYTES = 5_000, 4_000_000
"""What one body holds: records, and bytes before they are compressed."""

_encode = msgspec.msgpack.Encoder().encode
_decode_lines = msgspec.json.Decoder(Record).decode_lines


def bodies(batch: Sequence[Record]) -> Iterator[bytes]:
    """The batch as bodies, each a list of records in MessagePack; raises BackendError."""
    for start in range(0, len(batch), MOST_RECORDS):
        yield from _within_bounds(list(batch[start : start + MOST_RECORDS]))


def _within_bounds(records: list[Record]) -> Iterator[bytes]:
    """The records in one body, which is the rule, or in several that are small enough."""
    whole = _encoded(records)
    if len(whole) <= MOST_BYTES:
        yield whole
        return
    parts: list[bytes] = []
    size = 0
    for record in records:
        part = _encode(record)
        if parts and size + len(part) > MOST_BYTES:
            yield _list(parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    yield _list(parts)


def _list(parts: list[bytes]) -> bytes:
    """A MessagePack array of what is encoded already."""
    return b"\xdd" + len(parts).to_bytes(4, "big") + b"".join(parts)


def _encoded(records: list[Record]) -> bytes:
    try:
        return _encode(records)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        if len(records) > 1:
            for record in records:
                _encoded([record])
        raise permanent(f"record {records[0].seq} is not in wire form: {error}") from error


def pack(body: bytes) -> tuple[bytes, str]:
    """The body compressed, and the name of its encoding."""
    if zstd is not None:
        return zstd.compress(body, level=1), "zstd"
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush(), "gzip"


def records_in(chunks: Iterable[bytes]) -> Iterator[Record]:
    """The records in lines of JSON that come in pieces; raises BackendError."""
    rest = b""
    try:
        for chunk in chunks:
            head, found, tail = (rest + chunk).rpartition(b"\n")
            rest = tail
            if found:
                yield from _decode_lines(head)
        if rest.strip():
            raise BackendError("the server's answer was cut off")
    except (ValueError, RecursionError) as error:
        raise BackendError(f"the server's answer holds no records: {error}") from error
