"""Programs as people write them: the same with us and without, and what they would have logged.

Each program prints, as lines that begin with `FACT`, what its author would have logged by hand.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gallery
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import autolog
from autolog.view import RunView

PROGRAMS = Path(__file__).parent / "programs"
BY_LINE = ("kaggle", "own_estimators", "selection", "workers")
BY_COMMAND = ("experiments", "streaming", "strict")
if gallery.ALL:
    BY_LINE, BY_COMMAND = (*BY_LINE, *BY_COMMAND), (*BY_COMMAND, "workers")
MARK = "# AUTOLOG"


class Played(NamedTuple):
    """What could be seen of a program."""

    code: int
    out: str
    err: str
    files: dict[str, str]


def play(folder: Path, name: str, way: str) -> Played:
    """Run a program plainly, with the added line, or by `autolog run`, in the same folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
    line = "from autolog import autolog; autolog()" if way == "line" else "pass"
    script = folder / (f"{name}.py" if name != "experiments" else "experiments/__main__.py")
    text = script.read_text("utf-8")
    script.write_text(text.replace(MARK, line, 1), "utf-8")
    before = set(folder.rglob("*"))
    asked = re.findall(r"^# run: (.*)$", text, re.M)
    command = asked[0].split() if asked else [script.name]
    store = folder.parent / way
    environment = {
        **os.environ, "AUTOLOG_BACKEND": str(store), "AUTOLOG_STRICT": "1", "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command] if way != "run" else _recorded(command),
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    made = [path for path in sorted(folder.rglob("*")) if path not in before and path.is_file()]
    files = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in made}
    return Played(done.returncode, done.stdout, done.stderr, files)


def _recorded(command: list[str]) -> list[str]:
    """The command under `autolog run`; options of Python itself stand before."""
    options = command[:2] if command[0] == "-W" else []
    return [sys.executable, *options, "-m", "autolog", "run", *command[len(options) :]]


@pytest.fixture(scope="module")
def plainly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Played]]:
    """A program's folder, and what it does without us; run once."""
    known: dict[str, tuple[Path, Played]] = {}

    def find(name: str) -> tuple[Path, Played]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name) / "programs"
            known[name] = folder, play(folder, name, "plain")
        return known[name]

    return find


@pytest.mark.parametrize(
    ("name", "way"),
    [*((name, "line") for name in BY_LINE), *((name, "run") for name in BY_COMMAND)],
)
def test_a_program_is_the_same_and_its_facts_are_found(
    name: str, way: str, plainly: Callable[[str], tuple[Path, Played]]
) -> None:
    folder, plain = plainly(name)
    assert "FACT" in plain.out, plain.err
    assert play(folder, name, way) == plain
    assert not (folder.parent / "plain").exists()
    runs = list(autolog.search_runs(backend=folder.parent / way))[::-1]
    for line in plain.out.splitlines():
        if line.startswith("FACT "):
            *path, expected = json.loads(line.removeprefix("FACT "))
            # The program may have reckoned the number another way: the last digit is its own.
            near = isinstance(expected, float)
            wanted = pytest.approx(expected, rel=1e-12) if near else expected
            assert found(runs, *path) == wanted, path


def found(runs: list[RunView], first: Any, *path: Any) -> Any:
    """What stands at a fact's path."""
    of_all = {
        "count": len(runs),
        "names": [run.name for run in runs],
        "statuses": [run.status for run in runs],
        "experiments": sorted({run.experiment for run in runs}),
    }
    if isinstance(first, str):
        return of_all[first]
    run, (part, *keys) = runs[first], path
    if part in ("history", "steps"):
        points = run.history(keys[0])
        return [point.value if part == "history" else point.step for point in points]
    value = getattr(run, part)
    for key in keys:
        value = value[key]
    return value


@pytest.mark.parametrize(
    "train",
    [
        lambda: Ridge().fit([[1.0]], ["a"]),
        lambda: Ridge().fit(),  # type: ignore[call-arg]
        lambda: make_pipeline(Ridge(alpha=-1)).fit([[1.0]], [1.0]),
    ],
    ids=["bad data", "bad call", "nested"],
)
def test_a_traceback_shows_no_frame_of_ours(train: Callable[[], Any]) -> None:
    plain = _told(train)
    autolog.autolog("memory:")
    assert _told(train) == plain


def _told(train: Callable[[], Any]) -> list[str]:
    with pytest.raises((TypeError, ValueError)) as caught:
        train()
    return traceback.format_exception(caught.value)
