"""What programs have left to be sent: to say it, and to send it in the foreground."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..backend import Backend
from ..forking import ForkSafeLock
from ..settings import Settings
from ..spool import OUTBOXES, spool_place
from . import outbox as outboxes
from .destination import destination_of
from .outbox import Outbox, Owed, Stream
from .rounds import Rounds
from .tail import journal_path


class Left(NamedTuple):
    """What is to be sent to one destination.

    Attributes:
        name: Where to.
        streams: How many streams of records (a run has one for each process that wrote to it;
            the light runs of a process are one together).
        records: How many records these hold, of which some may have been sent.
        sending: How many living programs see to it themselves.
        refused: What the destination will never take, one line each.
        error: Why nothing could be sent the last time; empty where that is unknown.
        stores: The folders where it stands.
    """

    name: str
    streams: int
    records: int
    sending: int
    refused: list[str]
    error: str
    stores: list[str]


def left(settings: Settings) -> list[Left]:
    """What is to be sent, by destination, whoever wrote it."""
    folder = spool_place(settings.spool) / OUTBOXES
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        paths = outboxes.outboxes(place)
        if paths:
            found.append(_left(paths))
    return found


def _left(paths: list[Path]) -> Left:
    read: list[Owed] = [outboxes.read(path) for path in paths]
    streams = [stream for owed in read for stream in owed.streams]
    errors = sorted(owed.error for owed in read if owed.error is not None)
    return Left(
        next((owed.destination for owed in read if owed.destination), "unknown"),
        len(streams),
        sum(map(_records, streams)),
        sum(map(outboxes.is_held, paths)),
        [f"run {run[:8]}: {what}" for owed in read for run, what in owed.refused],
        errors[-1][1] if errors else "",
        sorted({stream.store for stream in streams}),
    )


def _records(stream: Stream) -> int:
    """The lines of its journal but for the header; 0 where there is none."""
    try:
        with journal_path(stream).open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0
    return max(lines - 1, 0)


class Sent(NamedTuple):
    """What one sending did: streams, records and files sent, what was refused, why it ended."""

    streams: int
    records: int
    files: int
    error: str


def send_left(
    target: Backend, settings: Settings, progress: Callable[[int], object] = lambda _: None
) -> Sent:
    """Send to `target` what programs that are gone have left for it.

    `progress(done)` is called after each stream. An error ends it; it is no exception.
    """
    destination = destination_of(target)
    folder = spool_place(settings.spool) / OUTBOXES / destination.key
    own = Outbox(folder / f"{secrets.token_hex(16)}.jsonl", destination.name)
    rounds = Rounds(target, destination.name, own, folder, ForkSafeLock(), progress)
    try:
        rounds.work(asked=False)
    finally:
        rounds.abandon()
    return Sent(rounds.settled, rounds.sender.records, rounds.sender.files, rounds.error)
