"""A server that comes back over a store of another version's schema: nothing is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

LATER = """\
import sys
from pathlib import Path
from autolog.backends.sql import upgrading
upgrading.SCHEMA, upgrading.FURTHER = "2", (Path(__file__).with_name("revisions"),)
from autolog.cli import main
raise SystemExit(main(sys.argv[1:]))
"""
REVISION = """\
import sqlalchemy as sa
from alembic import op
revision, down_revision = "2", "1"
def upgrade():
    op.add_column("autolog_runs", sa.Column("added", sa.Integer()))
"""


@pytest.fixture
def later(tmp_path: Path) -> list[str]:
    """The command of a later autolog, whose schema is 2."""
    program, revisions = tmp_path / "later.py", tmp_path / "revisions"
    revisions.mkdir()
    program.write_text(LATER)
    (revisions / "two.py").write_text(REVISION)
    return [sys.executable, str(program)]


def change(site: Any, statement: str) -> None:
    """Write into the database past everybody."""
    store = site.stored
    if hasattr(store, "cluster"):
        store.run(f"SET search_path = {store.name}; {statement}")
    else:
        with contextlib.closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute(statement)


def run(site: Any, command: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *words], env=site.env, cwd=site.folder, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def problem(site: Any) -> dict[str, Any]:
    """What the server says to whoever sends a record."""
    record = {"run": "c" * 32, "writer": "c" * 32, "seq": 0, "time": 1.0, "kind": "run"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.server.port}/api/v1/records", json.dumps([record]).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    found: dict[str, Any] = json.load(caught.value)["error"]
    return found


def test_a_server_that_comes_back_newer_than_its_store(
    site: Any, result: str, later: list[str]
) -> None:
    def fault() -> None:
        site.server.kill()
        site.server.command = later
        site.server.start()

    program = site.begin()
    site.arriving(program)
    fault()
    assert site.told(program)["RESULT"] == result
    told = problem(site)
    assert told["code"] == "store_version"
    assert "schema 1, and schema 2 is needed to write" in told["message"]
    assert str(site.folder) not in told["message"]
    left = run(site, [sys.executable, "-m", "autolog"], "sync")
    assert left.returncode == 1
    assert "schema 1, and schema 2 is needed to write" in left.stderr
    assert "upgrade-db" in site.server.log.read_text()
    listed = run(site, [sys.executable, "-m", "autolog"], "ls", "--backend", site.uri)
    assert listed.returncode == 0, listed.stderr  # it can be read
    upgraded = run(site, later, "server", "upgrade-db", "--backend", site.stored.uri)
    assert upgraded.returncode == 0, upgraded.stderr
    site.sync()
    assert site.check() > 3000


def test_a_server_that_comes_back_older_than_its_store(
    site: Any, result: str, later: list[str]
) -> None:
    def fault() -> None:
        site.way.mode = "hang"  # or all would have arrived by then
        upgraded = run(site, later, "server", "upgrade-db", "--backend", site.stored.uri)
        assert upgraded.returncode == 0, upgraded.stderr
        change(site, "UPDATE autolog_store SET value = '7.5' WHERE key = 'written_by'")
        assert "schema 2, made by autolog-ml 7.5" in problem(site)["message"]
        site.server.kill()
        site.way.mode = "pass"

    program = site.begin()
    site.arriving(program)
    fault()
    assert site.told(program)["RESULT"] == result
    refused = run(site, site.server.command, *site.server.words)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.endswith("install 7.5 or later"), line
    assert run(site, [sys.executable, "-m", "autolog"], "sync").returncode == 1
    site.server.command = later
    site.server.start()
    site.sync()
    assert site.check() > 3000


for each in (
    test_a_server_that_comes_back_newer_than_its_store,
    test_a_server_that_comes_back_older_than_its_store,
):
    each.stores = ("sqlite", "postgresql")  # type: ignore[attr-defined]
