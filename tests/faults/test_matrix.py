"""Whatever fails on the way to a server: the training is the same, and all arrives once."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


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


def test_a_server_that_is_not_there_at_first(site: Any, result: str) -> None:
    site.server.kill()
    assert site.train() == result
    site.server.start()
    site.sync()
    assert site.check() > 3000


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
    assert site.check() > 3000


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_client_whose_disk_is_full(site: Any, result: str) -> None:
    program = site.begin()
    time.sleep(0.7)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (40_000, 40_000))
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    assert result in out
    site.sync()
    spills = list(site.folder.glob("autolog-spill-*"))
    assert site.server.process.poll() is None
    assert _stored(site) == _written(site, spills)


def _stored(site: Any) -> set[tuple[str, int]]:
    return _written(site, [site.served], own=False)


def _written(site: Any, more: list[Path], *, own: bool = True) -> set[tuple[str, int]]:
    """The names of all records in whole lines of the journals."""
    found: set[tuple[str, int]] = set()
    for root in [*([site.store] if own else []), *more]:
        for path in root.glob("*/journal-*.jsonl"):
            names = [(path.stem, int(line[1 : line.index(b",")]))
                     for line in path.read_bytes().splitlines(keepends=True)[1:]
                     if line.endswith(b"]\n")]  # fmt: skip
            assert len(set(names)) == len(names), path
            found.update(names)
    return found


@pytest.mark.timeout(1800)
def test_clients_that_are_killed(site: Any, request: pytest.FixtureRequest) -> None:
    kills = 100 if request.config.getoption("--thorough") else 5
    chance = random.Random(7)
    for number in range(kills):
        program = site.begin(100_000)
        while len(list(site.store.glob("*/journal-*"))) <= number:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1))
        program.send_signal(signal.SIGKILL)
        program.communicate()
        if number % 10 == 9:
            site.server.kill()
            site.server.start()
    site.sync()
    records = site.check()
    assert records > 8 * kills
    print(f"{kills} kills, {records} records")


def test_a_clock_that_jumps(site: Any) -> None:
    program = site.folder / "train.py"
    head = "import time, itertools\nreal, jumps = time.time, itertools.cycle([0, 9e5, -9e5])\n"
    program.write_text(f"{head}time.time = lambda: real() + next(jumps)\n{program.read_text()}")
    site.train()
    site.sync()
    assert site.check() > 3000


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
