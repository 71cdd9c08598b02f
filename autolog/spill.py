"""Numbering of facts, and where they go when their store fails: no error of it gets past here."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from .backend import Backend
from .codec import escape_text
from .errors import BackendError
from .journal import encode_record
from .opening import open_backend
from .records import Batch, Fact, Record
from .reporting import RECORDS, note, report, strict

REMEMBERED = 1024
"""Ended runs whose next seq is remembered, for the facts that come after the end."""
RETRY_AFTER = 1.0
"""Seconds for which a run whose facts can be stored nowhere is left alone before the next try."""

Placed = Callable[[str, Backend, str, bool], object]

_getpid = os.getpid


class _Stream:
    """Where one run's facts go now, and under which name the next one will stand."""

    __slots__ = ("backend", "failed", "light", "lock", "lost", "retry_at", "seq", "why", "writer")

    def __init__(self, backend: Backend, writer: str) -> None:
        self.lock = threading.Lock()
        self.backend = backend
        self.writer = writer
        self.seq = 0  # -1 while a write is under way: after an interrupted one the store is asked
        self.lost = 0
        self.failed = False
        self.light = False
        self.retry_at = 0.0
        self.why = ""


class ResilientWriter:
    """Gives facts their names and stores them; what fails goes to a spill, or is counted.

    `append` never raises for a store's sake. Where the store fails, the pair of run and writer is
    closed for good; the run goes on under a new writer, in the same store if that works again,
    else in the one that `make_spill` gives. A new writer's first records are the run's opening
    and, where some were lost, `system` `autolog.lost`. A forked child is a new writer. Safe for
    threads, which wait for one another only within a run. `placed(run, store, writer, light)` is
    told before the first record of a run goes to a store under a writer's id; it must not raise.
    """

    def __init__(
        self,
        backend: Backend,
        make_spill: Callable[[], Backend | None],
        placed: Placed | None = None,
    ) -> None:
        self.backend = backend
        self._make_spill = make_spill
        self._placed = placed
        self._spill: Backend | None = None
        self._begin({})

    def _begin(self, openings: dict[str, Fact]) -> None:
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        self._ended: OrderedDict[str, _Stream] = OrderedDict()
        self._dropped: set[int] = set()  # hashes of run ids
        self._openings = openings
        self._writer = secrets.token_hex(16)
        self._pid = _getpid()

    @property
    def writer(self) -> str:
        """The id under which this process begins to write to its runs."""
        if self._pid != _getpid():
            self._begin(dict(self._openings))
        return self._writer

    def lost(self, run: str) -> int:
        """How many facts of `run` could be stored nowhere, as long as no record tells it."""
        stream = self._streams.get(run)
        return 0 if stream is None else stream.lost

    def place(self, run: str) -> Backend:
        """The store that the facts of `run` go to now, and its files with them."""
        stream = self._streams.get(run)
        return self.backend if stream is None else stream.backend

    def append(self, run: str, facts: Sequence[Fact]) -> None:
        """Store `facts` of `run` in this order; at return they survive this process's death."""
        if self._pid != _getpid():
            self._begin(dict(self._openings))
        stream = self._streams.get(run)
        if stream is None:
            stream, facts = self._open(run, facts)
        if not facts:
            return
        first = facts[0]
        with stream.lock:
            if first[1] == "run":
                self._openings[run] = first
            if (stream.seq < 0 or stream.lost) and not self._ready(run, stream, facts):
                return
            seq = stream.seq
            stream.seq = -1
            try:
                stream.backend.write(Batch(run, stream.writer, seq, facts))
            except Exception as error:
                stream.seq = seq
                self._recover(run, stream, facts, error)
            else:
                stream.seq = seq + len(facts)

    def forget(self, run: str) -> None:
        """Let go of an ended run; a later append to it goes on where it was."""
        with self._lock:
            stream = self._streams.get(run)
            if stream is None or stream.failed or stream.lost:
                return  # where a failed stream stands is known here alone
            del self._streams[run]
            self._ended[run] = stream
            if len(self._ended) > REMEMBERED:
                old, _ = self._ended.popitem(last=False)
                self._openings.pop(old, None)
                self._dropped.add(hash(old))

    def _open(self, run: str, facts: Sequence[Fact]) -> tuple[_Stream, Sequence[Fact]]:
        """The stream of a run that is not at hand, and the facts with what must precede them."""
        with self._lock:
            if run in self._streams:
                return self._streams[run], facts
            stream = self._ended.pop(run, None)
            if stream is None:
                stream = _Stream(self.backend, self._writer)
                if hash(run) in self._dropped:
                    stream.seq = -1
                opening = self._openings.get(run)
                if opening is not None and facts and facts[0][1] != "run":
                    facts = [opening, *facts]
                stream.light = _begins_light(facts)
            if self._placed is not None:
                self._placed(run, stream.backend, stream.writer, stream.light)
            self._streams[run] = stream
            return stream, facts

    def _ready(self, run: str, stream: _Stream, facts: Sequence[Fact]) -> bool:
        """Whether the next seq is known; if it cannot be, `facts` have been seen to."""
        if stream.lost:
            if time.monotonic() < stream.retry_at:
                stream.lost += len(facts)
            else:
                self._restart(run, stream, facts)
            return False
        try:
            stream.seq = stream.backend.acked(run).get(stream.writer, 0)
        except Exception as error:
            self._recover(run, stream, facts, error)
            return False
        return True

    def _recover(self, run: str, stream: _Stream, facts: Sequence[Fact], error: Exception) -> None:
        """Find another place for what `error` kept from being stored."""
        expected = isinstance(error, BackendError)
        stream.why = str(error) if expected else f"{type(error).__name__}: {error}"
        held = _held(stream.backend, run, stream.writer)
        if stream.seq >= 0 and held is not None:
            facts = facts[max(held - stream.seq, 0) :]
            stream.lost += max(stream.seq - held, 0)
        good = [fact for fact in facts if _storable(fact)]
        stream.lost += len(facts) - len(good)
        self._restart(run, stream, good)
        if strict() and not expected:
            raise error

    def _restart(self, run: str, stream: _Stream, facts: Sequence[Fact]) -> None:
        """Go on under a new writer wherever that works; else count what is lost."""
        stream.failed = True
        for place in (self._in_store, self._in_spill):
            writer = secrets.token_hex(16)
            head = self._beginning(run, stream, facts)
            backend = place()
            if backend is None:
                continue
            stream.light = _begins_light([*head, *facts])
            if self._placed is not None:
                self._placed(run, backend, writer, stream.light)
            try:
                backend.write(Batch(run, writer, 0, [*head, *facts]))
            except Exception:
                facts = facts[max((_held(backend, run, writer) or 0) - len(head), 0) :]
                continue
            self._tell(stream.why, backend, stream.lost)
            stream.backend, stream.writer, stream.lost = backend, writer, 0
            stream.seq = len(head) + len(facts)
            return
        stream.lost += len(facts)
        stream.retry_at = time.monotonic() + RETRY_AFTER
        self._tell(stream.why, None, stream.lost)

    def _beginning(self, run: str, stream: _Stream, facts: Sequence[Fact]) -> list[Fact]:
        """What a new writer says first: which run this is, and how many records are lost."""
        head: list[Fact] = []
        opening = self._openings.get(run)
        if opening is not None and (not facts or facts[0] is not opening):
            head.append(opening)
        if stream.lost:
            value = {"records": stream.lost, "error": escape_text(stream.why)}
            head.append((time.time(), "system", "autolog.lost", value, None, None))
        return head

    def _in_store(self) -> Backend:
        return self.backend

    def _in_spill(self) -> Backend | None:
        with self._lock:
            if self._spill is None:
                try:
                    self._spill = self._make_spill()
                except Exception as error:
                    note("making a spill", str(error))
            return self._spill

    def _tell(self, why: str, backend: Backend | None, lost: int) -> None:
        if backend is None:
            report(RECORDS, BackendError(f"they are lost, and counted; {why}"))
        elif backend is not self.backend:
            report(RECORDS, BackendError(f"they go on in {backend.uri}; {why}"))
        elif lost:
            report(RECORDS, BackendError(f"{lost} of a run are lost; {why}"))
        else:
            note(RECORDS, why)


def _begins_light(facts: Sequence[Fact]) -> bool:
    """Whether these are the first facts of a writer that opens a light run."""
    if not facts or facts[0][1] != "run":
        return False
    value = facts[0][3]
    return isinstance(value, dict) and value.get("light") is True


def _held(backend: Backend, run: str, writer: str) -> int | None:
    """How many of a writer's records the store has; None where it does not say."""
    try:
        return backend.acked(run).get(writer, 0)
    except Exception:
        return None


def _storable(fact: Fact) -> bool:
    try:
        encode_record(Record("", "", 0, *fact))
    except BackendError:
        return False
    return True


def open_spill() -> Backend | None:
    """A store in the temporary folder that this user alone can read; None where there is none."""
    try:
        return open_backend(_spill_folder())
    except (OSError, BackendError):
        return None


def _spill_folder() -> Path:
    """`<tmp>/autolog-spill-<uid>-<pid>`, or another name where somebody else has that one."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir()) / f"autolog-spill-{user}-{_getpid()}"
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        state = path.lstat()
        ours = stat.S_ISDIR(state.st_mode) and state.st_uid == user and not state.st_mode & 0o077
        if not ours:
            return Path(tempfile.mkdtemp(prefix="autolog-spill-"))
    return path
