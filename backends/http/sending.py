"""A file on its way to the server: at once, or in pieces where it is large."""

from __future__ import annotations

import os
from typing import BinaryIO

from autolog.errors import BackendError
from autolog.protocol import Offset

from .client import Client, refusal

AT_ONCE = 16_000_000
"""Bytes up to which a file goes in one request."""

PIECE = 16_000_000
"""Bytes of each piece of a larger one."""

SLOWEST = 5_000_000
"""Bytes a second that a server reads at least when it puts a file together."""


def send_file(client: Client, run: str, path: str, file: BinaryIO, size: int, digest: str) -> None:
    """Send `size` bytes from where `file` stands; raises BackendError."""
    query = {"path": path, "sha256": digest}
    if size <= AT_ONCE:
        where = f"/runs/{run}/artifact"
        client.done("PUT", where, query, body=_read(file, size), headers=_BYTES)
    else:
        _send_pieces(client, f"/runs/{run}/upload", query, file, size)


_BYTES = {"Content-Type": "application/octet-stream"}


def _send_pieces(
    client: Client, where: str, query: dict[str, str], file: BinaryIO, size: int
) -> None:
    start = file.tell()
    offset = client.json(Offset, "GET", where, query).offset
    while offset < size:
        file.seek(start + offset, os.SEEK_SET)
        body = _read(file, min(PIECE, size - offset))
        offset = _put(client, where, query, offset, body)
    waiting = 60.0 + size / SLOWEST
    client.done("POST", where, {**query, "size": size}, read_timeout=waiting)


def _put(client: Client, where: str, query: dict[str, str], offset: int, body: bytes) -> int:
    """Send one piece; from where to go on, which the server knows better than we do."""
    asked = {**query, "offset": offset}
    try:
        return client.json(Offset, "PUT", where, asked, body=body, headers=_BYTES).offset
    except BackendError as error:
        told = refusal(error)
        held = told.details.get("offset")
        if told.code == "offset" and isinstance(held, int) and held > offset:
            return held
        raise


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise BackendError("the file became shorter while it was sent")
    return data
