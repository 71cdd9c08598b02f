"""What a process was promised before SIGKILL is read back, whenever the signal came."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import kill_parent
import pytest
from autolog.backends.local import LocalBackend

from autolog.errors import NotFound
from autolog.records import Record

PARENT = Path(__file__).with_name("kill_parent.py")
KILLS = 240

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def read(backend: LocalBackend, run: str) -> list[Record]:
    try:
        return list(backend.records(run))
    except NotFound:
        return []


def test_no_promise_is_broken_by_a_kill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    root = tmp_path / "autolog-runs"
    done = subprocess.run(
        [sys.executable, PARENT, root, str(KILLS), str(seed)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["signal"] for report in reports] == [9] * KILLS
    backend = LocalBackend(root)
    for report in reports:
        for index, told in enumerate(report["told"]):
            found = read(backend, kill_parent.run_id(report["child"], index))
            assert [one.seq for one in found] == list(range(len(found)))
            numbered = found[1:]
            assert len(numbered) >= told
            check_content(numbered)
    assert sum(any(report["told"]) for report in reports) >= 0.75 * KILLS
    assert not [note for note in backend.notes() if "missing" in note]
    assert len({tuple(report["told"]) for report in reports}) > 20


def check_content(records: list[Record]) -> None:
    for number, one in enumerate(records):
        if one.kind != "end":
            expected = kill_parent.fact(number)
            assert (one.time, one.kind, one.key, one.value, one.step, one.info) == expected


def test_a_kill_while_an_artifact_is_written_leaves_none_of_it(tmp_path: Path) -> None:
    program = """
import sys, time
from autolog.backends.local import LocalBackend
backend = LocalBackend(sys.argv[1])
with backend.create_artifact("a" * 32, "model/data") as stream:
    stream.write(b"x" * 1_000_000)
    print("written", flush=True)
    time.sleep(600)
"""
    root = tmp_path / "autolog-runs"
    child = subprocess.Popen([sys.executable, "-c", program, root], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    child.kill()
    child.wait()
    child.stdout.close()
    backend = LocalBackend(root)
    assert backend.artifacts("a" * 32) == []
    with backend.create_artifact("a" * 32, "model/data") as stream:
        stream.write(b"whole")
    with backend.open_artifact("a" * 32, "model/data") as source:
        assert source.read() == b"whole"
