"""Sessions: a program, its children, and what the environment tells each of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

pytest.importorskip("sklearn")

FAMILY = {
    "work.py": """
import os, sys

def train(alpha):
    from sklearn.linear_model import Ridge
    Ridge(alpha=alpha).fit([[1.0], [2.0]], [1.0, 2.0])
    return os.getpid()

if __name__ == "__main__":
    train(float(sys.argv[1]))
""",
    "test_work.py": """
import pytest, work

@pytest.mark.parametrize("alpha", [40.0, 41.0, 42.0, 43.0])
def test_training(alpha):
    work.train(alpha)
""",
    "main.py": """
import multiprocessing, os, subprocess, sys
from work import train

if __name__ == "__main__":
    train(1.0)
    for i, method in enumerate(("fork", "spawn", "forkserver")):
        context = multiprocessing.get_context(method)
        process = context.Process(target=train, args=(10.0 + i,))
        process.start()
        process.join()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(train, [20.0, 21.0], chunksize=1)
        pool.close()
        pool.join()
    pid = os.fork()
    if pid == 0:
        train(22.0)
        sys.exit(0)
    os.waitpid(pid, 0)
    subprocess.run([sys.executable, "work.py", "30.0"], check=True)
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    subprocess.run([*pytest, "test_work.py"], check=True, stdout=subprocess.DEVNULL)
    train(2.0)
""",
}


def alphas(runs: list[RunView]) -> list[float]:
    return sorted(run.params["alpha"] for run in runs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_family_of_processes_under_autolog_run(tmp_path: Path) -> None:
    for name, text in FAMILY.items():
        (tmp_path / name).write_text(text)
    store = tmp_path / "store"
    options = ["--backend", str(store), "--name", "the first", "--tag", "kind=family"]
    command = [sys.executable, "-m", "autolog", "run", *options, "main.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    runs = list(autolog.search_runs(backend=store))[::-1]
    expected = [1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0, 22.0, 30.0, 40.0, 41.0, 42.0, 43.0]
    assert alphas(runs) == expected
    for run in runs:
        assert run.folded.end is not None
        assert run.status == "finished"
        assert run.load_model().alpha == run.params["alpha"]
        assert run.tags["kind"] == "family"
        assert run.parent is None
        assert run.name == ("the first" if run.params["alpha"] == 1.0 else "Ridge")
    assert len({run.folded.facts["session"] for run in runs}) == 1
    assert len({run.folded.facts["pid"] for run in runs}) >= 9
    assert runs[0].folded.facts["group"] == runs[-1].folded.facts["group"]
    assert list((store / "marks").iterdir()) == []
    assert runs[0].store.backend.notes() == []


def test_name_and_id_are_for_the_first_outermost_run(programs: Any, head: str) -> None:
    source = f"""
train(1.0, 2.0)
subprocess = __import__("subprocess")
pid = os.fork()
if pid == 0:
    train(3.0)
    sys.exit(0)
os.waitpid(pid, 0)
child = "from autolog import autolog; autolog.start_run().end()"
subprocess.run([{sys.executable!r}, "-c", child], check=True)
"""
    name, parent = "12" * 16, "34" * 16
    env = {"AUTOLOG_RUN_ID": name, "AUTOLOG_RUN_NAME": "mine", "AUTOLOG_PARENT_RUN": parent}
    done = programs(head + source, AUTOLOG_TAGS="one=1,two=two words", **env)
    assert (done.code, done.out) == (0, "")
    first, *others = programs.runs()
    assert (first.id, first.name) == (name, "mine")
    assert [run.params.get("alpha") for run in others] == [2.0, 3.0, None]
    assert name not in {run.id for run in others}
    assert "mine" not in {run.name for run in others}
    assert {run.parent for run in (first, *others)} == {parent}
    assert all(dict(run.tags).items() >= {"one": "1", "two": "two words"}.items()
               for run in (first, *others))  # fmt: skip
    assert len({run.folded.facts["session"] for run in (first, *others)}) == 1


def test_a_run_resumed_by_its_id(programs: Any, head: str) -> None:
    """The second program's points count from where it begins; those before it stay."""
    source = """
with autolog.start_run("long") as run:
    rate = float(sys.argv[3])
    for step in range(*map(int, sys.argv[1:3])): run.log_metric("loss", rate, step=step)
    run.log_param("lr", rate)
    if sys.argv[4:]: os.kill(os.getpid(), 9)
"""
    for arguments in (("0", "6", "0.1", "killed"), ("4", "9", "0.2")):
        programs(head + source, *arguments, AUTOLOG_RUN_ID="56" * 16)
    (run,) = programs.runs()
    assert run.folded.attempts == [1, 2]
    assert run.status == "finished"
    assert run.params["lr"] == 0.2
    assert [(p.step, p.value) for p in run.history("loss")] == [
        *((step, 0.1) for step in range(4)),
        *((step, 0.2) for step in range(4, 9)),
    ]
    assert len({opening.value["session"] for opening in run.folded.openings}) == 2


