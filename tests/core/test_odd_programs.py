"""Programs in odd states, which train on as without us and are recorded all the same."""

from __future__ import annotations

import os
from typing import Any

import pytest
from trained import alphas, whole

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


def test_all_descriptors_closed_before_we_are_called(programs: Any, head: str) -> None:
    """Files that we open then do not become the program's standard streams."""
    done = programs(
        "import os, sys\nfor fd in (0, 1, 2): os.close(fd)\n"
        "sys.stdin = sys.stdout = sys.stderr = None\n"
        + head
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
def test_a_program_that_closes_all_descriptors(programs: Any, head: str, fate: str) -> None:
    """Nothing of ours lands in its own files, and no descriptor of its own is closed."""
    done = programs(head + DAEMON, *(["end"] if fate == "ends" else []))
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
def test_a_working_directory_that_is_gone(programs: Any, head: str, backend: str) -> None:
    gone = "import os\nos.mkdir('other'); os.chdir('other'); os.rmdir('../other')\n"
    env = {"AUTOLOG_BACKEND": str(programs.store) if backend else "", "AUTOLOG_STRICT": "0"}
    begin = head.replace('os.environ["AUTOLOG_BACKEND"]', '"/"')
    done = programs(gone + begin + "train(1.0); print('RESULT')", **env)
    assert done.code == 0, done.out
    assert "RESULT" in done.out
    if backend:
        assert "autolog:" not in done.out
        assert whole(programs.runs())


def test_a_default_store_stays_where_it_was_found(programs: Any, head: str) -> None:
    begin = head.replace('os.environ["AUTOLOG_BACKEND"]', '"/"')
    source = "os.mkdir('other'); os.chdir('other'); train(1.0)"
    done = programs(begin + source, AUTOLOG_BACKEND="")
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
    for child in range(30):
        pid = os.fork()
        if pid == 0:
            run.log_metric("m", child, step=child)
            os._exit(0)
    for child in range(30): assert os.wait()[1] == 0
train(1.0)
""")
        == []
    )
    by_hand, trained = programs.runs()
    assert [point.step for point in by_hand.history("m")] == list(range(30))
    assert by_hand.status == "finished"
    assert whole([trained])
    assert [path.name for path in (programs.store / "marks").iterdir()] == []
