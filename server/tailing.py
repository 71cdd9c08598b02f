"""Route: a run's records as they come, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import HeaderParameter
from litestar.response import Stream

from autolog.backend import Backend
from autolog.errors import BackendError

from .errors import ApiError
from .following import EVERY, NEVER, Part
from .params import RunId
from .service import AnyRequest, Service, principal_of, service_of, store_of

PATIENCE = 15.0
"""Seconds until a line says that there is nothing new."""

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
    seen = _cursor(last_event_id)
    tail = Tail(service_of(request), store_of(request), principal_of(request).experiment, run, seen)
    await tail.begin()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(tail.lines(), media_type="text/event-stream", headers=headers)


def _cursor(text: str | None) -> dict[str, int]:
    try:
        given = _cursors.decode(text.encode()) if text else {}
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_cursor", "Last-Event-ID is none of ours") from None
    return {writer: max(count, 0) for writer, count in given.items()}


class Tail:
    """One client's look at one run; `seen` says how many records of each writer it has."""

    def __init__(
        self, service: Service, store: Backend, bounds: str, run: str, seen: dict[str, int]
    ) -> None:
        self._service = service
        self._store = store
        self._bounds = bounds
        self._run = run
        self._seen = seen
        self._opened = self._ended = NEVER

    async def begin(self) -> None:
        """See whether there is such a run, and whether what was seen is all of it."""
        before = {writer: max(count - 1, 0) for writer, count in self._seen.items()}
        self._note(await self._after(before))

    async def lines(self) -> AsyncIterator[bytes]:
        """The events; comments keep the connection alive in between."""
        idle = 0.0
        while not self._service.stopping.is_set():
            try:
                part = await self._after(self._seen)
            except BackendError:
                return  # the client comes again, and is told what is wrong
            self._note(part)
            self._seen = part.seen
            if part.events:
                yield b"".join(part.events)
            if part.more:
                continue
            if self._ended > NEVER and self._ended >= self._opened:
                yield b"event: end\ndata: {}\n\n"
                return
            idle = 0.0 if part.events else idle + EVERY
            if idle >= PATIENCE:
                idle = 0.0
                yield b": nothing new\n\n"
            await asyncio.sleep(EVERY)

    async def _after(self, seen: dict[str, int]) -> Part:
        return await self._service.parts.after(self._store, self._bounds, self._run, seen)

    def _note(self, part: Part) -> None:
        self._opened = max(self._opened, part.opened)
        self._ended = max(self._ended, part.ended)
