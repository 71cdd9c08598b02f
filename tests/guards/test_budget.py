"""What a training may cost, counted and not timed: files, system calls, records, modules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COUNTING = """
import collections, json, os, sys, warnings
events, at_work = collections.Counter(), []

def hook(event, arguments):
    if at_work:
        events[event] += 1

def counted(function):
    events.clear()
    at_work.append(1)
    try:
        function()
    finally:
        at_work.clear()
    return dict(events)

written = os.write
def write(fd, data):
    hook("write", ())
    return written(fd, data)
os.write = write

synced = os.fsync
def fsync(fd):
    hook("fsync", ())
    return synced(fd)
os.fsync = fsync
sys.addaudithook(hook)
"""

FITS = """
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
import autolog
from autolog.backends import _local_syncing
from autolog.backends.local import LocalBackend
_local_syncing.EVERY = 1e9  # these fits are a loop, however slow the machine is
autolog.autolog(backend="runs")
X, y = load_iris(return_X_y=True)

class Outer(BaseEstimator):
    def fit(self, X, y, times=0):
        for _ in range(times):
            LogisticRegression(max_iter=5).fit(X, y)
        return self

def fit():
    LogisticRegression(max_iter=5).fit(X, y)

warnings.simplefilter("ignore")
found = {"first": counted(fit), "full": counted(fit)}
store = LocalBackend("runs")
found["records"] = len(list(store.records(autolog.get_run("@latest").id)))
Outer().fit(X, y, 1)
found["outer"] = counted(lambda: Outer().fit(X, y))
found["nested"] = counted(lambda: Outer().fit(X, y, 20))
for _ in range(60):
    fit()
found["light"] = counted(fit)
folders = [name for name in os.listdir("runs") if len(name) == 32]
alone = [f for f in folders if not any(n.startswith("journal") for n in os.listdir(f"runs/{f}"))]
found["light_runs"], found["light_folders"] = len(store.run_ids()) - len(folders), len(alone)
with autolog.start_run():
    autolog.log_metric("loss", 0.5, step=0)
    found["points"] = counted(lambda: [autolog.log_metric("loss", 0.5, step=i) for i in range(100)])
print(json.dumps(found))
"""


def result(code: str, folder: Path) -> Any:
    (folder / "program.py").write_text(code)
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return result(COUNTING + FITS, tmp_path_factory.mktemp("budget"))


def test_the_files_of_a_small_fit(counts: Any) -> None:
    """A journal, six files of the model, the size of the store; the program's source is linked.

    Of a loop the first run alone is forced to the disk at once, with the two files of its source.
    """
    full = counts["full"]
    made = full["open"]
    assert made <= 16, full
    assert full["os.rename"] == 1
    assert full["os.mkdir"] <= 5
    assert "fsync" not in full
    assert counts["first"]["fsync"] <= 9
    assert full["write"] <= 16


def test_a_fit_looks_at_no_folder_and_starts_no_process(counts: Any) -> None:
    unwanted = (
        "os.listdir",
        "os.scandir",
        "subprocess.Popen",
        "import",
        "compile",
        "socket.connect",
    )
    assert [event for event in unwanted if event in counts["full"]] == []


def test_the_records_of_a_small_fit(counts: Any) -> None:
    assert 20 <= counts["records"] <= 50


def test_a_nested_fit_touches_nothing(counts: Any) -> None:
    watched = ("open", "write", "fsync", "os.rename", "os.mkdir", "sys._getframe")
    outer, nested = counts["outer"], counts["nested"]
    assert {event: nested.get(event) for event in watched} == {
        event: outer.get(event) for event in watched
    }


def test_a_point_is_one_write(counts: Any) -> None:
    assert counts["points"]["write"] == 100
    assert "open" not in counts["points"]
    assert "fsync" not in counts["points"]


def test_a_light_run_costs_less(counts: Any) -> None:
    assert counts["light"]["write"] < counts["full"]["write"]
    assert counts["light"].get("os.link", 0) == 0
    assert counts["light_runs"] > 5
    assert counts["light_folders"] <= 3, "a light run has a folder only while its model is kept"


LOADED = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HEAVY = ("asyncio", "concurrent.futures", "cryptography", "http", "inspect", "logging",
         "msgspec", "multiprocessing", "numpy", "sqlite3", "ssl", "tomllib", "wrapt")  # fmt: skip


def test_what_the_import_alone_loads(tmp_path: Path) -> None:
    loaded = result(LOADED.format(code="import autolog"), tmp_path)
    assert [name for name in loaded if name.startswith("autolog")] == ["autolog"]
    assert len(loaded) <= 10, loaded


def test_what_enabling_loads(tmp_path: Path) -> None:
    loaded = set(result(LOADED.format(code="from autolog import autolog; autolog()"), tmp_path))
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)
    assert len(loaded) <= 60, loaded
