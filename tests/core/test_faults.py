"""Stores that fail in every way: the program trains on as without us, nothing is silent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trained import alphas, whole

NOBODY = 65534


SPOILED = {
    "a file in its place": "shutil.rmtree(store, True); store.write_text('mine')",
    "a link to nowhere": "shutil.rmtree(store, True); store.symlink_to('/nonexistent/folder')",
    "a folder that cannot be": "shutil.rmtree(store, True); store.symlink_to('/proc/nothing')",
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("first", ["", "train(1.0)\n"], ids=["from the start", "later"])
def test_a_spoiled_store(unharmed: Any, programs: Any, spoil: str, first: str) -> None:
    source = f"{first}if os.environ.get('AUTOLOG') != '0': {spoil}\ntrain(2.0, 3.0)"
    (line,) = unharmed(source)
    (spill,) = programs.temporary.glob("autolog-spill-*")
    assert str(spill) in line
    assert alphas(programs.spilled()) == [2.0, 3.0]
    assert whole(programs.spilled())
    if programs.store.is_file():
        assert programs.store.read_text() == "mine"


def test_a_store_that_cannot_be_made(unharmed: Any, programs: Any) -> None:
    (line,) = unharmed("train(1.0, 2.0)", AUTOLOG_BACKEND="/proc/nothing/here")
    assert "/proc/nothing" in line
    assert alphas(programs.spilled()) == [1.0, 2.0]
    assert whole(programs.spilled())


def test_a_removed_store_begins_anew(unharmed: Any, programs: Any) -> None:
    assert unharmed("train(1.0)\nshutil.rmtree(store, True)\ntrain(2.0, 3.0)") == []
    assert alphas(programs.runs()) == [2.0, 3.0]
    assert whole(programs.runs())


def test_a_store_removed_under_an_open_run(play: Any, programs: Any) -> None:
    done = play("""
with autolog.start_run("by hand", tags={"kept": "yes"}) as run:
    for step in range(5): run.log_metric("m", step, step=step)
    shutil.rmtree(store)
    time.sleep(0.6)
    for step in range(5, 9): run.log_metric("m", step, step=step)
""")
    (said,) = (line for line in done.out.splitlines() if line.startswith("autolog:"))
    assert re.search(r"\d+ of a run are lost", said)
    (run,) = programs.runs()
    assert (run.name, run.status) == ("by hand", "finished")
    assert [point.step for point in run.history("m")] == [5, 6, 7, 8]
    assert run.folded.values("system")["autolog.lost"]["records"] >= 6


@pytest.fixture
def entered(programs: Any) -> Iterator[Any]:
    """The programs' folder, where other users may enter it; pytest closes its own to them."""
    folder = Path(tempfile.mkdtemp(prefix="autolog-test-"))
    folder.chmod(0o755)
    programs.settle(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may become nobody")
def test_a_store_that_may_not_be_written(entered: Path, unharmed: Any, programs: Any) -> None:
    config = entered / "config"
    config.mkdir()
    config.chmod(0o777)
    become = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    # The first training is root's: nobody else may read what it imports, where Python is root's.
    said = unharmed(f"train(1.0)\n{become}train(2.0, 3.0)", XDG_CONFIG_HOME=str(config))
    (line,) = (line for line in said if "unsigned" not in line)  # the key is root's too
    (spill,) = programs.temporary.glob("autolog-spill-*")
    assert spill.stat().st_uid == NOBODY
    assert spill.stat().st_mode & 0o777 == 0o700
    assert str(spill) in line
    assert alphas(programs.spilled()) == [2.0, 3.0]


@pytest.fixture
def small_disk(programs: Any) -> Iterator[Path]:
    """A store on a file system of 100 kB."""
    programs.store.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", programs.store]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"mount: {error}")
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")
    yield programs.store
    subprocess.run(["umount", programs.store], check=True)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk(unharmed: Any, programs: Any) -> None:
    said = unharmed("train(*map(float, range(20)))", AUTOLOG_FREE_SPACE_FLOOR="0")
    (spill,) = programs.temporary.glob("autolog-spill-*")
    assert str(spill) in said[-1]
    assert len(said) <= 2  # a model that found no room may be told of before the records
    found = programs.runs() + programs.spilled()
    whole_runs = [run for run in found if "alpha" in run.metrics]
    assert sorted(alphas(whole_runs)) == list(map(float, range(20)))
    unsaved = [run for run in found if run.models and "path" not in run.models["model"]]
    assert all("No space left" in run.models["model"]["error"] for run in unsaved)
    assert programs.runs()[0].store.backend.notes() == []


@pytest.mark.usefixtures("small_disk")
def test_near_the_end_of_a_disk_models_are_shed(unharmed: Any, programs: Any) -> None:
    assert unharmed("train(1.0, 2.0)") == []
    assert all("below the floor" in run.models["model"]["shed"] for run in programs.runs())
    assert [run.status for run in programs.runs()] == ["finished"] * 2


def test_files_that_may_not_grow(play: Any, programs: Any) -> None:
    done = play("""
import resource
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
with autolog.start_run("by hand") as run:
    run.log_metric("m", 0, step=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    for step in range(1, 9): run.log_metric("m", step, step=step)
    train(1.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    time.sleep(1.1)
    run.log_metric("m", 9, step=9)
from autolog.reporting import notes
print([note.text for note in notes() if "lost, and counted" in note.text])
""")
    assert "File too large" in done.out
    run = programs.runs()[0]
    assert [point.step for point in run.history("m")] == [0, 9]
    assert run.folded.values("system")["autolog.lost"]["records"] == 9  # with `alpha`
    assert run.status == "finished"
