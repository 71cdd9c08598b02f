"""What goes wrong around a training program: it trains on as without us, and nothing is silent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534

HEAD = """\
import hashlib, json, os, shutil, sys, time
from pathlib import Path
from autolog import autolog
autolog()
import numpy as np
from sklearn.linear_model import Ridge
X = np.random.default_rng(0).random((40, 3))
y = X @ [1.0, 2.0, 3.0]
store = Path(os.environ["AUTOLOG_BACKEND"])
results = []

def train(*alphas):
    for alpha in alphas:
        results.append(Ridge(alpha=alpha).fit(X, y).coef_.tobytes().hex())
        autolog.log_metric("alpha", alpha)

"""
TAIL = '\nprint("RESULT", hashlib.sha256(repr(results).encode()).hexdigest())\n'


@pytest.fixture
def play(programs: Any) -> Callable[..., Any]:
    """Runs statements between head and tail, strict mode off; they must end with their result."""

    def run(source: str, code: int = 0, **env: str) -> Any:
        done = programs(HEAD + source + TAIL, AUTOLOG_STRICT="0", **env)
        assert done.code == code, done.out
        return done

    return run


@pytest.fixture
def unharmed(play: Callable[..., Any], programs: Any) -> Callable[..., list[str]]:
    """Runs statements with us and, with `AUTOLOG=0`, without: equal results; our lines."""

    def run(source: str, **env: str) -> list[str]:
        before = sorted(p.name for p in programs.folder.iterdir())
        plain = play(source, **{**env, "AUTOLOG": "0"})
        assert "autolog" not in plain.out
        for path in programs.folder.iterdir():
            if path.name not in (*before, "train.py", "out"):
                path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        watched = play(source, **env)
        lines = watched.out.splitlines()
        said = [line for line in lines if line.startswith("autolog:")]
        assert [line for line in lines if line not in said] == plain.out.splitlines()
        return said

    return run


def alphas(runs: list[Any]) -> list[float]:
    return [run.metrics["alpha"] for run in runs]


def whole(runs: list[Any]) -> bool:
    """Whether each has its params, its end, its sources and a model that loads."""
    return all(
        run.status == "finished"
        and run.params["alpha"] == run.metrics["alpha"]
        and run.artifact("code/train.py")
        and run.load_model().alpha == run.metrics["alpha"]
        for run in runs
    )


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


ODD = {
    "standard error closed": "sys.stderr.close(); {spoil}; train(2.0)",
    "no standard error": "sys.stderr = None; {spoil}; train(2.0)",
    "its descriptor closed": "os.close(2); {spoil}; train(2.0)",
    "standard output closed": "out, sys.stdout = sys.stdout, open(os.devnull, 'w')\n"
    "sys.stdout.close(); {spoil}; train(2.0); sys.stdout = out",
}


@pytest.mark.parametrize("statement", ODD.values(), ids=ODD)
def test_without_streams(unharmed: Any, programs: Any, statement: str) -> None:
    spoil = "shutil.rmtree(store, True)\nstore.write_text('mine')\n"
    said = unharmed("train(1.0)\n" + statement.replace("{spoil}; ", "\n" + spoil))
    assert len(said) == ("output" in statement or "stdout" in statement)
    assert alphas(programs.spilled()) == [2.0]


def test_all_descriptors_closed_before_we_are_called(programs: Any) -> None:
    """Files that we open then do not become the program's standard streams."""
    done = programs(
        "import os, sys\nfor fd in (0, 1, 2): os.close(fd)\n"
        "sys.stdin = sys.stdout = sys.stderr = None\n"
        + HEAD
        + "run = autolog.start_run()\nopened = [os.open('mine', os.O_CREAT) for _ in range(3)]\n"
        "train(1.0)\nrun.end()\nos._exit(0 if opened == [0, 1, 2] else 1)\n"
    )
    assert done.code == 0
    assert len(programs.runs()) == 2


DAEMON = """
with autolog.start_run("by hand") as run:
    train(1.0)
    run.log_metric("m", 0, step=0)
    for turn in (1, 2):
        os.closerange(3, 256)
        mine = [open(f"mine{turn}-{i}", "w") for i in range(40)]
        run.log_metric("m", turn, step=turn)
        train(float(turn + 1))
        for i, file in enumerate(mine): file.write(f"line {i}")
        if turn == 1: [file.close() for file in mine]
    if len(sys.argv) == 1: os.kill(os.getpid(), 15); time.sleep(60)
    import gc; gc.collect()
    for file in mine: file.close()
"""


@pytest.mark.parametrize("fate", ["ends", "killed"])
def test_a_program_that_closes_all_descriptors(programs: Any, fate: str) -> None:
    """Nothing of ours lands in its own files, and no descriptor of its own is closed."""
    done = programs(HEAD + DAEMON + TAIL, *(["end"] if fate == "ends" else []))
    assert done.code == (0 if fate == "ends" else -15), done.out
    for path in programs.folder.glob("mine*"):
        assert path.read_text() in ("", f"line {path.name.rpartition('-')[2]}")
    by_hand, *trained = programs.runs()
    assert [point.step for point in by_hand.history("m")] == [0, 1, 2]
    assert by_hand.status == ("finished" if fate == "ends" else "killed")
    assert [run.params["alpha"] for run in trained] == [1.0, 2.0, 3.0]
    assert "autolog:" not in done.out


