"""What a shipper does again and again: look what is new, send it, take over what others left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from ..backend import Backend
from ..errors import BackendError, NotFound, reason
from ..forking import ForkSafeLock
from ..opening import open_backend
from ..records import Record
from ..reporting import note
from . import outbox as outboxes
from .complaints import Complaints
from .files import NAMING, Files
from .outbox import Outbox, Stream
from .pausing import Pause
from .sending import MOST, Behind, Refusals, Refused, Sender, firsts
from .sweeping import sweep
from .tail import Chunk, Tail

EVERY = 1.0
"""Seconds between two looks for something new."""
SCAN_EVERY = 10.0
"""Seconds between two looks for what processes that are gone have left."""
LOOK_AGAIN = 30
"""Rounds after which a run that has ended is looked at again."""
REFUSED_PAUSE = 60.0
"""Seconds after which a run that the destination refuses is tried again."""
SWEEP_EVERY = 600.0
"""Seconds between two looks for what may go from the spool."""
PARKED = 600.0
"""Seconds after which what another process left and could not be sent is tried again."""
REFUSED_MOST = 3
"""Runs refused in a row after which it is the destination that refuses us."""

Part = tuple[Tail, Chunk]


class Rounds:
    """Everything that a shipper's thread knows; used by that thread alone.

    Attributes:
        pause: How long the destination is left alone, and after how many failures.
        complete: Whether the last round has sent all there was of this process.
        error: Why the newest round that failed did.
        settled: How many streams the destination has come to hold.
    """

    def __init__(
        self,
        target: Backend,
        name: str,
        outbox: Outbox,
        folder: Path,
        lock: ForkSafeLock,
        progress: Callable[[int], object] = lambda _: None,
        age: float = 0.0,
    ) -> None:
        """`progress` is told how many streams are settled, after each; `age`: see `sweep`."""
        self.pause = Pause()
        self.complete = True
        self.error = ""
        self._told = Complaints(name, outbox, lock)
        self.sender = Sender(target, Refusals(self._told.record, self._told.file))
        self._name = name
        self._own = outbox
        self._folder = folder
        self._lock = lock
        self._tails: dict[Stream, Tail] = {}
        self._files: dict[tuple[str, str], Files] = {}
        self._stores: dict[str, Backend] = {}
        self._refusing: dict[tuple[str, str], float] = {}
        self._in_a_row = 0
        self._taken: Outbox | None = None
        self._parked: dict[Path, float] = {}
        self._scanned = -SCAN_EVERY
        self.settled = 0
        self._age = age
        self._swept = -SWEEP_EVERY
        self._progress = progress
        self._count = self._doubted = 0
        self._closing = False

    def abandon(self) -> None:
        """Let go of what was taken over."""
        if self._taken is not None:
            self._taken.abandon()

    def adopt(self, stream: Stream) -> None:
        """Send a stream of this process from now on."""
        tail = self._tails.get(stream)
        if tail is None:
            self._tails[stream] = Tail(stream, self._own)
        else:
            tail.settled = False

    def work(self, *, asked: bool, closing: bool = False) -> None:
        """One round; `asked` where somebody waits for it, `closing` where nothing will follow."""
        self._count += 1
        self._closing = closing
        if self.pause.left and (not asked or self.pause.told):
            return
        self.complete = False
        try:
            self._send_own(asked)
            if not asked:
                self._send_orphans()
                self._sweep()
            self._retry_refused()
        except BackendError as error:
            self._failed(error)
        else:
            self.complete = not any(map(self._is_open, self._tails.values()))
            self.pause.over()

    def _is_open(self, tail: Tail) -> bool:
        return not tail.orphan and (tail.doubtful or bool(tail.skipped) or tail.more)

    # -- journals --------------------------------------------------------------------------

    def _send_own(self, asked: bool) -> None:
        """Send what is new of every stream, several in a batch, until all is read."""
        again = asked or self._count % LOOK_AGAIN == 0
        due = self._due(again)
        reading = due
        while reading:
            self._send_some(reading)
            reading = [tail for tail in self._due(again) if tail.more or tail.doubtful]
        for tail in due:
            if self._closing or (tail.ended and tail.stream.run is not None):
                self._settle(tail)
            elif tail.stream.run is not None and tail.expected:
                self._files_of(tail, tail.stream.run).early(self.sender)

    def _due(self, again: bool) -> list[Tail]:
        own = (tail for tail in self._tails.values() if not tail.orphan)
        return [tail for tail in own if again or not tail.settled or tail.doubtful]

    def _send_some(self, tails: list[Tail]) -> None:
        """Send a chunk of each journal, or all of one that is doubtful."""
        parts: list[Part] = []
        count = 0
        for tail in tails:
            if tail.doubtful:
                self._send_alone(tail)
            elif (chunk := self._next(tail)) is not None:
                parts.append((tail, chunk))
                count += len(chunk.records)
                if count >= MOST:
                    self._send(parts)
                    parts, count = [], 0
        self._send(parts)

    def _next(self, tail: Tail) -> Chunk | None:
        """What comes next in a journal, unless it has been read as far as it went."""
        try:
            chunk = tail.next() if tail.more or tail.grown() else None
        except (FileNotFoundError, NotADirectoryError):
            if tail.orphan or tail.seen or self._closing:  # else it is about to be made
                self._search(tail)
            return None
        except OSError as error:
            note("delivery", f"{tail.path}: {error}")
            tail.lost = True
            tail.rewind()
            return None
        tail.lost = False
        return chunk

    def _search(self, tail: Tail) -> None:
        """A run's folder was removed by hand, or renamed: then the store finds it."""
        run, store = tail.stream.run, tail.stream.store
        tail.lost = not Path(store).is_dir()
        with contextlib.suppress(NotFound):
            if run is not None and not tail.lost:
                self.sender.bring(self._store(store), run)
        tail.ended = True
        tail.rewind()

    def _send(self, parts: list[Part]) -> None:
        """Send chunks of journals together; where that fails, each is sent alone next."""
        if not parts:
            return
        try:
            self._write(parts)
        except BackendError as error:
            if isinstance(error, Behind):
                self._doubt_all()
            for tail, _ in parts:
                tail.doubtful = True
            if not (error.permanent or isinstance(error, Behind)):
                raise

    def _send_alone(self, tail: Tail) -> None:
        """Send a journal of which the destination may hold less or more than we think."""
        tail.floors.clear()
        rewound = 0
        if tail.stream.run is None or tail.settled:
            self._rewind(tail)
        while (chunk := self._next(tail)) is not None:
            if self._lacks(tail, chunk):
                if rewound > REFUSED_MOST:
                    raise BackendError("it does not keep what it is given")
                rewound += 1
                self._rewind(tail)
                self._doubt_all()
                continue
            try:
                self._write([(tail, chunk)])
            except Behind:
                tail.floors.clear()
            except Refused as error:
                self._refuse(tail, error)
        tail.doubtful = False

    def _lacks(self, tail: Tail, chunk: Chunk) -> bool:
        """Whether the destination lacks what comes before `chunk`; asked once for each run."""
        writer = tail.stream.writer
        for run, seqs in firsts(chunk.records).items():
            if run not in tail.floors and run not in tail.skipped:
                try:
                    tail.floors[run] = self.sender.acked(run).get(writer, 0)
                except Refused as error:
                    self._refuse(tail, error)
            if run not in tail.skipped and tail.floors[run] < seqs[writer]:
                return True
        return False

    def _rewind(self, tail: Tail) -> None:
        tail.rewind()
        tail.floors.clear()
        for (store, run), files in self._files.items():
            if store == tail.stream.store and tail.stream.run in (None, run):
                files.forget()

    def _doubt_all(self) -> None:
        """What was emptied may lack any run, also one that is settled; once in a round."""
        if self._doubted != self._count:
            self._doubted = self._count
            for tail in self._tails.values():
                tail.doubtful = True
            for files in self._files.values():
                files.forget()

    def _write(self, parts: list[Part]) -> None:
        """Send the files that the records speak of, then the records."""
        records: list[Record] = []
        for tail, chunk in parts:
            wanted = tail.wanted(chunk)
            self._told.outbox = tail.outbox
            self._send_files(tail, wanted)
            records += wanted
        self.sender.write(records)
        for tail, chunk in parts:
            tail.done(chunk)
        self._in_a_row = 0

    # -- files -----------------------------------------------------------------------------

    def _send_files(self, tail: Tail, records: list[Record]) -> None:
        naming = [record for record in records if record.kind in NAMING]
        for run in dict.fromkeys(record.run for record in naming):
            self._files_of(tail, run).before(naming, self.sender)
        if tail.stream.run is not None and any(record.kind == "end" for record in records):
            self._files_of(tail, tail.stream.run).all(self.sender)

    def _files_of(self, tail: Tail, run: str) -> Files:
        store = tail.stream.store
        if (store, run) not in self._files:
            self._files[store, run] = Files(self._store(store), run)
        return self._files[store, run]

    def _store(self, path: str) -> Backend:
        if path not in self._stores:
            self._stores[path] = open_backend(Path(path))
        return self._stores[path]

    # -- what is settled -------------------------------------------------------------------

    def _settle(self, tail: Tail) -> None:
        """Note that the destination holds a stream, where it says so itself."""
        if tail.settled or tail.doubtful or tail.skipped or tail.more or tail.lost:
            return
        run = tail.stream.run
        if run is not None:
            self._files_of(tail, run).all(self.sender)
            held = self.sender.acked(run).get(tail.stream.writer, 0)
            if held < tail.expected:
                tail.doubtful = True
                return
            self.sender.confirm(run)
        with contextlib.suppress(BackendError), self._lock:  # of a full disk; it is sent again
            if not tail.grown_quietly():
                tail.settled = True
                self.settled += 1
                tail.outbox.settle(tail.stream)
        self._files.pop((tail.stream.store, run or ""), None)

    # -- what others left ------------------------------------------------------------------

    def _send_orphans(self) -> None:
        """Take over what processes left that are gone, one outbox at a time, and send it."""
        while self._take_one():
            looked = time.monotonic()
            for tail in [tail for tail in self._tails.values() if tail.orphan]:
                if time.monotonic() - looked > EVERY:
                    self._send_own(asked=False)
                    looked = time.monotonic()
                self._send_alone(tail)
                self._settle(tail)
                del self._tails[tail.stream]
                self._progress(self.settled)
            self._let_go()

    def _take_one(self) -> bool:
        """Whether something of another process is there to be sent."""
        if self._taken is not None:
            return True
        if time.monotonic() - self._scanned < SCAN_EVERY:
            return False
        for path in outboxes.outboxes(self._folder):
            if path != self._own.path and self._parked.get(path, 0.0) <= time.monotonic():
                found = outboxes.take(path)
                if found is not None:
                    for stream in found.owed:
                        self._tails.setdefault(stream, Tail(stream, found, orphan=True))
                    self._taken = found
                    return True
        self._scanned = time.monotonic()
        return False

    def _let_go(self) -> None:
        """What could not be settled is tried again later, by whoever comes first."""
        if self._taken is not None:
            self._parked[self._taken.path] = time.monotonic() + PARKED
            self._taken.close()
            self._taken = None

    def _sweep(self) -> None:
        """Now and then, see whether the spool holds what nobody waits for."""
        if time.monotonic() - self._swept > SWEEP_EVERY:
            self._swept = time.monotonic()
            with contextlib.suppress(BackendError):
                sweep(self._folder.parent.parent, self._age)

    # -- what fails ------------------------------------------------------------------------

    def _refuse(self, tail: Tail, error: Refused) -> None:
        """Leave a run aside that the destination refuses; several in a row: that refuses us."""
        tail.skipped.add(error.run)
        if not tail.orphan:
            self._refusing[tail.stream.store, error.run] = time.monotonic() + REFUSED_PAUSE
        note("delivery", f"{self._name} refuses run {error.run[:8]}: {self._reason(error)}")
        self._in_a_row += 1
        if self._in_a_row >= REFUSED_MOST:
            self._in_a_row = 0
            raise BackendError(str(error))

    def _reason(self, error: BackendError) -> str:
        return reason(error, self._name, self.sender.target.uri)

    def _retry_refused(self) -> None:
        for (store, run), when in list(self._refusing.items()):
            if time.monotonic() < when:
                continue
            self._refusing[store, run] = time.monotonic() + REFUSED_PAUSE
            with contextlib.suppress(Refused, NotFound):
                self.sender.bring(self._store(store), run)
                del self._refusing[store, run]
                for tail in self._tails.values():
                    if tail.stream.store == store and run in tail.skipped:
                        tail.skipped.discard(run)
                        tail.doubtful = True

    def _failed(self, error: BackendError) -> None:
        """Leave the destination alone for a while; the first time in a row that is told."""
        first = self.pause.failures == 0
        self.error = self._reason(error)
        self.pause.failed(error.retry_after)
        if first:
            self._told.failed(self._own, self.error)
