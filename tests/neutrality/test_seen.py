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


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_same(name: str, answers: tuple[Answers, Answers]) -> None:
    plain, watched = (found[name] for found, _ in answers)
    assert list(differences(plain, watched)) == []


def test_the_program_prints_the_same_and_ends_in_the_same_order(
    answers: tuple[Answers, Answers],
) -> None:
    (plain, printed), (watched, printed_with_us) = answers
    assert printed_with_us == printed
    assert list(watched) == list(plain)
    assert list(plain)[-2:] == ["at exit registered second", "at exit registered first"]


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
