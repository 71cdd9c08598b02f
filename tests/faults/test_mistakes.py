"""What a person has set wrongly: one or two clear lines, no password, and a training like any."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fault_site as parts
import pytest

SECRET = "hunter2hunter2"


def train(folder: Path, uri: str, **more: Any) -> list[str]:
    """Train with `uri` as a store; the lines on stderr."""
    (folder / "train.py").write_text(parts.PROGRAM)
    env = {
        **parts.ENV, "HOME": str(folder), "AUTOLOG_BACKEND": f"{folder / 'journal'} {uri}",
        "AUTOLOG_SPOOL": str(folder / "spool"), "AUTOLOG_EXIT_TIMEOUT": "2",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "train.py", "3000"], env=env, cwd=folder, capture_output=True, text=True,
        check=False, timeout=120, **more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (records,) = parts.stores.journalled(folder / "journal").values()
    assert len(records) > 3000
    lines: list[str] = done.stderr.splitlines()
    assert not any(SECRET in line for line in lines), lines
    assert not any(len(line) > 500 for line in lines), lines
    found = re.search(r"RESULT (\w+)", done.stdout)
    assert found is not None
    return [found[1], *lines]


def troubled(folder: Path, uri: str, result: str, **more: Any) -> list[str]:
    """Train as if nothing was; the two lines that tell of the store, now and at the end."""
    found, now, left = train(folder, uri, **more)
    assert found == result
    return [now, left]


@pytest.fixture(scope="module")
def guarded(cluster: Any) -> str:
    """A user of the database, who needs a password; host and further words of his URL."""
    database = parts.stores.PostgresqlStore(cluster, "guarded")
    database.run(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}-right'", "CREATE DATABASE theirs")
    rules = cluster.folder / "pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    database.run("SELECT pg_reload_conf()")
    return f"?host={cluster.folder}"


def test_a_wrong_password(tmp_path: Path, guarded: str, result: str) -> None:
    now, left = troubled(tmp_path, f"postgresql://guarded:{SECRET}@/theirs{guarded}", result)
    assert "password authentication failed" in now
    assert "set PGPASSWORD" in now
    assert "autolog sync" in left


def test_no_password(tmp_path: Path, guarded: str, result: str) -> None:
    now, _ = troubled(tmp_path, f"postgresql://guarded@/theirs{guarded}", result)
    assert "set PGPASSWORD" in now


def test_a_user_without_rights(tmp_path: Path, guarded: str, result: str) -> None:
    now, _ = troubled(tmp_path, f"postgresql://guarded:{SECRET}-right@/theirs{guarded}", result)
    assert "permission denied" in now
    assert "CREATE TABLE" not in now
    assert "rights" in now


def test_an_unknown_host(tmp_path: Path, result: str) -> None:
    now, _ = troubled(tmp_path, f"postgresql://me:{SECRET}@nowhere.invalid/runs", result)
    assert "nowhere.invalid" in now
    assert "is the host's name right?" in now


def test_a_host_that_refuses(tmp_path: Path, result: str) -> None:
    uri = f"postgresql://me:{SECRET}@127.0.0.1:{parts.free_port()}/runs"
    now, _ = troubled(tmp_path, uri, result)
    assert "is the server running" in now


def test_an_unknown_database(tmp_path: Path, guarded: str, result: str) -> None:
    now, _ = troubled(tmp_path, f"postgresql://postgres:{SECRET}@/nothere{guarded}", result)
    assert 'database "nothere" does not exist' in now
    assert "createdb" in now


def test_an_unknown_user(tmp_path: Path, guarded: str, result: str) -> None:
    now, _ = troubled(tmp_path, f"postgresql://stranger:{SECRET}@/theirs{guarded}", result)
    assert 'role "stranger" does not exist' in now
    assert "createdb" not in now
    assert "name the user" in now


def test_another_programs_file(tmp_path: Path, result: str) -> None:
    (tmp_path / "runs.db").write_bytes(b"theirs, and no database" * 1000)
    now, _ = troubled(tmp_path, f"sqlite:///{tmp_path}/runs.db", result)
    assert "name another one" in now
    assert (tmp_path / "runs.db").read_bytes() == b"theirs, and no database" * 1000


def without_override() -> None:
    """Let a process of root's write no more than the modes of files allow its owner."""
    drop, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        assert ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="root writes everything elsewhere")
def test_a_file_that_may_only_be_read(tmp_path: Path, result: str) -> None:
    place = tmp_path / "theirs"
    train(tmp_path, f"sqlite:///{place}/runs.db")
    before = (place / "runs.db").read_bytes()
    shutil.rmtree(tmp_path / "journal")
    (place / "runs.db").chmod(0o444)
    place.chmod(0o555)
    drop = without_override if os.geteuid() == 0 else None
    now, _ = troubled(tmp_path, f"sqlite:///{place}/runs.db", result, preexec_fn=drop)
    assert "you may not write the file or its folder" in now
    assert (place / "runs.db").read_bytes() == before


def test_sixteen_programs_write_one_file(tmp_path: Path, result: str) -> None:
    """`sqlite:///` and no server: each program takes the file's lock when it sends."""
    store = parts.stores.SqliteStore(tmp_path)
    site = parts.User(tmp_path, store, store.uri)
    programs = [site.begin() for _ in range(16)]
    for program in programs:
        out, err = program.communicate(timeout=240)
        assert program.returncode == 0, err
        assert result in out
        assert "locked" not in err
    site.sync()
    assert site.check() > 16 * 3000
