"""Outboxes: what is still to be sent to a destination, a file for each process that owes it.

A file begins with `{"autolog": 1, "destination": …}`; then one JSON list a line, each appended
with one `write`: `["owed", run, writer, store]` before the first record of that stream,
`["settled", run, writer, store]` when the destination holds all of it, `["refused", run, writer,
seq, error]` and `["file", run, path, error]` for what it will never take, `["error", time,
text]`. The process that writes it holds a lock on it; so does whoever sends what is left after
its death. It names no place to send to but by the folder it lies in, and holds no credentials.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import BackendError

try:
    import fcntl
except ImportError:  # Windows: two programs may send the same then, which is stored once
    fcntl = None  # type: ignore[assignment]

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


class Stream(NamedTuple):
    """The records of one writer in a local store: of one run, or (run None) of light ones."""

    run: str | None
    writer: str
    store: str


class Owed:
    """What an outbox says.

    Attributes:
        destination: The name of where it is to go; empty where the file tells nothing.
        streams: Those that are owed, in the order in which they began.
        refused: Records and files that the destination will never take, with the reason.
        error: The newest error and when that was.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.destination = ""
        self.streams: dict[Stream, None] = {}
        self.refused: list[tuple[str, str]] = []
        self.error: tuple[float, str] | None = None
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, LookupError):  # a torn or foreign line
                self._learn(json.loads(line))

    def _learn(self, line: Any) -> None:
        if isinstance(line, dict):
            self.destination = str(line["destination"])
            return
        what, *rest = line
        if what in ("owed", "settled"):
            stream = Stream(*rest)
            self.streams.pop(stream, None)
            if what == "owed":
                self.streams[stream] = None
        elif what == "refused":
            run, _, seq, error = rest
            self.refused.append((run, f"record {seq}: {error}"))
        elif what == "file":
            run, path, error = rest
            self.refused.append((run, f"{path}: {error}"))
        elif what == "error":
            self.error = float(rest[0]), str(rest[1])


class Outbox:
    """One process's own, which begins to exist with the first thing that is owed.

    A call raises BackendError where the line could not be written. Not thread-safe: its owner
    holds a lock.
    """

    def __init__(self, path: Path, destination: str, fd: int = -1) -> None:
        self.path = path
        self._destination = destination
        self._fd = fd
        self._streams: dict[Stream, None] = {}
        self._refused = False

    def recall(self, owed: Owed) -> None:
        """Go on from what the file says."""
        self._streams = dict(owed.streams)
        self._refused = bool(owed.refused)

    def owe(self, stream: Stream) -> None:
        """Note a stream before its first record is written."""
        if stream not in self._streams:
            self._append(["owed", *stream])
            self._streams[stream] = None

    def settle(self, stream: Stream) -> None:
        """Note that the destination holds the stream, as far as it goes now."""
        if stream in self._streams:
            self._append(["settled", *stream])
            del self._streams[stream]

    def refused(self, run: str, writer: str, seq: int, error: str) -> None:
        """Note a record that the destination will never take."""
        self._refused = True
        self._append(["refused", run, writer, seq, error[:300]])

    def refused_file(self, run: str, path: str, error: str) -> None:
        """Note a file that the destination will never take."""
        self._refused = True
        self._append(["file", run, path, error[:300]])

    def failed(self, error: str) -> None:
        """Note why nothing could be sent."""
        if self._fd >= 0:
            self._append(["error", time.time(), error[:300]])

    @property
    def owed(self) -> list[Stream]:
        """What is owed now."""
        return list(self._streams)

    def close(self) -> None:
        """Let go of it; where nothing is owed and nothing was refused, there is no file then."""
        if self._fd >= 0 and not self._streams and not self._refused:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """Close the descriptor alone: in a forked child, whose parent goes on with it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _append(self, line: list[Any]) -> None:
        data = json.dumps(line).encode() + b"\n"
        try:
            if self._fd < 0:
                data = self._open() + data
            os.write(self._fd, data)
        except OSError as error:
            raise BackendError(f"{self.path}: {error}") from error

    def _open(self) -> bytes:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self.path, _FLAGS, 0o600)
        lock(self._fd)
        return json.dumps({"autolog": 1, "destination": self._destination}).encode() + b"\n"


def outboxes(folder: Path) -> list[Path]:
    """The outboxes in a destination's folder, oldest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.glob("*.jsonl"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found)]


def read(path: Path) -> Owed:
    """What an outbox says; nothing where it is gone."""
    try:
        return Owed(path, path.read_text("utf-8", "replace"))
    except OSError:
        return Owed(path, "")


def is_held(path: Path) -> bool:
    """Whether a living process writes the outbox, or sends what it owes."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return not lock(file.fileno())
    return False


def take(path: Path) -> Outbox | None:
    """The outbox of a process that is gone, which is the caller's until he closes it, or None."""
    try:
        fd = os.open(path, _FLAGS & ~os.O_CREAT)
    except OSError:
        return None
    outbox = Outbox(path, "", fd)
    if not lock(fd) or not os.fstat(fd).st_nlink:
        outbox.abandon()
        return None
    outbox.recall(read(path))
    return outbox


def lock(fd: int) -> bool:
    """Whether an open file is ours alone now; where there are no locks, it is taken to be."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
