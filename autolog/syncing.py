"""Bringing runs from one store to another: ids kept, nothing twice, as often as one likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .backend import Backend
from .delivery.sending import Refusals, Sender
from .errors import BackendError, reason
from .records import Record


class Synced(NamedTuple):
    """What one `sync` did.

    Attributes:
        runs: How many runs were looked at.
        records: How many records the target lacked and has now.
        artifacts: How many files it lacked, or had with other bytes, and has now.
        failed: Why a run could not be brought over whole, one line each; the others were.
        refused: What the target will never take, one line each; what follows it was sent.
    """

    runs: int
    records: int
    artifacts: int
    failed: list[str]
    refused: list[str]


def sync(
    source: Backend, target: Backend, *, progress: Callable[[int, int], object] = lambda *_: None
) -> Synced:
    """Give `target` whatever `source` has and it lacks; a live store may be synced any time.

    `progress(done, total)` is called after each run. A run that fails hinders no other.
    """
    ids = sorted(source.run_ids())
    failed: list[str] = []
    refused: list[str] = []

    def record(one: Record, why: str) -> None:
        refused.append(f"{one.run[:8]}: {one.kind} {one.key[:40]!r}: {why}")

    def file(run: str, path: str, why: str) -> None:
        refused.append(f"{run[:8]}: {path}: {why}")

    sender = Sender(target, Refusals(record, file))
    for done, run in enumerate(ids, 1):
        try:
            sender.bring(source, run)
        except BackendError as error:
            failed.append(f"{run[:8]}: {reason(error)}")
        progress(done, len(ids))
    return Synced(len(ids), sender.records, sender.files, failed, refused)
