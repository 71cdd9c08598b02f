"""Programs that record to databases, which are killed, or which many write at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autolog.backends.local import LocalBackend

parts: Any = sys.modules["fault_site"]

PROGRAM = """\
import time
from autolog import autolog
autolog()
with autolog.start_run("training") as run:
    for step in range(2000):
        run.log_metric("loss", step, step=step)
        if step % 20 == 0:
            time.sleep(0.01)
"""


def begin(folder: Path, uri: str) -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    env |= {
        "AUTOLOG_BACKEND": f"{folder / 'journal'} {uri}",
        "AUTOLOG_SPOOL": str(folder / "spool"),
        "AUTOLOG_EXIT_TIMEOUT": "0.5",
    }
    (folder / "train.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, "train.py"], env=env, cwd=folder, stderr=subprocess.PIPE, text=True
    )


def sync(folder: Path, uri: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "autolog", "sync", "--to", uri],
        env={**os.environ, "AUTOLOG_SPOOL": str(folder / "spool")}, cwd=folder, check=True,
    )  # fmt: skip


def check(folder: Path, ask: Any) -> None:
    journal = LocalBackend(folder / "journal")
    assert journal.run_ids()
    for run in journal.run_ids():
        expected = list(journal.records(run))
        assert len(expected) > 2000
        assert parts.stores.oracles.raw_records(ask, run) == expected


def test_sqlite_is_written_by_several_programs(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    for program in [begin(tmp_path, uri) for _ in range(4)]:
        _, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
    sync(tmp_path, uri)
    check(tmp_path, parts.stores.oracles.sqlite_asker(tmp_path / "runs.db"))


def test_postgresql_is_killed_and_restarted(tmp_path: Path, own_cluster: Any) -> None:
    program = begin(tmp_path, own_cluster.uri)
    while not (tmp_path / "journal").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    own_cluster.stop(signal.SIGQUIT)  # at once, as in a crash
    _, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    own_cluster.start()
    sync(tmp_path, own_cluster.uri)
    check(tmp_path, parts.stores.oracles.postgresql_asker(own_cluster.uri))


def test_postgresql_is_killed_under_a_server(
    own_cluster: Any, make_site: Callable[..., Any], result: str
) -> None:
    site = make_site(parts.stores.PostgresqlStore(own_cluster, "here"), "--workers", "2")
    server = site.server.process.pid
    found = []

    def fault() -> None:
        found.append(site.ready())
        own_cluster.stop(signal.SIGQUIT)
        found.append(site.ready())
        own_cluster.start()
        found.extend(site.ready() for _ in range(5))

    assert site.train(fault) == result
    assert found == [200, 503, *[200] * 5]
    site.sync()
    assert site.check() > 3000
    assert site.server.process.pid == server
    assert site.server.process.poll() is None
    log = site.server.log.read_text()
    assert "Traceback" not in log


def test_a_server_starts_before_its_database(
    own_cluster: Any, make_site: Callable[..., Any], result: str
) -> None:
    store = parts.stores.PostgresqlStore(own_cluster, "here")
    own_cluster.stop()
    site = make_site(store)
    assert "the store cannot be reached now" in site.server.log.read_text()
    assert site.ready() == 503
    assert site.train(own_cluster.start) == result
    assert site.ready() == 200
    site.sync()
    assert site.check() > 3000
