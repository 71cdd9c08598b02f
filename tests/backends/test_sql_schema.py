"""The revision of a store's tables: made, read, raised and refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from autolog.backends.sql import database, schema, upgrading
from autolog.backends.sql.backend import SqlBackend, upgrade

from autolog.cli import main
from autolog.errors import BackendError
from autolog.query import Query
from autolog.testing._backend_parts import exact, series

RUN, ONE = "a" * 32, "1" * 32
FIRST = Path(__file__).with_name("sql_schema_1.sql")
SECOND = """
from alembic import op
import sqlalchemy as sa
revision = "2"
down_revision = "1"
def upgrade():
    op.add_column("autolog_runs", sa.Column("added", sa.Integer()))
    op.execute("UPDATE autolog_runs SET added = 7")
    {then}
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as the first release made it, with a run of 300 records and an artifact."""
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST.read_text("utf-8"))
    connection.close()
    return path


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of revisions of a later autolog, whose schema is 2."""
    monkeypatch.setattr(upgrading, "SCHEMA", "2")
    folder = tmp_path / "revisions"
    folder.mkdir()
    monkeypatch.setattr(upgrading, "FURTHER", (folder,))
    return folder


def uri(path: Path) -> str:
    return f"sqlite:///{path}"


def test_the_first_release_is_read(old: Path) -> None:
    backend = SqlBackend(uri(old))
    assert exact(backend.records(RUN)) == exact(series(RUN, ONE, 0, 300))
    found = backend.search(Query("metrics.loss > 29"))
    assert found is not None
    assert [one.id for one in found.runs] == [RUN]
    backend.write(series(RUN, ONE, 300, 301))
    assert backend.acked(RUN) == {ONE: 301}
    backend.close()


def test_new_tables_are_those_that_the_code_describes(old: Path) -> None:
    """What was released first and brought up to date has the tables of a new store."""
    upgrade(uri(old))
    held = database.Database(uri(old))

    def differences(connection: object) -> object:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name != upgrading.TABLE}
        context = MigrationContext.configure(connection, opts=ours)  # type: ignore[arg-type]
        return compare_metadata(context, schema.tables)

    assert held.read(differences, None) == []
    held.close()


def test_an_older_store_is_read_and_not_written(old: Path, later: Path) -> None:
    backend = SqlBackend(uri(old))
    assert len(list(backend.records(RUN))) == 300
    with pytest.raises(BackendError, match="upgrade-db --backend sqlite:///"):
        backend.write(series(RUN, ONE, 300, 301))
    (later / "two.py").write_text(SECOND.format(then=""))
    assert main(["server", "upgrade-db", "--backend", uri(old)]) == 0
    backend.write(series(RUN, ONE, 300, 301))
    assert backend.acked(RUN) == {ONE: 301}
    backend.close()
    with sqlite3.connect(old) as connection:
        assert connection.execute("SELECT added FROM autolog_runs").fetchall() == [(7,)]


def test_an_upgrade_that_fails_changes_nothing(old: Path, later: Path) -> None:
    (later / "two.py").write_text(SECOND.format(then="op.execute('SELECT * FROM nothing')"))
    before = [*sqlite3.connect(old).iterdump()]
    with pytest.raises(BackendError, match="nothing"):
        upgrade(uri(old))
    assert [*sqlite3.connect(old).iterdump()] == before


def test_a_newer_store_is_refused_with_the_version_needed(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE autolog_schema SET version_num = '9'")
        connection.execute("UPDATE autolog_store SET value = '7.5' WHERE key = 'written_by'")
    connection.close()
    backend = SqlBackend(uri(old))
    for call in (backend.run_ids, lambda: backend.write(series(RUN, ONE, 0, 1))):
        with pytest.raises(BackendError, match=r"schema 9.*install 7\.5 or later"):
            call()
    backend.close()
