"""Bringing runs from one store to another: ids kept, nothing twice, as often as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

from .backend import Backend
from .errors import BackendError
from .records import Record

BATCH = 1000
"""Records that are written at once."""


class Synced(NamedTuple):
    """What one `sync` did.

    Attributes:
        runs: How many runs were looked at.
        records: How many records the target lacked and has now.
        artifacts: How many files it lacked and has now.
        failed: Why a run could not be brought over whole, one line each; the others were.
    """

    runs: int
    records: int
    artifacts: int
    failed: list[str]


def sync(
    source: Backend, target: Backend, *, progress: Callable[[int, int], object] = lambda *_: None
) -> Synced:
    """Give `target` whatever `source` has and it lacks; a live store may be synced any time.

    `progress(done, total)` is called after each run. A run that fails hinders no other.
    """
    ids = sorted(source.run_ids())
    records = artifacts = 0
    failed: list[str] = []
    for done, run in enumerate(ids, 1):
        try:
            artifacts += _bring_artifacts(source, target, run)
            records += _bring_records(source, target, run)
        except BackendError as error:
            failed.append(f"{run[:8]}: {error}".splitlines()[0])
        progress(done, len(ids))
    return Synced(len(ids), records, artifacts, failed)


def _bring_records(source: Backend, target: Backend, run: str) -> int:
    """Writes what follows the records that the target holds of each writer, up to a gap."""
    held = target.acked(run)
    sent = 0
    for writer, records in groupby(source.records(run), lambda record: record.writer):
        missing = _following(records, held.get(writer, 0))
        while batch := list(islice(missing, BATCH)):
            target.write(batch)
            sent += len(batch)
    return sent


def _following(records: Iterator[Record], expected: int) -> Iterator[Record]:
    for record in records:
        if record.seq == expected:
            yield record
            expected += 1


def _bring_artifacts(source: Backend, target: Backend, run: str) -> int:
    """Copies files first: a record that names a file is not to come before it."""
    held = set(target.artifacts(run))
    missing = [path for path in source.artifacts(run) if path not in held]
    for path in missing:
        with source.open_artifact(run, path) as old, target.create_artifact(run, path) as new:
            while chunk := old.read(1 << 20):
                new.write(chunk)
    return len(missing)
