"""Whatever fails on the way to a server: the training is the same, and all arrives once."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fault_site as parts
import psycopg
import pytest

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def only(*kinds: str) -> Callable[[Any], Any]:
    """Run a test over these stores alone."""

    def marked(test: Any) -> Any:
        test.stores = kinds
        return test

    return marked


@pytest.mark.parametrize("mode", ["hang", "500", "429", "garbage", "lies", "cut"])
def test_a_server_that_answers_badly(mode: str, site: Any, result: str) -> None:
    def fault() -> None:
        site.way.mode = mode
        time.sleep(0.7)
        site.way.mode = "pass" if mode != "hang" else mode

    assert site.train(fault) == result
    site.way.mode = "pass"
    site.sync()
    assert site.check() > 3000


def test_a_server_that_dies_and_comes_back(site: Any, result: str) -> None:
    def fault() -> None:
        site.server.kill()
        time.sleep(0.5)
        site.server.start()

    assert site.train(fault) == result
    site.sync()
    assert site.check() > 3000


def test_a_server_that_is_emptied(site: Any, result: str) -> None:
    assert site.train(site.empty) == result
    site.sync()
    assert site.check() > 3000


def test_a_store_that_is_emptied_under_its_server(site: Any, result: str) -> None:
    assert site.ready() == 200
    assert site.train(site.stored.empty) == result
    site.sync()
    assert site.check() > 3000
    assert site.ready() == 200


def test_a_server_that_is_not_there_at_first(site: Any, result: str) -> None:
    site.server.kill()
    assert site.train() == result
    site.server.start()
    site.sync()
    assert site.check() > 3000


@only("local", "sqlite")
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_server_whose_disk_is_full(site: Any, result: str) -> None:
    def fault() -> None:
        limit(20_000)
        time.sleep(1)

    def limit(size: int) -> None:
        resource.prlimit(site.server.process.pid, resource.RLIMIT_FSIZE, (size, -1))

    assert site.train(fault) == result
    limit(-1)
    site.sync()
    assert "store: " in site.server.log.read_text()
    assert site.check() > 3000


@pytest.fixture
def small_disk(cluster: Any) -> Iterator[Path]:
    """A file system of 3 MB, where the database's user can reach it."""
    folder = cluster.place / "disk"
    folder.mkdir(mode=0o755, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=777", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody but root may mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@only("postgresql")
def test_a_database_whose_disk_is_full(
    small_disk: Path, store: Any, make_site: Callable[..., Any], result: str
) -> None:
    """The tables lie on a full disk; the log of PostgreSQL on another, as is advised."""
    place, filler = small_disk / "tables", small_disk / "filler"
    place.mkdir()
    owner = store.cluster.folder.stat()
    shutil.chown(place, owner.st_uid, owner.st_gid)
    store.run(f"CREATE TABLESPACE {store.name} LOCATION '{place}'")
    store.uri += f"%20-cdefault_tablespace%3D{store.name}"
    site = make_site(store)

    def fault() -> None:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with pytest.raises(psycopg.errors.DiskFull):
            store.run(f"CREATE TABLE {store.name}.more TABLESPACE {store.name} AS "
                      "SELECT generate_series(1, 100000) AS n")  # fmt: skip

    assert site.train(fault) == result
    filler.unlink()
    site.sync()
    assert "could not extend file" in site.server.log.read_text()
    assert site.check() > 3000
    site.server.kill()
    store.run(f"DROP SCHEMA {store.name} CASCADE", f"DROP TABLESPACE {store.name}")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_client_whose_disk_is_full(site: Any, result: str) -> None:
    program = site.begin()
    time.sleep(0.7)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (40_000, 40_000))
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    assert result in out
    site.sync()
    assert site.server.process.poll() is None
    stored = [
        (record.run, record.writer, record.seq)
        for records in site.stored.records().values()
        for record in records
    ]
    assert len(set(stored)) == len(stored)
    assert set(stored) == _names(site.store, *site.folder.glob("autolog-spill-*"))


def _names(*roots: Path) -> set[tuple[str, str, int]]:
    """The names of all records in whole lines of the journals below `roots`, each once."""
    found = [
        (record.run, record.writer, record.seq)
        for root in roots
        for records in parts.stores.journalled(root).values()
        for record in records
    ]
    assert len(set(found)) == len(found)
    return set(found)


JUMPING = """\
import itertools, time
jumps, true, true_ns = itertools.cycle([0, 900_000, -900_000]), time.time, time.time_ns
time.time = lambda: true() + next(jumps)
time.time_ns = lambda: true_ns() + next(jumps) * 10**9
"""


def test_a_clock_that_jumps(site: Any, result: str) -> None:
    """Ten days forth and back from one look to the next, in the training and in the server.

    The clock is changed in Python before anything else is imported. What C code asks itself
    (`datetime.now`, SQLite, PostgreSQL, the times of files) is the true time: to change it for
    one process alone needs a library in `LD_PRELOAD`, and to set the machine's is not for a test.
    """
    (site.folder / "early").mkdir()
    (site.folder / "early" / "sitecustomize.py").write_text(JUMPING)
    path = str(site.folder / "early")
    site.server.kill()
    site.server.env["PYTHONPATH"] = path
    site.server.start()
    program = site.begin(PYTHONPATH=path)
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    assert result in out
    site.sync()
    assert site.check() > 3000
    (records,) = site.stored.records().values()
    times = [record.time for record in records]
    assert max(times) - min(times) > 1_700_000


def test_a_copied_folder_is_synced_twice_at_once(site: Any) -> None:
    site.server.kill()
    site.train(steps=1000)
    site.server.start()
    copies = [site.folder / "copy1", site.folder / "copy2"]
    for copy in copies:
        shutil.copytree(site.store, copy)
    with contextlib.ExitStack() as stack:
        syncs = [
            stack.enter_context(subprocess.Popen(
                [sys.executable, "-m", "autolog", "sync", str(folder), "--to", site.uri],
                env=site.env, cwd=site.folder, stdout=subprocess.PIPE, text=True,
            ))
            for folder in [*copies, *copies]
        ]  # fmt: skip
        out = [sync.communicate(timeout=120)[0] for sync in syncs]
    assert [sync.returncode for sync in syncs] == [0] * 4, out
    again = subprocess.run(
        [sys.executable, "-m", "autolog", "sync", str(copies[0]), "--to", site.uri],
        env=site.env, cwd=site.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "0 records and 0 files" in again.stdout
    site.sync()
    assert site.check() > 1000
