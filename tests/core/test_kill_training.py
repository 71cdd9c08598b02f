"""Whole training programs that die by a signal: what they were promised is read back."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

KILLS = 25

WRITER = """
told = os.open("told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def promised(*fact):
    os.write(told, json.dumps([os.getpid(), *fact]).encode() + b"\\n")

by_hand = autolog.start_run("by hand")
train(0.0)
print("READY", flush=True)
number = 0
while True:
    for _ in range(25):
        by_hand.log_metric("m", number, step=number)
        promised(by_hand.id, "m", number)
        number += 1
    by_hand.log_table("t", {"column": ["x" * 1000] * (number % 100)})
    model = Ridge(alpha=float(number)).fit(X, y)
    promised(None, "fit", float(number))
    autolog.log_metric("alpha", number)
    promised(None, "alpha", number)
"""


def after(folder: Path, seconds: float, number: int) -> Callable[[int], None]:
    """Sends the signal so long after the program has said that it is ready."""

    def kill(pid: int) -> None:
        out = folder / "out"
        while not (out.exists() and "READY" in out.read_text()):
            time.sleep(0.002)
        time.sleep(seconds)
        os.kill(pid, number)

    return kill


def test_what_was_promised_is_read_back(programs: Any, head: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(KILLS):
        kill = after(programs.folder, chance.random() * 0.25, signal.SIGKILL)
        (programs.folder / "out").unlink(missing_ok=True)
        done = programs(head + WRITER, at_start=kill)
        assert (done.code, done.out) == (-signal.SIGKILL, "READY\n")
    by_process: dict[int, list[RunView]] = {}
    for run in programs.runs():
        by_process.setdefault(run.folded.facts["pid"], []).append(run)
    assert len(by_process) == KILLS
    told = (programs.folder / "told").read_text().splitlines()
    assert len(told) > 30 * KILLS
    found = [facts(runs) for runs in by_process.values()]
    open_runs = set()
    for pid, run, key, value in map(json.loads, told):
        assert (key, value) in found[list(by_process).index(pid)], (pid, key, value)
        open_runs |= {run} - {None}
    assert len(open_runs) == KILLS
    for run in open_runs:
        assert autolog.get_run(run, backend=programs.store).status == "lost"
    for runs in by_process.values():
        check_whole(runs)
    notes = programs.runs()[0].store.backend.notes()
    assert [note for note in notes if "torn last line" not in note] == []  # a long record's


def facts(runs: list[RunView]) -> set[tuple[str, Any]]:
    """What one process recorded, as it was promised."""
    by_hand, *trained = runs
    found: set[tuple[str, Any]] = {("m", point.value) for point in by_hand.history("m")}
    found |= {("fit", run.params["alpha"]) for run in trained if run.status == "finished"}
    found |= {("alpha", point.value) for run in runs for point in all_points(run, "alpha")}
    return found


def all_points(run: RunView, key: str) -> Any:
    return run.history(key) if key in run.metrics else ()


def check_whole(runs: list[RunView]) -> None:
    """No gaps; what has ended is whole; only the last may be cut off."""
    by_hand, *trained = runs
    values = [point.value for point in by_hand.history("m")]
    assert values == list(range(len(values)))
    assert by_hand.status == "lost"
    for run in trained:
        assert run.parent is None
        assert run.status == ("finished" if run.folded.end else "lost")
        if run.folded.end and "path" in run.models["model"]:
            assert run.load_model().alpha == run.params["alpha"]
    assert [run.status for run in trained[:-1]] == ["finished"] * (len(trained) - 1)


FIT_IN_C = """
from sklearn.svm import SVC
X, y = np.random.default_rng(0).random((12000, 60)), np.arange(12000) % 2
print("READY", flush=True)
SVC(C=1000, cache_size=1).fit(X, y)
"""
WRITING = """
run = autolog.start_run("by hand")
print("READY", flush=True)
number = 0
while True:
    run.log_metric("m", number, step=number)
    number += 1
"""
SLOW = """
from sklearn.base import BaseEstimator
class Slow(BaseEstimator):
    def fit(self, X, y=None):
        print("READY", flush=True)
        while True: time.sleep(0.01)
"""


def test_sigterm_ends_a_fit_in_c_at_once(programs: Any, head: str) -> None:
    """Python's own handlers would wait for the end of the fit, which takes minutes."""
    done = programs(head + FIT_IN_C, at_start=after(programs.folder, 0.5, signal.SIGTERM))
    assert (done.code, done.out) == (-signal.SIGTERM, "READY\n")
    (run,) = programs.runs()
    assert (run.status, run.ended) == ("killed", None)
    assert run.params["C"] == 1000
    assert run.datasets["X"]["shape"] == [12000, 60]


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2])
def test_sigterm_while_we_write(programs: Any, head: str, seconds: float) -> None:
    done = programs(head + WRITING, at_start=after(programs.folder, seconds, signal.SIGTERM))
    assert (done.code, done.out) == (-signal.SIGTERM, "READY\n")
    (run,) = programs.runs()
    values = [point.value for point in run.history("m")]
    assert values == list(range(len(values)))
    assert len(values) > 100
    assert run.status == "killed"
    assert run.store.backend.notes() == []


def test_a_handler_of_the_program_decides(programs: Any, head: str) -> None:
    source = """
import signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
with autolog.start_run("by hand") as run:
    run.log_metric("m", 1)
    print("READY", flush=True)
    time.sleep(60)
"""
    done = programs(head + source, at_start=after(programs.folder, 0.05, signal.SIGTERM))
    assert (done.code, done.out) == (3, "READY\n")
    (run,) = programs.runs()
    assert (run.status, run.metrics) == ("failed", {"m": 1})
    assert list((programs.store / "marks").iterdir()) == []


@pytest.mark.parametrize("caught", [True, False])
def test_ctrl_c_in_a_fit_passes(programs: Any, head: str, caught: bool) -> None:
    begin = head + SLOW
    if caught:
        source = """
try:
    Slow().fit(X)
except KeyboardInterrupt as error:
    print("caught", error.args, error.__cause__, error.__context__, hasattr(error, "__notes__"))
train(1.0)
"""
    else:
        source = "Slow().fit(X)\n"
    done = programs(begin + source, at_start=after(programs.folder, 0.1, signal.SIGINT))
    slow, *others = programs.runs()
    assert (slow.status, slow.error and slow.error.type) == ("killed", "KeyboardInterrupt")
    if caught:
        assert (done.code, done.out) == (0, "READY\ncaught () None None False\n")
        assert [run.status for run in others] == ["finished"]
    else:
        assert done.code == -signal.SIGINT
        assert done.out.endswith("KeyboardInterrupt\n")
        assert "engine.py" not in done.out
        assert others == []


def test_a_fit_in_c_ends_with_ctrl_c_as_killed(programs: Any, head: str) -> None:
    source = FIT_IN_C.replace("12000", "1500")
    done = programs(head + source, at_start=after(programs.folder, 0.1, signal.SIGINT))
    assert done.code == -signal.SIGINT
    (run,) = programs.runs()
    assert run.status == "killed"
