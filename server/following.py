"""What the followers of a run are given: a part at a time, read from where they stand."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import msgspec
from anyio.to_thread import run_sync

from autolog.backend import Backend
from autolog.journal_read import to_record
from autolog.records import Entry

EVERY = 0.5
"""Seconds between two looks at the store."""

MOST = 1000
"""Records of one part, about."""

_encode = msgspec.json.Encoder().encode


class Part(NamedTuple):
    """What follows in a run on what was seen.

    Attributes:
        events: As they are sent.
        seen: How many records of each writer one has after them.
        more: Whether there is more already.
        opened: When the run was opened last, as far as these records say; negative infinity.
        ended: The same of its end.
    """

    events: list[bytes]
    seen: dict[str, int]
    more: bool
    opened: float
    ended: float


NEVER = float("-inf")


class Parts:
    """What the followers of runs are given: read once for all who stand at the same place.

    It is of use to one event loop; what was read is good for half a second.
    """

    def __init__(self) -> None:
        self._running: dict[bytes, asyncio.Task[Part]] = {}

    async def after(self, store: Backend, bounds: str, run: str, seen: dict[str, int]) -> Part:
        """What comes after `seen` in `store`, whose `bounds` say what it lets see."""
        key = _encode([bounds, run, sorted(seen.items())])
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(run_sync(_read, store, run, seen))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)  # whoever goes away leaves it to the others

    def _forget(self, key: bytes, done: asyncio.Task[Part]) -> None:
        wait = EVERY if not done.cancelled() and done.exception() is None else 0.0
        asyncio.get_running_loop().call_later(wait, self._running.pop, key, None)


def _read(store: Backend, run: str, seen: dict[str, int]) -> Part:
    """A part of the run; raises NotFound."""
    events: list[bytes] = []
    seen, opened, ended = dict(seen), NEVER, NEVER
    for writer, entries in store.blocks_since(run, seen):
        if len(events) >= MOST:
            return Part(events, seen, True, opened, ended)
        for one in entries:
            seen[writer] = one.seq + 1
            opened = max(opened, one.time) if one.kind == "run" else opened
            ended = max(ended, one.time) if one.kind == "end" else ended
            events.append(_event(run, writer, one, seen))
    return Part(events, seen, False, opened, ended)


def _event(run: str, writer: str, one: Entry, seen: dict[str, int]) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (_encode(seen), _encode(to_record(one, run, writer)))
