"""The journal: an append-only file of records, one for each run and writing process.

`docs/format.md` describes the file; `autolog.journal_read` reads it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .errors import BackendError
from .records import Batch, Record

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be replaced: no lock is needed
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
CHECK_EVERY = 0.5
"""Seconds after which an append first looks whether its file is still there.

The look is one `fstat`: a file removed by hand has no name left. It goes by the clock and not by
the count, since a loop that logs once a second would otherwise lose minutes. Each append looks
whether the descriptor stands where the last one left it: a program that makes itself a daemon
closes all descriptors, and the number may mean a file of its own by then.
"""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_monotonic = time.monotonic


class Header(msgspec.Struct):
    """The first line of a journal. `run` is None in a journal that many light runs share."""

    autolog: int
    run: str | None
    writer: str


def encode_record(record: Record, with_run: bool = False) -> bytes:
    """One line of a journal, newline included; `with_run` for journals of light runs.

    Raises BackendError for a record that is not in wire form.
    """
    try:
        return _encode(_items(record, with_run)) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        what = f"{record.kind} {str(record.key)[:80]!r}"
        raise BackendError(f"{what} is not in wire form: {error}") from error


def _items(r: Record, with_run: bool) -> tuple[Any, ...]:
    if with_run:
        return (r.seq, r.time, r.kind, r.key, r.value, r.step, r.info, r.run)
    if r.info is not None:
        return (r.seq, r.time, r.kind, r.key, r.value, r.step, r.info)
    if r.step is not None:
        return (r.seq, r.time, r.kind, r.key, r.value, r.step)
    return (r.seq, r.time, r.kind, r.key, r.value)


def _encode_all(records: Sequence[Record], with_run: bool) -> bytes:
    """The lines of several records, at once unless one of them is not in wire form."""
    try:
        if type(records) is Batch and not with_run:
            return _encode_lines(_items_of(records))
        return _encode_lines([_items(record, with_run) for record in records])
    except Exception:
        return b"".join([encode_record(record, with_run) for record in records])


def _items_of(batch: Batch) -> list[tuple[Any, ...]]:
    """What `_items` gives of each record, without making one."""
    found: list[tuple[Any, ...]] = []
    for seq, fact in enumerate(batch.facts, batch.seq):
        if fact[5] is not None:
            found.append((seq, *fact))
        elif fact[4] is not None:
            found.append((seq, *fact[:5]))
        else:
            found.append((seq, *fact[:4]))
    return found


class JournalWriter:
    """Appends records to one file, which begins to exist with the first of them.

    Each `append` is one `write`, so that a killed process leaves whole lines. After a short write
    or an error the file is cut back to its last good line, and this writer is closed for good
    (`broken` says why); so it is when the file was removed. Not thread-safe: its owner holds a
    lock.
    """

    __slots__ = ("_end", "_file", "_make_folder", "_prefix", "broken", "checked", "fd", "path",
                 "run", "writer")  # fmt: skip

    def __init__(
        self,
        path: Path,
        run: str | None,
        writer: str,
        make_folder: Callable[[Path], None] | None = None,
    ) -> None:
        """`make_folder` is called with the parent folder where that is missing."""
        self.path = path
        self.run = run
        self.writer = writer
        self.fd = -1
        self.checked = 0.0
        self.broken: str | None = None
        self._file: tuple[int, int] | None = None
        self._end = 0
        self._prefix = b""
        self._make_folder = make_folder

    def append(self, records: Sequence[Record]) -> None:
        """Add `records` with one write; BackendError where not all of it reached the file."""
        data = _encode_all(records, self.run is None)
        now = _monotonic()
        if self.fd < 0 or now - self.checked > CHECK_EVERY or self._position() != self._end:
            self._look(now)
        if self._prefix:
            data = self._prefix + data
        try:
            written = os.write(self.fd, data)
        except OSError as error:
            raise self._fail(str(error)) from error
        if written != len(data):
            raise self._fail(f"only {written} of {len(data)} bytes could be written", written)
        self._end += written
        self._prefix = b""

    def sync(self) -> None:
        """Wait until the disk has what was appended; raises BackendError."""
        if self.fd >= 0:
            sync_descriptor(self.fd, self.path)

    def close(self) -> None:
        """Let go of the file; the next append opens it again."""
        ours = self.fd >= 0 and self._state() is not None
        fd = self.detach()
        if ours:
            with contextlib.suppress(OSError):
                os.close(fd)

    def detach(self) -> int:
        """The open descriptor, now the caller's to close, or -1.

        The number is forgotten before it is closed: a child forked in between never closes a
        descriptor that has come to mean another file.
        """
        fd, self.fd = self.fd, -1
        return fd

    def __del__(self) -> None:
        self.close()

    def _look(self, now: float) -> None:
        if self.broken is not None:
            raise BackendError(f"{self.path}: closed after: {self.broken}")
        try:
            if self.fd >= 0:
                self._check()
            if self.fd < 0:
                self._open()
        except OSError as error:
            raise self._fail(str(error)) from error
        self.checked = now

    def _check(self) -> None:
        state = self._state()
        if state is None:
            self.detach()
        elif state.st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "it was removed")
        else:
            self._end = self._position()

    def _state(self) -> os.stat_result | None:
        """What the system says of the descriptor; None where it does not mean our file any more."""
        try:
            state = os.fstat(self.fd)
        except OSError:
            return None
        return state if (state.st_dev, state.st_ino) == self._file else None

    def _position(self) -> int:
        try:
            return os.lseek(self.fd, 0, os.SEEK_CUR)
        except OSError:
            return -1

    def _open(self) -> None:
        for _ in range(3):
            self.fd = fd = self._open_file()
            if self.run is None:
                _share(fd)
            state = os.fstat(fd)
            if state.st_nlink:
                break
            os.close(self.detach())  # removed or rewritten between opening and locking
        else:
            raise FileNotFoundError("removed again and again")
        self._file = (state.st_dev, state.st_ino)
        self._end = os.lseek(fd, 0, os.SEEK_END)
        self._prefix = _end_of_torn_line(self.path) if state.st_size else self._header()

    def _open_file(self) -> int:
        """The file anew; it is made at the first time alone, since what it held is gone with it."""
        if self._file is not None:
            return _apart(os.open(self.path, _FLAGS & ~os.O_CREAT))
        try:
            return _apart(os.open(self.path, _FLAGS, 0o666))
        except FileNotFoundError:
            if self._make_folder is None:
                raise
            self._make_folder(self.path.parent)
            return _apart(os.open(self.path, _FLAGS, 0o666))

    def _header(self) -> bytes:
        return _encode(Header(FORMAT, self.run, self.writer)) + b"\n"

    def _fail(self, why: str, written: int = 0) -> BackendError:
        self.broken = why
        if written:
            with contextlib.suppress(OSError):
                _cut_back(self.fd, written)
        self.close()
        return BackendError(f"{self.path}: {why}")


def _apart(fd: int) -> int:
    """`fd`, moved away from the numbers of standard streams that the program has closed."""
    if fd > 2 or fcntl is None:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


def sync_descriptor(fd: int, path: Path | str) -> None:
    """`fsync`, where the file system has such a thing; raises BackendError."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise BackendError(f"{path}: {error}") from error


def _cut_back(fd: int, written: int) -> None:
    """Take the last `written` bytes away, unless somebody else has appended since."""
    end = os.lseek(fd, 0, os.SEEK_CUR)
    if os.fstat(fd).st_size == end:
        os.ftruncate(fd, end - written)


def _end_of_torn_line(path: Path) -> bytes:
    """What ends a torn last line, so that it does not swallow the line appended next."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"


def _share(fd: int) -> None:
    """Hold a shared lock while the file is open: whoever rewrites it takes it alone."""
    if fcntl is None:
        return
    for _ in range(50):
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return  # no locks on this file system: `lock_alone` gets none either
    raise BlockingIOError("a process that rewrites it does not come to an end")


def lock_alone(fd: int, path: Path) -> None:
    """Take an open journal for rewriting; raises BackendError while a process writes it."""
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BackendError(
            f"{path}: the process that writes it is alive; delete its light runs once it has ended"
        ) from error
