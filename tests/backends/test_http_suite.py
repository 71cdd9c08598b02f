"""The remote store passes the suite, against a real server process; the oracle reads its files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from autolog.backends.http import HttpBackend
from autolog.backends.local import LocalBackend

from autolog.backend import Backend
from autolog.records import Record
from autolog.testing.backend import BackendSuite

NUMBERS = itertools.count()


@pytest.fixture(scope="class")
def farm_address(
    request: pytest.FixtureRequest, http_farm: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The address of a farm of the class's kind, and its folder."""
    folder = tmp_path_factory.mktemp("farm")
    with http_farm.farm(folder, request.cls.kind) as address:
        yield address, folder


class HttpSuite(BackendSuite):
    """A store of its own on the farm for each test."""

    machine_examples = 4
    kind = ""

    @pytest.fixture(autouse=True)
    def _farm(self, farm_address: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        self.address, self.folder = farm_address
        monkeypatch.setenv("AUTOLOG_TOKEN", "autolog_test-token-of-the-farm")

    def make(self, folder: Path) -> Backend:
        return HttpBackend(f"{self.address}/s{next(NUMBERS)}")

    def name(self, backend: Backend) -> str:
        return cast(HttpBackend, backend).uri.rpartition("/")[2]


class TestHttpOverLocalFiles(HttpSuite):
    kind = "local"

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        store = LocalBackend(self.folder / self.name(backend) / "runs")
        return list(store.records(run)) if run in store.run_ids() else []

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        store = LocalBackend(self.folder / self.name(backend) / "runs")
        if path not in store.artifacts(run):
            return None
        with store.open_artifact(run, path) as stream:
            return stream.read()
