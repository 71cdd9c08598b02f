"""Route: a run's records as they come, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from anyio.to_thread import run_sync
from litestar import get
from litestar.params import HeaderParameter
from litestar.response import Stream

from autolog.backend import Backend
from autolog.errors import BackendError, NotFound

from .errors import ApiError
from .params import RunId
from .records import as_record
from .service import AnyRequest, Service, service_of, store_of

EVERY, PATIENCE = 0.5, 15.0
"""Seconds between two looks at the store, and until a line says that there is nothing new."""

_encode = msgspec.json.Encoder().encode
_cursors = msgspec.json.Decoder(dict[str, int])


@get("/runs/{run:str}/events", media_type="text/event-stream")
async def events(
    request: AnyRequest,
    run: RunId,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", max_length=100_000, description="Where to go on."),
    ] = None,
) -> Stream:
    """The run's records, old ones first, then those that come, until the run ends.

    Each event is one record as JSON; its id says what was sent so far, and given back as
    `Last-Event-ID` goes on there. The event `end` is the last one.
    """
    store = store_of(request)
    seen = _cursor(last_event_id)
    if not await run_sync(store.acked, run):
        raise NotFound(f"no run {run}")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = Tail(service_of(request), store, run, seen).lines()
    return Stream(lines, media_type="text/event-stream", headers=headers)


def _cursor(text: str | None) -> dict[str, int]:
    try:
        return {} if not text else _cursors.decode(text.encode())
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_cursor", "Last-Event-ID is none of ours") from None


class Tail:
    """One client's look at one run; `seen` says how many records of each writer it has."""

    def __init__(self, service: Service, store: Backend, run: str, seen: dict[str, int]) -> None:
        self._service = service
        self._store = store
        self._run = run
        self._seen = seen
        self._ended = False

    async def lines(self) -> AsyncIterator[bytes]:
        """The events; comments keep the connection alive in between."""
        idle = 0.0
        while not self._service.stopping.is_set():
            try:
                found = await run_sync(self._new)
            except BackendError:
                return  # the client comes again, and is told what is wrong
            for event in found:
                yield event
            if self._ended:
                yield b"event: end\ndata: {}\n\n"
                return
            idle = 0.0 if found else idle + EVERY
            if idle >= PATIENCE:
                idle = 0.0
                yield b": nothing new\n\n"
            await asyncio.sleep(EVERY)

    def _new(self) -> list[bytes]:
        held = self._store.acked(self._run)
        if all(self._seen.get(writer, 0) >= count for writer, count in held.items()):
            return []
        found = []
        for writer, entries in self._store.blocks(self._run):
            for one in entries:
                if one.seq < self._seen.get(writer, 0):
                    continue
                self._seen[writer] = one.seq + 1
                self._ended = one.kind == "end"
                found.append(self._event(_encode(as_record(self._run, writer, one))))
        return found

    def _event(self, data: bytes) -> bytes:
        return b"id: " + _encode(self._seen) + b"\ndata: " + data + b"\n\n"
