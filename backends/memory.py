"""The store in memory: the reference that other stores are compared with; it touches no disk."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, ClassVar, cast

from autolog.backend import Backend
from autolog.errors import BackendError, NotFound
from autolog.forking import ForkSafeLock
from autolog.journal import encode_record
from autolog.journal_read import decode_line, to_record
from autolog.paths import check_artifact_path, check_id
from autolog.records import Block, Record


class _Store:
    """The runs of one name: encoded records by run and writer, artifacts by run and path."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.records: dict[str, dict[str, list[bytes]]] = {}
        self.artifacts: dict[str, dict[str, bytes]] = {}


class MemoryBackend(Backend):
    """A store that lives as long as the process.

    `memory:NAME` is the same store for all who open it in this process, and `memory:` is one of
    these names. A forked child has a copy of its own. Records are held encoded, so that later
    changes of a value by its owner do not show.
    """

    direct: ClassVar[bool] = True

    def __init__(self, uri: str = "memory:") -> None:
        self.uri = uri
        with _stores_lock:
            self._store = _stores.setdefault(uri, _Store())

    def write(self, batch: Sequence[Record]) -> None:
        """Store all of `batch`, or what comes before a record that cannot be stored."""
        with self._store.lock:
            for record in batch:
                check_id(record.run)
                check_id(record.writer)
                line = encode_record(record)
                writers = self._store.records.get(record.run, {})
                held = len(writers.get(record.writer, ()))
                if record.seq > held:
                    raise BackendError(f"record {record.seq} came before record {held}")
                if record.seq == held:
                    writers = self._store.records.setdefault(record.run, {})
                    writers.setdefault(record.writer, []).append(line)

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says."""
        check_id(run)
        with self._store.lock:
            return {w: len(lines) for w, lines in self._store.records.get(run, {}).items()}

    @contextlib.contextmanager
    def create_artifact(self, run: str, path: str) -> Iterator[BinaryIO]:
        """A buffer whose bytes are stored at a clean exit."""
        check_id(run)
        check_artifact_path(path)
        stream = io.BytesIO()
        yield cast(BinaryIO, stream)
        with self._store.lock:
            held = self._store.artifacts.setdefault(run, {})
            if any(o.startswith(f"{path}/") or path.startswith(f"{o}/") for o in held):
                raise BackendError(f"{path!r} cannot be a file and a folder")
            held[path] = stream.getvalue()

    def run_ids(self) -> list[str]:
        """Ids of all runs that have a record or an artifact."""
        with self._store.lock:
            return list({*self._store.records, *self._store.artifacts})

    def records(self, run: str) -> Iterator[Record]:
        """As of the call; raises NotFound."""
        check_id(run)
        with self._store.lock:
            if run not in self._store.records:
                raise NotFound(f"no run {run} in {self.uri}")
            writers = {w: list(lines) for w, lines in sorted(self._store.records[run].items())}
        found = ((w, decode_line(line)) for w, lines in writers.items() for line in lines)
        return (to_record(line, run, writer) for writer, line in found if line is not None)

    def blocks_since(self, run: str, seen: Mapping[str, int]) -> Iterator[Block]:
        """As the contract says, as of the call."""
        check_id(run)
        with self._store.lock:
            if run not in self._store.records:
                raise NotFound(f"no run {run} in {self.uri}")
            held = sorted(self._store.records[run].items())
            new = {writer: lines[seen.get(writer, 0) :] for writer, lines in held}
        decoded = ((w, [x for x in map(decode_line, lines) if x]) for w, lines in new.items())
        return (Block(writer, lines) for writer, lines in decoded if lines)

    def artifacts(self, run: str) -> list[str]:
        """As the contract says."""
        check_id(run)
        with self._store.lock:
            return sorted(self._store.artifacts.get(run, ()))

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """As the contract says."""
        check_id(run)
        check_artifact_path(path)
        with self._store.lock:
            data = self._store.artifacts.get(run, {}).get(path)
        if data is None:
            raise NotFound(f"run {run} has no artifact {path!r} in {self.uri}")
        return io.BytesIO(data)

    def drop_artifact(self, run: str, path: str) -> None:
        """As the contract says."""
        check_id(run)
        check_artifact_path(path)
        with self._store.lock:
            held = self._store.artifacts.get(run, {})
            for other in [o for o in held if f"{o}/".startswith(f"{path}/")]:
                del held[other]

    def delete(self, run: str) -> int:
        """As the contract says; the bytes are those of the encoded records and the artifacts."""
        check_id(run)
        with self._store.lock:
            if run not in self._store.records and run not in self._store.artifacts:
                raise NotFound(f"no run {run} in {self.uri}")
            writers = self._store.records.pop(run, {})
            artifacts = self._store.artifacts.pop(run, {})
        lines = sum(len(line) for held in writers.values() for line in held)
        return lines + sum(len(data) for data in artifacts.values())


_stores: dict[str, _Store] = {}
_stores_lock = ForkSafeLock()
