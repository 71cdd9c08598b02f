"""Where the runs of a local store lie: folders by name, renamed folders by header, light runs."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import msgspec

from autolog.errors import BackendError
from autolog.journal import Header
from autolog.journal_read import JournalFile, Line, decode_line, read_journal
from autolog.paths import is_id

from ._local_writing import LIGHT

_OURS = (LIGHT, "marks")


class _Tail(msgspec.Struct, array_like=True):
    """A line of a light journal, read only as far as to know whose it is."""

    seq: int
    time: msgspec.Raw
    kind: msgspec.Raw
    key: msgspec.Raw
    value: msgspec.Raw
    step: msgspec.Raw
    info: msgspec.Raw
    run: str


_tail = msgspec.json.Decoder(_Tail)


def journal_paths(folder: Path) -> list[Path]:
    """The journals in a run's folder, sorted by name; empty where there is no such folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208, of 10,000 folders in a row
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BackendError(f"{folder}: {error}") from error
    return [folder / n for n in sorted(names) if n.startswith("journal-") and n.endswith(".jsonl")]


class LightJournal:
    """A journal that many runs share, and where in it each of them stands.

    Only what was appended since the last look is read again. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header | None = None
        self.spans: dict[str, list[int]] = {}
        self._problems: list[str] = []
        self._bad = 0
        self.sums: dict[str, int] = {}  # checksums of each run's lines
        self._inode = -1
        self._size = 0
        self._changed = 0
        self._end = 0

    @property
    def notes(self) -> list[str]:
        """What could not be read of it."""
        bad = f"{self.path}: {self._bad} unreadable line{'s' * (self._bad > 1)} passed over"
        return [*self._problems, *[bad] * (self._bad > 0)]

    def state(self) -> list[Any]:
        """What is known, for `recall`."""
        file = [self._inode, self._size, self._changed, self._end, self._print()]
        return [*file, self._problems, self._bad, self.spans, self.sums]

    def recall(self, state: list[Any]) -> None:
        """Take over what another process knew; `update` then looks whether it is still so."""
        self.header = read_journal(self.path, header_only=True).header
        self._inode, self._size, self._changed, self._end, known, *rest = state
        self._problems, self._bad, self.spans, self.sums = rest
        if self.header is None or self._print() != known:
            self._forget(-1)

    def _print(self) -> str:
        """The last bytes of what is known: an inode may be another file's by now."""
        with self.path.open("rb") as file:
            file.seek(max(0, self._end - 256))
            return file.read(min(256, self._end)).hex()

    def update(self) -> None:
        """Look for lines that were added; start anew where the file was rewritten."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            self._forget(-1)
            return
        edited = state.st_size == self._size and state.st_mtime_ns != self._changed
        if state.st_ino != self._inode or state.st_size < self._end or edited:
            self._forget(state.st_ino)
            journal = read_journal(self.path)
            self.header, self._problems = journal.header, journal.notes
        if self.header is not None and state.st_size > self._end:
            self._extend()
        self._size, self._changed = state.st_size, state.st_mtime_ns

    def lines(self, run: str) -> list[Line]:
        """The lines of `run` in the file's order."""
        self.update()
        lines = (decode_line(text) for text in b"".join(self._pieces(run)).splitlines())
        return [line for line in lines if line is not None]

    def _pieces(self, run: str) -> list[bytes]:
        found = []
        spans = self.spans.get(run, [])
        with self.path.open("rb") as file:
            for start, end in zip(spans[::2], spans[1::2], strict=True):
                file.seek(start)
                found.append(file.read(end - start))
        return found

    def _forget(self, inode: int) -> None:
        self.spans, self.sums, self.header = {}, {}, None
        self._problems, self._bad = [], 0
        self._inode, self._end = inode, 0

    def _extend(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self._end)
            position = self._end
            for text in file:
                if not text.endswith(b"\n"):
                    break
                end = position + len(text)
                self._bad += position > 0 and not self._add(text, position, end)
                position = end
        self._end = position

    def _add(self, text: bytes, start: int, end: int) -> bool:
        try:
            run = _tail.decode(text).run
        except (ValueError, RecursionError):
            return not text.strip()
        self.sums[run] = zlib.crc32(text, self.sums.get(run, 0))
        spans = self.spans.setdefault(run, [])
        if spans and spans[-1] == start:
            spans[-1] = end
        else:
            spans += (start, end)
        return True


