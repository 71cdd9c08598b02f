"""What `gc` sweeps beside runs: strays and marks, and never a mark that a run still needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog import process
from autolog.artifacts import usage_of
from autolog.cleaning import ABANDONED, FORGOTTEN, leftovers, store_bytes
from autolog.paths import TEMPORARY
from autolog.store import Store

from .conftest import Story, run_id

Command = Callable[..., tuple[int, str, str]]
GONE = {**process.this_process(), "pid": 2**22 + 1}
ELSEWHERE = {"host": "elsewhere", "boot": "another", "pid": 1}


def age(path: Path, seconds: float) -> None:
    for one in (path, *path.rglob("*")):
        os.utime(one, (time.time() - seconds, time.time() - seconds))


def strays(story: Story) -> dict[str, str]:
    return {left.path.name: left.reason for left in leftovers(Store(story.backend))}


def marked(story: Story, text: str = "", **facts: Any) -> Any:
    """A run whose process has the mark `m`, and that mark with `text` in it."""
    folder = Path("autolog-runs", "marks")
    writer = story.run("a", ago=2).opens(mark="marks/m", **facts)
    folder.mkdir()
    (folder / "m").write_text(text)
    return writer


def test_a_mark_goes_when_its_process_is_gone_and_its_runs_have_ended(told: Story) -> None:
    marked(told, **GONE).ends()
    assert strays(told) == {"m": "mark of a process that is gone"}


def test_a_mark_of_a_run_without_an_end_stays(told: Story) -> None:
    marked(told, "Fatal", **GONE)
    age(Path("autolog-runs/marks"), 10 * FORGOTTEN)
    assert strays(told) == {}
    told.run("b").opens(mark="marks/m", **GONE).ends()
    assert strays(told) == {}


def test_a_mark_of_a_process_that_lives_stays(told: Story) -> None:
    marked(told, **process.this_process()).ends()
    age(Path("autolog-runs/marks"), 10 * FORGOTTEN)
    assert strays(told) == {}


def test_a_mark_of_another_machine_goes_when_it_was_used_or_is_old(told: Story) -> None:
    marked(told, **ELSEWHERE).ends()
    mark = Path("autolog-runs/marks/m")
    assert strays(told) == {}
    age(mark, FORGOTTEN + 60)
    assert set(strays(told)) == {"m"}
    mark.write_text("Fatal")
    assert set(strays(told)) == {"m"}


def test_a_mark_of_no_run_goes_when_it_was_used_or_is_old(told: Story) -> None:
    marked(told, **GONE)
    told.backend.delete(run_id("a"))
    assert strays(told) == {}
    age(Path("autolog-runs/marks"), FORGOTTEN + 60)
    assert set(strays(told)) == {"m"}


def test_runs_that_go_need_their_marks_no_longer(told: Story, command: Command) -> None:
    marked(told, "Fatal", **GONE)
    code, out, _ = command("gc", "--older-than", "0s", "--yes")
    assert code == 0
    assert "removed 1 run and 1 stray file" in out
    assert list(Path("autolog-runs/marks").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="marks are left on Linux alone")
def test_a_run_that_was_killed_is_still_told_so_after_gc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import autolog, time; autolog.autolog(); run = autolog.start_run('one'); "
        "print(run.id, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.send_signal(signal.SIGTERM)
    assert autolog.get_run("@latest", backend="autolog-runs").status == "killed"
    command("gc", "--yes")
    assert autolog.get_run("@latest", backend="autolog-runs").status == "killed"


def test_what_was_cut_off_goes_after_an_hour(told: Story) -> None:
    told.run("a").opens().ends()
    root = Path("autolog-runs")
    for name in (".trash-1", run_id("b"), f"{TEMPORARY}x"):
        (root / name / "artifacts").mkdir(parents=True)
        (root / name / "artifacts" / "file").write_bytes(b"x")
    (root / "light").mkdir()
    (root / "light" / ".journal-1-2").write_bytes(b"x")
    assert strays(told) == {}
    for path in root.iterdir():
        if path.name != run_id("a"):
            age(path, ABANDONED + 60)
    assert strays(told) == {
        ".trash-1": "half removed",
        ".journal-1-2": "half removed",
        run_id("b"): "of no run",
        f"{TEMPORARY}x": "never finished",
    }
    (root / run_id("b") / "artifacts" / "new").write_bytes(b"x")
    assert run_id("b") not in strays(told)


def test_no_folder_counts_as_stray_while_a_record_cannot_be_read(told: Story) -> None:
    told.run("a").opens().ends()
    with (Path("autolog-runs") / run_id("a") / "journal-x.jsonl").open("wb") as stream:
        stream.write(b"{torn\n")
    (Path("autolog-runs") / run_id("b")).mkdir()
    age(Path("autolog-runs") / run_id("b"), ABANDONED + 60)
    assert run_id("b") not in strays(told)


def test_the_count_of_the_store_begins_anew(told: Story, command: Command) -> None:
    told.run("a").opens().ends()
    with told.backend.create_artifact(run_id("a"), "big") as stream:
        stream.write(b"x" * 5000)
    usage = usage_of(told.backend)
    assert usage is not None
    usage.add(5000)
    command("rm", "a", "--yes")
    assert Path("autolog-runs/usage").read_bytes() == bytes(8)
    assert 8 <= store_bytes(Store(told.backend)) < 100
