"""Bodies of requests: read within bounds, decompressed within bounds, decoded into known types."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.exceptions import InternalServerException

from autolog.codec import from_wire
from autolog.paths import is_id
from autolog.records import Record

from .config import Limits
from .errors import ApiError
from .service import AnyRequest

MAX_SEQ = 2**63 - 1

_json = msgspec.json.Decoder(list[Record])
_msgpack = msgspec.msgpack.Decoder(list[Record])
_DECODERS: dict[str, Any] = {
    "application/json": _json.decode,
    "application/x-ndjson": msgspec.json.Decoder(Record).decode_lines,
    "application/msgpack": _msgpack.decode,
    "application/vnd.msgpack": _msgpack.decode,
    "application/x-msgpack": _msgpack.decode,
}


class Gone(ApiError):
    """The client went away before its body had come."""

    def __init__(self) -> None:
        super().__init__(400, "cut_off", "the body was cut off")


async def read_body(request: AnyRequest, most: int) -> bytes:
    """The body as it was sent; raises ApiError beyond `most` bytes."""
    declared = content_length(request)
    if declared is not None and declared > most:
        raise _too_large(most)
    parts, total = [], 0
    try:
        async for part in request.stream():
            total += len(part)
            if total > most:
                raise _too_large(most)
            parts.append(part)
    except InternalServerException:
        raise Gone from None
    return b"".join(parts)


def content_length(request: AnyRequest) -> int | None:
    """The declared length, None where there is none."""
    text = request.headers.get("content-length")
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def decompress(data: bytes, encoding: str, most: int) -> bytes:
    """`data` without its content encoding; raises ApiError beyond `most` bytes."""
    if encoding in ("", "identity"):
        return data
    try:
        if encoding == "gzip":
            return _gunzip(data, most)
        if encoding == "zstd":
            return _unzstd(data, most)
    except (zlib.error, ValueError, EOFError) as error:
        raise ApiError(400, "bad_compression", f"the body is no {encoding}: {error}") from error
    raise ApiError(415, "content_encoding", "send the body as it is, or as gzip or zstd")


def _gunzip(data: bytes, most: int) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    found = decoder.decompress(data, most + 1)
    if len(found) > most:
        raise _too_large(most)
    if not decoder.eof:
        raise ValueError("it ends too early")
    return found


def _unzstd(data: bytes, most: int) -> bytes:
    from backports import zstd

    decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 24})
    try:
        found = decoder.decompress(data, most + 1)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(found) > most:
        raise _too_large(most)
    if not decoder.eof:
        raise ValueError("it ends too early")
    return found


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"at most {most:,} bytes", limit=most)


def decode_records(data: bytes, media_type: str, limits: Limits) -> list[Record]:
    """The records of a body, each of them sound; raises ApiError."""
    decode = _DECODERS.get(media_type)
    if decode is None:
        known = "application/json, application/x-ndjson or application/msgpack"
        raise ApiError(415, "media_type", f"send records as {known}")
    try:
        records: list[Record] = decode(data)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_records", f"no records: {error}") from error
    if len(records) > limits.batch:
        raise ApiError(413, "too_large", f"at most {limits.batch:,} records", limit=limits.batch)
    check_records(records)
    return records


def check_records(records: Sequence[Record]) -> None:
    """Raise ApiError at the first record that no store should hold."""
    if _sound(records):
        return
    for at, record in enumerate(records):
        why = _unsound(record)
        if why is not None:
            raise ApiError(422, "bad_record", f"record {at}: {why}", index=at)


def _sound(records: Sequence[Record]) -> bool:
    """Whether `_unsound` finds nothing in any of them; looked at by columns, as points are many."""
    values = [one.value for one in records]
    steps = [one.step for one in records if one.step is not None]
    if {*map(type, values)} - {float} or {*map(type, steps)} - {int, float}:
        return False
    seqs = [one.seq for one in records]
    return (
        all(one.info is None for one in records)
        and all(map(is_id, {one.run for one in records} | {one.writer for one in records}))
        and 0 <= min(seqs, default=0) <= max(seqs, default=0) <= MAX_SEQ
        and -(2**63) <= min(steps, default=0) <= max(steps, default=0) <= MAX_SEQ
        and all(map(math.isfinite, [one.time for one in records]))
        and all(map(math.isfinite, steps))
        and all(map(math.isfinite, values))
        and all(map(_is_text, {one.key for one in records}))
    )


def _unsound(record: Record) -> str | None:
    if not (is_id(record.run) and is_id(record.writer)):
        return "run and writer are 32 lower-case hexadecimal digits"
    if not 0 <= record.seq <= MAX_SEQ:
        return "seq counts from 0"
    if not math.isfinite(record.time):
        return "time is seconds since 1970"
    if record.step is not None and not _is_step(record.step):
        return "step is a finite number within 64 bits"
    if not _is_text(record.key):
        return "key is text in wire form"
    try:
        _check_wire(record.value)
        _check_wire(record.info)
    except (ValueError, TypeError, RecursionError) as error:
        return f"not in wire form: {str(error)[:200] or 'too deep'}"
    return None


def _is_step(step: int | float) -> bool:
    if isinstance(step, bool):
        return False
    return math.isfinite(step) if isinstance(step, float) else -(2**63) <= step <= MAX_SEQ


def _is_text(text: str) -> bool:
    if text.isascii():
        return "\x00" not in text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _check_wire(value: Any, depth: int = 0) -> None:
    """Raise ValueError or TypeError unless `value` is in wire form throughout."""
    kind = type(value)
    if value is None or kind is bool:
        return
    if kind is float:
        if not math.isfinite(value):
            raise ValueError("a number that is not finite is {'$float': …}")
    elif kind is int:
        if not -(2**63) <= value <= MAX_SEQ:
            raise ValueError("an integer beyond 64 bits is {'$int': …}")
    elif kind is str:
        if not _is_text(value):
            raise ValueError("text with U+0000 or lone surrogates")
    else:
        _check_container(value, depth + 1)


def _check_container(value: Any, depth: int) -> None:
    if depth > 100:
        raise ValueError("nested more than 100 deep")
    if type(value) is list:
        for item in value:
            _check_wire(item, depth)
    elif type(value) is dict:
        for key, item in value.items():
            if type(key) is not str or not _is_text(key):
                raise TypeError("keys are text in wire form")
            _check_wire(item, depth)
        if len(value) == 1 and next(iter(value)) in ("$float", "$int", "$bytes"):
            from_wire(value)
    else:
        raise TypeError(f"{type(value).__name__} has no wire form")
