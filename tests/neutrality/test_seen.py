"""What a program can see of itself and of scikit-learn is the same under `autolog run`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import autolog

PROGRAM = Path(__file__).with_name("seen")
NAMES = [
    name
    for part in ("doing", "looking", "process")
    for name in re.findall(r"@question\ndef (\w+)", (PROGRAM / f"{part}.py").read_text("utf-8"))
]

IMPORTED = {
    *("autolog", "cloudpickle", "cryptography", "msgspec", "typing_extensions", "wrapt", "xxhash"),
}
"""All that a recorded process may import and a plain one does not."""

Answers = tuple[dict[str, Any], list[str]]

pytestmark = pytest.mark.timeout(900)


def asked(folder: Path, *ours: str) -> Answers:
    """The answers in their order, and what the program printed."""
    folder.mkdir()
    environment = {
        **os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *ours, str(PROGRAM), "answers"],
        cwd=folder, env=environment, input="input", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-5000:]
    text = (folder / "answers").read_text("utf-8").replace(str(folder), "<folder>")
    lines = [json.loads(line) for line in text.splitlines()]
    answers = {name: answer for line in lines for name, answer in line.items()}
    return answers, [done.stdout, done.stderr]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, Answers]:
    """Of a plain process and of one under `autolog run`, which run at the same time."""
    folder = tmp_path_factory.mktemp("seen")
    run = ["-m", "autolog", "run", "--backend", str(folder / "runs")]
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(asked, folder / "plain")
        watched = pool.submit(asked, folder / "watched", *run)
        both = plain.result(), watched.result()
    assert len(autolog.search_runs(backend=folder / "runs")) > 1000
    shutil.rmtree(folder)
    return both


@pytest.mark.parametrize("name", sorted({*NAMES} - {"what_is_imported"}))
def test_the_answer_is_the_same(name: str, answers: tuple[Answers, Answers]) -> None:
    plain, watched = (found[name] for found, _ in answers)
    assert list(differences(plain, watched)) == []


def test_no_other_library_is_imported(answers: tuple[Answers, Answers]) -> None:
    plain, watched = ({*found["what_is_imported"]} for found, _ in answers)
    assert plain <= watched
    assert watched - plain <= IMPORTED
    assert "autolog" in watched


def test_the_program_prints_the_same_and_ends_in_the_same_order(
    answers: tuple[Answers, Answers],
) -> None:
    (plain, printed), (watched, printed_with_us) = answers
    assert printed_with_us == printed
    assert list(watched) == list(plain)
    assert list(plain)[-2:] == ["at exit registered second", "at exit registered first"]


LINE = '''"""A model of one feature.

>>> train(3).coef_.round(3).tolist()
[1.0]
>>> train(0)
Traceback (most recent call last):
  ...
ValueError: too few
"""
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge


def train(count):
    if count < 2:
        raise ValueError("too few")
    return Line().fit([[n] for n in range(count)], range(count))


class Line(BaseEstimator):
    def fit(self, X, y):
        for n in range(3):
            if n > 5:
                break
        else:
            self.coef_ = Ridge(alpha=1e-9).fit(X, y).coef_
        return self


if __name__ == "__main__":
    print(train(4))
    try:
        train(1)
    except ValueError:
        pass
'''


def tool(folder: Path, *words: str) -> str:
    """What a tool prints of the program, without times."""
    (folder / "program.py").write_text(LINE)
    environment = {**os.environ, "AUTOLOG_BACKEND": str(folder / "runs")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


RUN = ("-m", "autolog", "run")


def test_doctest(tmp_path: Path) -> None:
    command = ("-m", "doctest", "-v", "program.py")
    assert tool(tmp_path, *RUN, *command) == tool(tmp_path, *command)
    assert len(autolog.search_runs(backend=tmp_path / "runs")) == 1


def test_coverage_of_lines_and_branches(tmp_path: Path) -> None:
    def covered(*ours: str) -> Any:
        tool(tmp_path, *ours, "-m", "coverage", "run", "--branch", "--source=.", "program.py")
        found = json.loads(tool(tmp_path, "-m", "coverage", "json", "-q", "-o", "-"))
        return found["files"]

    plain = covered()
    assert covered(*RUN) == plain
    assert plain["program.py"]["missing_branches"]
    assert len(autolog.search_runs(backend=tmp_path / "runs")) == 1


def differences(plain: Any, watched: Any, place: str = "") -> Any:
    """Where two answers differ, each as a short text."""
    if plain == watched:
        return
    if isinstance(plain, list) and isinstance(watched, list) and len(plain) == len(watched):
        for number, (one, other) in enumerate(zip(plain, watched, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif isinstance(plain, dict) and isinstance(watched, dict) and plain.keys() == watched.keys():
        for key in plain:
            yield from differences(plain[key], watched[key], f"{place}.{key}")
    elif isinstance(plain, str) and "\n" in plain and isinstance(watched, str):
        yield place, set(plain.splitlines()) ^ set(watched.splitlines())
    else:
        yield place, str(plain)[:300], str(watched)[:300]
