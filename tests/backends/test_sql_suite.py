"""SQLite and PostgreSQL pass the suite, with oracles that ask the databases themselves."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest
import sql_oracles as oracles
from autolog.backends.sql import database, dialects
from autolog.backends.sql.backend import SqlBackend
from postgresql_cluster import quick_cluster

from autolog.backend import Backend
from autolog.errors import BackendError
from autolog.records import Record
from autolog.testing.backend import BackendSuite

RUN, WRITER = "a" * 32, "1" * 32


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
    def _served(cls) -> Iterator[None]:
        with quick_cluster() as cluster:
            cls.server = cluster.uri
            yield

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

    def test_rows_that_come_by_copy_are_those_of_inserts(
        self, backend: Backend, tmp_path: Path
    ) -> None:
        odd = ["tab\there", "back\\slash", "line\nend", "\\N", "\\.", "", "ü", "x" * 300]
        odd += [True, -0.0, 5e-324, 2**53 + 1, {"$float": "nan"}, {"$float": "-inf"}, [1, "a"]]
        values = [*odd, *range(2 * dialects.COPIED)]
        facts = [("param", f"p{i}", value) for i, value in enumerate(values)]
        batch = [Record(RUN, WRITER, i, 1e9 + i, *fact) for i, fact in enumerate(facts)]
        other = SqlBackend(f"sqlite:///{tmp_path}/other.db")
        for one in (backend, other):
            one.write(batch)
        with (
            psycopg.connect(self.database_of(backend)) as copied,
            contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as inserted,
        ):
            rows = copied.execute(ROWS).fetchall()
            assert rows == inserted.execute(ROWS).fetchall()
        assert len(rows) == len(values)
        other.close()

    def database_of(self, backend: Backend) -> str:
        return str(backend.uri)


ROWS = """
    SELECT key, place, form, probable, num, text FROM autolog_latest
    JOIN autolog_names ON id = name_id ORDER BY length(key), key
"""
