"""The local store passes the suite, with an oracle that reads the files by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from autolog.backends.local import LocalBackend

from autolog.backend import Backend
from autolog.records import Record
from autolog.testing.backend import BackendSuite


class TestLocal(BackendSuite):
    def make(self, folder: Path) -> Backend:
        return LocalBackend(folder / "autolog-runs")

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        root = cast(LocalBackend, backend).root
        found: dict[tuple[str, int], Record] = {}
        for path in sorted(root.rglob("journal-*.jsonl")):
            first, *lines = path.read_bytes().split(b"\n")[:-1]
            header = json.loads(first)
            for line in lines:
                items = [*json.loads(line), None, None, None]
                if (header["run"] or items[7]) == run:
                    record = Record(run, header["writer"], *items[:7])
                    found.setdefault((record.writer, record.seq), record)
        return list(found.values())

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        folder = cast(LocalBackend, backend).root / run / "artifacts"
        for file in folder.rglob("*"):
            name = file.relative_to(folder).as_posix()
            for number in range(128):
                name = name.replace(f"%{number:02X}", chr(number)) if number != 37 else name
            if file.is_file() and name.replace("%25", "%") == path:
                return file.read_bytes()
        return None

    def tear(self, backend: Backend, run: str) -> None:
        (path,) = (cast(LocalBackend, backend).root / run).glob("journal-*.jsonl")
        path.write_bytes(path.read_bytes()[:-9])


class TestLocalWithOneDescriptor(TestLocal):
    """The same with journals that are closed and opened again all the time."""

    machine_examples = 10

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from autolog.backends import _local_writing

        monkeypatch.setattr(_local_writing, "MAX_OPEN", 1)
        monkeypatch.setattr(_local_writing, "MAX_STREAMS", 3)
