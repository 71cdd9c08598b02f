"""Which files of a live run have been sent, and which are to be before a record is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from ..backend import Backend
from ..records import Record
from .sending import Sender

EARLY = 2.0
"""Seconds after which a run's first files are there."""
NAMING = ("artifact", "model", "table")
"""Kinds of records that may speak of files."""

State = tuple[int, int, int]


class Files:
    """The files of one run in a local store, as far as one destination has them.

    Artifacts are replaced and never changed in place: a file of the same inode, size and time is
    the same one.
    """

    def __init__(self, store: Backend, run: str) -> None:
        self._store = store
        self._run = run
        self._began: float | None = time.monotonic()
        self._sent: dict[str, State] = {}
        self._held: dict[str, str | None] | None = None
        self._doubtful = False

    def before(self, records: Iterable[Record], sender: Sender) -> None:
        """Send what `records` speak of, and have forgotten what they say is gone."""
        for record in records:
            if record.run == self._run and isinstance(record.value, dict):
                self._follow(record, record.value, sender)

    def all(self, sender: Sender) -> None:
        """Send every file that has not been; the destination is asked once what it holds."""
        self._doubtful = True
        for path in self._store.artifacts(self._run):
            self._send(path, sender)

    def early(self, sender: Sender) -> None:
        """Once, soon after the beginning, send what no record speaks of: the program's source."""
        if self._began is not None and time.monotonic() - self._began > EARLY:
            self.all(sender)
            self._began = None

    def forget(self) -> None:
        """Ask and send again: the destination may lack what it once had."""
        self._began = time.monotonic()
        self._doubtful = True
        self._sent.clear()
        self._held = None

    def _follow(self, record: Record, value: dict[str, Any], sender: Sender) -> None:
        path = value.get("path")
        if record.kind == "model" and value.get("shed"):
            for gone in [one for one in self._sent if _below(one, record.key)]:
                sender.drop_file(self._run, gone)
                del self._sent[gone]
        elif isinstance(path, str) and path and "shed" not in value:
            for one in self._named(path, value):
                self._send(one, sender)

    def _named(self, path: str, value: dict[str, Any]) -> Iterator[str]:
        """The file, or the files of the model's folder."""
        digests = value.get("sha256")
        if isinstance(digests, dict):
            yield from (one for one in self._store.artifacts(self._run) if _below(one, path))
        else:
            yield path

    def _send(self, path: str, sender: Sender) -> None:
        state = self._state(path)
        if state is None or self._sent.get(path) == state:
            return
        if self._doubtful and self._held is None:
            self._held = sender.target.artifact_digests(self._run)
        held = self._held.get(path) if self._held is not None else None
        sender.send_file(self._store, self._run, path, held)
        self._sent[path] = state

    def _state(self, path: str) -> State | None:
        place = self._store.artifact_path(self._run, path)
        try:
            found = place.stat() if place is not None else None
        except OSError:
            return None
        return found and (found.st_ino, found.st_size, found.st_mtime_ns)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