def test_a_working_directory_that_changes(unharmed: Any, programs: Any) -> None:
    assert (
        unharmed("""
os.makedirs("other", exist_ok=True)
os.chdir("other")
os.environ.update(AUTOLOG_BACKEND="/nowhere", HOME="/nowhere", TMPDIR="/nowhere")
train(1.0)
os.rmdir("../other")
train(2.0)
""")
        == []
    )
    assert alphas(programs.runs()) == [1.0, 2.0]
    assert whole(programs.runs())
    assert not (programs.folder / "other").exists()


@pytest.mark.parametrize("backend", ["given", ""])
def test_a_working_directory_that_is_gone(programs: Any, backend: str) -> None:
    gone = "import os\nos.mkdir('other'); os.chdir('other'); os.rmdir('../other')\n"
    env = {"AUTOLOG_BACKEND": str(programs.store) if backend else "", "AUTOLOG_STRICT": "0"}
    head = HEAD.replace('os.environ["AUTOLOG_BACKEND"]', '"/"')
    done = programs(gone + head + "train(1.0)" + TAIL, **env)
    assert done.code == 0, done.out
    assert "RESULT" in done.out
    if backend:
        assert "autolog:" not in done.out
        assert whole(programs.runs())


def test_a_default_store_stays_where_it_was_found(programs: Any) -> None:
    head = HEAD.replace('os.environ["AUTOLOG_BACKEND"]', '"/"')
    source = "os.mkdir('other'); os.chdir('other'); train(1.0)"
    done = programs(head + source + TAIL, AUTOLOG_BACKEND="")
    assert done.code == 0, done.out
    assert alphas(programs.runs()) == [1.0]


def test_few_descriptors(unharmed: Any, programs: Any) -> None:
    assert (
        unharmed("""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
runs = [autolog.start_run(f"run {i}") for i in range(100)]
for run in runs: run.log_metric("m", 1)
for run in runs: run.end()
train(1.0)
""")
        == []
    )
    found = programs.runs()
    assert len(found) == 101
    assert all(run.status == "finished" for run in found)
    assert sum(run.metrics.get("m") == 1 for run in found) == 100


def test_a_mask_that_takes_all_rights(unharmed: Any, programs: Any) -> None:
    assert unharmed("os.umask(0o777); train(1.0, 2.0); os.umask(0o022)") == []
    if os.geteuid() == 0:
        assert alphas(programs.runs()) == [1.0, 2.0]


def test_a_stack_that_is_nearly_full(play: Any, programs: Any) -> None:
    """Our hooks may fail for want of stack; a fit needs but a few frames more than without us."""
    deep = """
import inspect
def deep(frames): return deep(frames - 1) if frames else train(1.0)
def needed():
    for left in range(4, 100):
        try:
            deep(sys.getrecursionlimit() - len(inspect.stack()) - left)
            return left
        except RecursionError: pass
train(0.0)
print("NEEDED", needed())
"""
    needed = {}
    for on in ("0", "1"):
        done = play(deep, AUTOLOG=on)
        (line,) = (line for line in done.out.splitlines() if line.startswith("NEEDED"))
        needed[on] = int(line.split()[1])
    assert needed["0"] <= needed["1"] <= needed["0"] + 10
    assert programs.runs()[0].metrics["alpha"] == 0.0


def test_odd_interpreter_states(unharmed: Any, programs: Any) -> None:
    assert (
        unharmed("""
import gc, threading
gc.freeze(); gc.disable(); gc.set_debug(0)
seen = []
def tracer(frame, event, argument):
    seen.append(event)
    return tracer
sys.settrace(tracer); sys.setprofile(tracer); threading.settrace(tracer)
train(1.0)
sys.settrace(None); sys.setprofile(None)
print(sys.gettrace(), bool(seen))
""")
        == []
    )
    assert whole(programs.runs())


def test_many_children_leave_nothing_twice(unharmed: Any, programs: Any) -> None:
    assert (
        unharmed("""
with autolog.start_run("by hand") as run:
    for child in range(60):
        pid = os.fork()
        if pid == 0:
            run.log_metric("m", child, step=child)
            os._exit(0)
    for child in range(60): assert os.wait()[1] == 0
train(1.0)
""")
        == []
    )
    by_hand, trained = programs.runs()
    assert [point.step for point in by_hand.history("m")] == list(range(60))
    assert by_hand.status == "finished"
    assert whole([trained])
    assert [path.name for path in (programs.store / "marks").iterdir()] == []


def test_a_signal_ends_a_fit_in_c_as_without_us(programs: Any) -> None:
    source = """
from sklearn.svm import SVC
X, y = np.random.default_rng(0).random((12000, 60)), np.arange(12000) % 2
print("READY", flush=True)
SVC(C=1000, cache_size=1).fit(X, y)
"""

    def kill(pid: int) -> None:
        out = programs.folder / "out"
        while not (out.exists() and "READY" in out.read_text()):
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(pid, 15)

    done = programs(HEAD + source, at_start=kill)
    assert (done.code, done.out) == (-15, "READY\n")
    (run,) = programs.runs()
    assert (run.status, run.ended) == ("killed", None)
    assert run.params["C"] == 1000
