"""The write side of a local store: which journal a record goes to, and what it holds already."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from autolog.errors import BackendError
from autolog.journal import FORMAT, JournalWriter, sync_descriptor
from autolog.journal_read import contiguous, read_journal
from autolog.paths import check_id
from autolog.records import Batch, Record

from ._local_syncing import Debt

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LIGHT = "light"
MAX_OPEN = 64
"""Journals that are open at once, but at most a quarter of the descriptors that the process may
have; the one that was idle longest is closed, and opened again."""
MAX_STREAMS = 4096
"""Pairs of run and writer whose next seq is remembered; others are read from the disk again."""
MARK = f"autolog-runs {FORMAT}\n"


def _is_plain(batch: Batch) -> bool:
    """Whether there are records, none of which ends its run."""
    for fact in batch.facts:
        if fact[1] == "end":
            return False
    return bool(batch.facts)


class _Stream:
    """One (run, writer) that this process writes: its journal, and the seq that comes next."""

    __slots__ = ("journal", "next")

    def __init__(self, journal: JournalWriter, expected: int) -> None:
        self.journal = journal
        self.next = expected  # -1 while a write is under way: an interrupted one is looked up


class Streams:
    """All that one process writes to the store at `root`.

    `acked` and `is_light` are asked where a stream is met whose beginning was not written here:
    how many records of each writer the run has, and whether it stands in a shared journal. The
    journals of ended runs are forced to the disk by `debt`.
    """

    def __init__(
        self,
        root: Path,
        acked: Callable[[str], dict[str, int]],
        is_light: Callable[[str, str], bool],
        debt: Debt,
    ) -> None:
        self.root = root
        self._debt = debt
        self.lock = threading.Lock()
        self._acked = acked
        self._is_light = is_light
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._shared: dict[str, JournalWriter] = {}
        self._mine: set[str] = set()  # writers whose shared journal has been ours from its start
        self._forgotten: set[int] = set()  # hashes of streams that were once known
        self._open: dict[JournalWriter, None] = {}
        self._checked = False

    def write(self, batch: Sequence[Record]) -> None:
        """Append `batch`; what is of one (run, writer) is stored whole or, on an error, not."""
        try:
            if type(batch) is Batch and _is_plain(batch):
                with self.lock:
                    self._write_quickly(batch)
            else:
                self._write_all(batch)
        except OSError as error:
            raise BackendError(f"{self.root}: {error}") from error

    def _write_all(self, batch: Sequence[Record]) -> None:
        ended: list[str] = []
        try:
            with self.lock:
                for records in _by_stream(batch):
                    self._write_records(records)
                    if any(record.kind == "end" for record in records):
                        ended += self._end(records[0])
        finally:
            if ended:
                self._debt.owe(ended, end=True)

    def _write_quickly(self, batch: Batch) -> None:
        stream = self._streams.get((batch.run, batch.writer))
        if stream is None or stream.next != batch.seq or stream.journal.fd < 0:
            self._write_records(batch)
            return
        stream.next = -1
        stream.journal.append(batch)
        stream.next = batch.seq + len(batch.facts)

    def _write_records(self, records: Sequence[Record]) -> None:
        """Append those of one stream's records that it lacks."""
        first, last = records[0], records[-1]
        stream = self._streams.get((first.run, first.writer))
        if stream is None or stream.next < 0 or first.seq > stream.next:
            stream = self._open_stream(first)
        fresh = _continuing(records, stream.next)
        if fresh:
            self._make_room(stream.journal)
            stream.next = -1
            stream.journal.append(fresh)
            stream.next = fresh[-1].seq + 1
        if last.seq >= stream.next:
            raise BackendError(
                f"run {first.run}, writer {first.writer}: record {last.seq} came before "
                f"record {stream.next}"
            )

    def _open_stream(self, record: Record) -> _Stream:
        """The stream of `record`, as the disk has it."""
        run, writer = record.run, record.writer
        check_id(run)
        check_id(writer)
        known = self._streams.pop((run, writer), None)
        new = known is None and hash((run, writer)) not in self._forgotten
        self._forget_old_streams()
        light = record.kind == "run" and _is_light(record.value)
        if light or (record.seq and self._is_light(run, writer)):
            stream = self._light_stream(run, writer, new=new)
        else:
            if known is not None:
                self._close(known.journal)
            path = self.root / run / f"journal-{writer}.jsonl"
            journal = JournalWriter(path, run, writer, self._make_folder)
            stream = _Stream(journal, self._held(path, record))
        self._streams[run, writer] = stream
        return stream

    def _light_stream(self, run: str, writer: str, *, new: bool) -> _Stream:
        path = self.root / LIGHT / f"journal-{writer}.jsonl"
        journal = self._shared.get(writer)
        if journal is None or journal.broken is not None:
            self._mine.discard(writer)
            if not path.exists():
                self._mine.add(writer)
            journal = JournalWriter(path, None, writer, self._make_folder)
            self._shared[writer] = journal
            _put_aside_if_damaged(path)
        if new and writer in self._mine:
            return _Stream(journal, 0)
        return _Stream(journal, self._acked(run).get(writer, 0))

    def _held(self, path: Path, record: Record) -> int:
        """How many of the records that `record` belongs to are stored already."""
        _put_aside_if_damaged(path)
        if path.exists():
            return contiguous(line.seq for line in read_journal(path).lines())
        # Only a run whose folder was renamed by hand has records elsewhere.
        return self._acked(record.run).get(record.writer, 0) if record.seq else 0

    def _forget_old_streams(self) -> None:
        if len(self._streams) < MAX_STREAMS:
            return
        for key, stream in list(self._streams.items())[: MAX_STREAMS // 2]:
            if stream.journal.run is None or stream.journal.fd < 0:
                self._forgotten.add(hash(key))
                del self._streams[key]

    def _make_room(self, journal: JournalWriter) -> None:
        """See to it that `journal` may be opened."""
        if journal.fd >= 0:
            return
        if len(self._open) >= _most_open():
            self._close(min(self._open, key=lambda one: one.checked))
        self._open[journal] = None

    def _close(self, journal: JournalWriter) -> None:
        self._open.pop(journal, None)
        journal.close()

    def _end(self, record: Record) -> list[str]:
        """Close the ended run's journal; its path, to be forced to the disk without the lock."""
        journal = self._streams[record.run, record.writer].journal
        if journal.run is None or journal.fd < 0:
            return []
        self._close(journal)
        return [str(journal.path)]

    def make_root(self) -> None:
        """See to it that the store is there; raises OSError, and BackendError for a later format.

        `.gitignore` is put only where we made the folder or nothing was in it: a folder that
        somebody keeps under version control stays there.
        """
        mark = self.root / "format"
        if self._checked and mark.exists():
            return
        self.root.mkdir(parents=True, exist_ok=True)
        if mark.exists():
            _check_format(mark)
        elif not any(self.root.iterdir()):
            _put(self.root / ".gitignore", "*\n")
        _put(mark, MARK)
        self._checked = True

    def _make_folder(self, folder: Path) -> None:
        self.make_root()
        folder.mkdir(exist_ok=True)

    def sync(self, run: str) -> None:
        """Wait until the disk has what was written to the run's journals; raises BackendError."""
        try:
            with self.lock:
                journals = {s.journal for (owner, _), s in self._streams.items() if owner == run}
                copies = [(os.dup(j.fd), j.path) for j in journals if j.fd >= 0]
        except OSError as error:
            raise BackendError(f"{self.root}: {error}") from error
        sync_and_close(copies)

    def forget(self, run: str) -> None:
        """Close what is open of `run` and know nothing of it any more; the caller has the lock."""
        for key, stream in list(self._streams.items()):
            if key[0] == run or stream.journal.run is None:
                self._close(stream.journal)  # or a shared one's lock would keep the run
                del self._streams[key]
        self._shared.clear()
        self._mine.clear()

    def close(self) -> None:
        """Close every journal; a later write opens what it needs."""
        for journal in list(self._open):
            self._close(journal)


def _most_open() -> int:
    if resource is None:
        return MAX_OPEN
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_OPEN if limit == resource.RLIM_INFINITY else max(min(MAX_OPEN, limit // 4), 1)


def sync_and_close(descriptors: Sequence[tuple[int, Path]]) -> None:
    """Sync each descriptor and close it all the same; raises BackendError."""
    for fd, path in descriptors:
        try:
            sync_descriptor(fd, path)
        finally:
            os.close(fd)


def _check_format(mark: Path) -> None:
    found = mark.read_text("utf-8", errors="replace").strip()
    if found not in ("", MARK.strip()):
        raise BackendError(f"{mark.parent}: its format is {found[:40]!r}, ours {MARK.strip()!r}")


def _put(path: Path, text: str) -> None:
    """Write a small file, unless another process was first."""
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(text)


def _by_stream(batch: Sequence[Record]) -> list[list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in batch:
        groups.setdefault((record.run, record.writer), []).append(record)
    return list(groups.values())


def _continuing(records: Sequence[Record], expected: int) -> list[Record]:
    """The records from `expected` on, as far as no seq is missing; those held are passed over."""
    fresh: list[Record] = []
    for record in records:
        if record.seq == expected + len(fresh):
            fresh.append(record)
        elif record.seq > expected + len(fresh):
            break
    return fresh


def _is_light(value: object) -> bool:
    return isinstance(value, dict) and value.get("light") is True


def _put_aside_if_damaged(path: Path) -> None:
    """Rename a file that is no journal, so that its name is free; nobody could read it anyway."""
    if not path.exists() or not path.stat().st_size:
        return
    if read_journal(path, header_only=True).header is None:
        path.replace(path.with_name(path.name + ".damaged"))
