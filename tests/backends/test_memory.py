"""The store in memory: the suite, with an oracle that looks into its dictionaries."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
from autolog.backends.memory import MemoryBackend

from autolog.backend import Backend
from autolog.records import Record
from autolog.testing.backend import BackendSuite


class TestMemory(BackendSuite):
    process_local = True

    def make(self, folder: Path) -> Backend:
        return MemoryBackend(f"memory:{folder}")

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        writers = cast(MemoryBackend, backend)._store.records.get(run, {})
        return [
            Record(run, writer, *msgspec.json.decode(line))
            for writer, lines in writers.items()
            for line in lines
        ]

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        return cast(MemoryBackend, backend)._store.artifacts.get(run, {}).get(path)


def test_one_name_is_one_store() -> None:
    record = Record("a" * 32, "b" * 32, 0, 0.0, "tag", "t", "v")
    MemoryBackend("memory:one").write([record])
    assert list(MemoryBackend("memory:one").records("a" * 32)) == [record]
    assert MemoryBackend("memory:two").run_ids() == []
    MemoryBackend("memory:one").delete("a" * 32)