class Catalog:
    """Which folders and shared journals of the store at `root` hold which run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = threading.RLock()
        self._named: set[str] = set()
        self._renamed: dict[str, list[str]] = {}
        self._misnamed: dict[str, str] = {}  # folders that bear another run's id: whose they are
        self._light: dict[str, LightJournal] = {}
        self._looked = -math.inf

    def recall(self, memo: Any) -> None:
        """Take over what `memo` gave in another process, as far as it fits this store."""
        for name, state in memo.items() if isinstance(memo, dict) else ():
            if name not in self._light:
                journal = LightJournal(self.root / LIGHT / name)
                with contextlib.suppress(OSError, BackendError, TypeError, ValueError):
                    journal.recall(state)
                    self._light[name] = journal

    def memo(self) -> dict[str, Any]:
        """What `recall` may be given: of each shared journal what is known."""
        found = {}
        for name, journal in self._light.items():
            with contextlib.suppress(OSError):
                found[name] = journal.state()
        return found

    def named(self) -> set[str]:
        """Folders that bear a run's id, as last seen."""
        return self._named

    def shared(self) -> list[LightJournal]:
        """The shared journals, as last seen."""
        return [*self._light.values()]

    def elsewhere(self) -> set[str]:
        """Runs in folders that bear other names, as last seen."""
        return {*self._renamed, *self._misnamed}

    def run_ids(self) -> list[str]:
        """All runs that have a folder or lines in a shared journal, as of now."""
        with self.lock:
            self.look()
            found = {*self._named, *self._renamed} - {*self._misnamed}
            for journal in self._light.values():
                found.update(journal.spans)
            return list(found)

    def look(self, max_age: float = 0.0) -> None:
        """Bring the picture up to date, unless it is less than `max_age` seconds old."""
        with self.lock:
            now = time.monotonic()
            if now - self._looked < max_age:
                return
            try:
                self._look_at_folders()
                self.look_at_light()
            except OSError as error:
                raise BackendError(f"{self.root}: {error}") from error
            self._looked = now

    def look_at_light(self) -> None:
        """Bring the picture of the shared journals alone up to date; cheap, they are few."""
        with self.lock:
            paths = journal_paths(self.root / LIGHT)
            self._light = {p.name: self._light.get(p.name) or LightJournal(p) for p in paths}
            for journal in self._light.values():
                journal.update()

    def folders(self, run: str) -> list[Path]:
        """Folders that may hold the run: the one of its name, and those whose headers say so."""
        return [self.root / run, *(self.root / name for name in self._renamed.get(run, ()))]

    def journals(self, run: str) -> list[JournalFile]:
        """The journals in those folders whose headers say that they are the run's."""
        found = []
        for folder in self.folders(run):
            for path in journal_paths(folder):
                journal = read_journal(path)
                if journal.header is None or journal.header.run == run:
                    found.append(journal)
        return found

    def light(self, run: str) -> list[LightJournal]:
        """Shared journals that hold lines of the run."""
        with self.lock:
            return [journal for journal in self._light.values() if run in journal.spans]

    def light_lines(self, journal: LightJournal, run: str) -> list[Line]:
        """The lines of `run` in a shared journal; raises BackendError."""
        with self.lock:
            try:
                return journal.lines(run)
            except OSError as error:
                raise BackendError(f"{journal.path}: {error}") from error

    def search_headers(self, run: str) -> bool:
        """Look for a run whose folder bears another run's id; the slow way, before giving up."""
        with self.lock:
            for name in self._named:
                for owner in _owners(self.root / name) - {name}:
                    self._misnamed[name] = owner
                    self._remember(owner, name)
            return run in self._renamed

    def notes(self) -> list[str]:
        """What could not be read of the shared journals."""
        with self.lock:
            return [note for journal in self._light.values() for note in journal.notes]

    def _look_at_folders(self) -> None:
        named: set[str] = set()
        others: list[str] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root) as entries:
            for entry in entries:
                if is_id(entry.name):
                    named.add(entry.name)
                elif entry.name not in _OURS and not entry.name.startswith(".") and entry.is_dir():
                    others.append(entry.name)
        self._named, self._renamed = named, {}
        for name in sorted(others):
            for owner in _owners(self.root / name):
                self._remember(owner, name)
        self._misnamed = {n: owner for n, owner in self._misnamed.items() if n in named}
        for name, owner in self._misnamed.items():
            self._remember(owner, name)

    def _remember(self, run: str, folder: str) -> None:
        folders = self._renamed.setdefault(run, [])
        if folder not in folders:
            folders.append(folder)


def _owners(folder: Path) -> set[str]:
    """The runs whose journals lie in `folder`."""
    owners = set()
    for path in journal_paths(folder):
        with contextlib.suppress(BackendError):
            header = read_journal(path, header_only=True).header
            if header is not None and header.run is not None:
                owners.add(header.run)
    return owners