def test_processes_that_write_one_run_at_once(programs: Any, head: str) -> None:
    source = f"""
pids = []
for child in range(4):
    pids.append(os.fork())
    if pids[-1] == 0:
        while time.time() < float(sys.argv[1]): pass
        with autolog.start_run("shared", id="{"78" * 16}") as run:
            for step in range(50):
                run.log_metric(f"child {{child}}", step, step=step)
            run.log_param(f"child {{child}}", child)
            time.sleep(0.1)
        os._exit(0)
for pid in pids: assert os.waitpid(pid, 0)[1] == 0
"""
    done = programs(head + source, str(time.time() + 1))
    assert (done.code, done.out) == (0, "")
    (run,) = programs.runs()
    assert run.status == "finished"
    for child in range(4):
        assert [point.step for point in run.history(f"child {child}")] == list(range(50))
        assert run.params[f"child {child}"] == child
    assert len(run.folded.openings) == 4
    assert run.store.backend.notes() == []


OFF = {
    "off": {"AUTOLOG": "0"},
    "all excluded": {"AUTOLOG_EXCLUDE": "all"},
    "among others": {"AUTOLOG_EXCLUDE": "joblib all"},
}


@pytest.mark.parametrize("env", OFF.values(), ids=OFF)
@pytest.mark.parametrize("backend", ["given", "default"])
def test_off_leaves_no_file_and_no_variable(
    programs: Any, head: str, env: dict[str, str], backend: str
) -> None:
    source = """
train(1.0)
with autolog.start_run("by hand") as run:
    run.log_metric("m", 1)
    autolog.log_artifact(b"x", "file")
    autolog.log_table("t", {"a": [1]})
autolog.log_model("model", Ridge())
print(type(vars(Ridge)["fit"]).__name__, "AUTOLOG_SESSION" in os.environ)
"""
    config = programs.folder / "config"
    if backend == "default":
        env = {**env, "AUTOLOG_BACKEND": ""}
        head = head.replace('os.environ["AUTOLOG_BACKEND"]', '"/"')
    done = programs(head + source, XDG_CONFIG_HOME=str(config), **env)
    assert (done.code, done.out) == (0, "function False\n")
    left = {path.name for path in programs.folder.rglob("*")}
    assert left == {"train.py", "out", "tmp"}


def test_one_process_after_another_each_has_its_session(programs: Any, head: str) -> None:
    for alpha in ("1.0", "2.0"):
        programs(head + f"train({alpha}, {alpha})")
    runs = programs.runs()
    assert alphas(runs) == [1.0, 1.0, 2.0, 2.0]
    sessions = [run.folded.facts["session"] for run in runs]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]
    assert list((programs.store / "marks").iterdir()) == []


def test_a_resumed_run_keeps_its_name_experiment_and_parent(store: Path) -> None:
    name, parent = "78" * 16, "9a" * 16
    autolog.autolog(store)
    autolog.start_run("long \udc80", id=name, experiment="night", parent=parent).end()
    autolog.start_run(id=name).end()
    autolog.start_run("renamed", id=name, experiment="day").end()
    first, second, third = autolog.get_run(name, backend=store).folded.openings
    assert first.value["name"] == second.value["name"] == "long \udc80"
    assert second.value["experiment"] == "night"
    assert [one.value["parent"] for one in (first, second, third)] == [parent] * 3
    assert (third.value["name"], third.value["experiment"]) == ("renamed", "day")
    assert [one.value["attempt"] for one in (first, second, third)] == [1, 2, 3]
