"""The remote store passes the suite, against a real server process; the oracle reads its files."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import http_farm
import pytest
import sql_oracles as oracles
from autolog.backends.http import HttpBackend
from autolog.backends.local import LocalBackend
from postgresql_cluster import quick_cluster

from autolog.backend import Backend
from autolog.records import Record
from autolog.testing.backend import BackendSuite

NUMBERS = itertools.count()


@pytest.fixture(scope="class")
def farm_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The address of a farm of the class's kind, and its folder."""
    folder = tmp_path_factory.mktemp("farm")
    kind = request.cls.kind
    with contextlib.ExitStack() as stack:
        if kind == "postgresql":
            kind = request.cls.database = stack.enter_context(quick_cluster()).uri
        yield stack.enter_context(http_farm.farm(folder, kind)), folder


class HttpSuite(BackendSuite):
    """A store of its own on the farm for each test."""

    machine_examples = 4
    question_examples = 4
    kind = ""
    database = ""

    @pytest.fixture(autouse=True)
    def _farm(self, farm_address: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        self.address, self.folder = farm_address
        monkeypatch.setenv("AUTOLOG_TOKEN", "autolog_test-token-of-the-farm")

    def make(self, folder: Path) -> Backend:
        return HttpBackend(f"{self.address}/s{next(NUMBERS)}")

    def name(self, backend: Backend) -> str:
        return cast(HttpBackend, backend).uri.rpartition("/")[2]


class TestHttpOverSqlite(oracles.SqliteOracle, HttpSuite):  # type: ignore[misc,name-defined]
    kind = "sqlite"

    def path(self, backend: Backend) -> Path:
        return self.folder / self.name(backend) / "runs.db"


class TestHttpOverPostgresql(oracles.PostgresqlOracle, HttpSuite):  # type: ignore[misc,name-defined]
    kind = "postgresql"
    machine_examples = 2
    question_examples = 2

    def database_of(self, backend: Backend) -> str:
        return f"{self.database}&options=-csearch_path%3D{self.name(backend)}"


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
