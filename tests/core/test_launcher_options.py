"""The command line of `autolog run`: its own options, and what it hands to the program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autolog.errors import UsageError
from autolog.launcher import SITE, environment, interpreter_flags, main

RUN = "import sys; from autolog.launcher import main; sys.exit(main(sys.argv[1:]))"
SHOW = "import json, os, sys; json.dump([sys.argv, dict(os.environ)], sys.stdout)"


def shown(folder: Path, *words: str, **env: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and environment that a program sees under `autolog run`."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        check=True,
    )
    argv, environ = json.loads(done.stdout)
    return argv, environ


def test_options_reach_the_program_as_settings(tmp_path: Path) -> None:
    argv, environ = shown(
        tmp_path,
        *("--backend", "runs", "--experiment=wine/demo", "--name", "first try"),
        *("--tag", "who=me", "--tag", "why=a=b", "--only", "sklearn", "--exclude", "torch"),
        *("-c", SHOW, "--name", "mine"),
        AUTOLOG_EXCLUDE="keras",
        AUTOLOG_TAGS="where=here",
        AUTOLOG_SESSION="0123456789abcdef",
    )
    assert argv == ["-c", "--name", "mine"]
    assert environ["AUTOLOG_BACKEND"] == str(tmp_path / "runs")
    assert environ["AUTOLOG_EXPERIMENT"] == "wine/demo"
    assert environ["AUTOLOG_RUN_NAME"] == "first try"
    assert environ["AUTOLOG_TAGS"] == "where=here,who=me,why=a=b"
    assert environ["AUTOLOG_ONLY"] == "sklearn"
    assert environ["AUTOLOG_EXCLUDE"] == "keras torch"
    assert environ.get("AUTOLOG_SESSION") != "0123456789abcdef"


def test_without_a_name_an_outer_session_goes_on(tmp_path: Path) -> None:
    _, environ = shown(tmp_path, "-c", SHOW, AUTOLOG_SESSION="0123456789abcdef")
    assert environ["AUTOLOG_SESSION"] == "0123456789abcdef"


def test_two_dashes_end_the_options(tmp_path: Path) -> None:
    (tmp_path / "--name").write_text(SHOW)
    argv, _ = shown(tmp_path, "--", "./--name", "x")
    assert argv == ["./--name", "x"]


def test_only_pythonpath_changes_without_options() -> None:
    base = {"PATH": "/bin", "PYTHONPATH": "a::b"}
    assert environment([], base) == {**base, "PYTHONPATH": f"{SITE}{os.pathsep}a::b"}
    assert environment([], {"PYTHONPATH": ""}) == {"PYTHONPATH": str(SITE)}


def test_stores_by_scheme_stay_and_folders_become_absolute(tmp_path: Path) -> None:
    options = [("--backend", text) for text in ("memory:", "postgresql://h/db", "file:x", "y")]
    here = Path.cwd()
    found = environment(options, {})["AUTOLOG_BACKEND"].split()
    assert found == ["memory:", "postgresql://h/db", str(here / "x"), str(here / "y")]


def test_folder_below_one_with_a_blank_in_its_name_stays_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my project").mkdir()
    monkeypatch.chdir(tmp_path / "my project")
    assert environment([("--backend", "runs")], {})["AUTOLOG_BACKEND"] == "runs"


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (["python", "-m", "autolog", "run", "-O"], []),
        (
            ["python", "-O", "-X", "dev", "-Werror", "-m", "autolog", "run"],
            ["-O", "-X", "dev", "-Werror"],
        ),
        (["python", "-uOm", "autolog", "run"], ["-u", "-O"]),
        (["python", "-B", "/venv/bin/autolog", "run", "-v"], ["-B"]),
        (
            ["python", "--check-hash-based-pycs", "never", "-m", "autolog"],
            ["--check-hash-based-pycs", "never"],
        ),
        (["python", "-c", "code", "-O"], []),
    ],
)
def test_flags_of_the_interpreter_are_found(command: list[str], flags: list[str]) -> None:
    assert interpreter_flags(command) == flags


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no program"),
        (["--name", "x"], "no program"),
        (["--name"], "--name needs a value"),
        (["--nmae=x", "p.py"], "no option --nmae"),
        (["-O", "p.py"], "python -O -m autolog run"),
        (["-m"], "-m needs an argument"),
        (["--tag", "novalue", "p.py"], "KEY=VALUE"),
        (["--tag", "a=1,2", "p.py"], "without commas"),
        (["--backend", "my runs", "p.py"], "white space"),
    ],
)
def test_bad_command_line(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert "--experiment NAME" in capsys.readouterr().out


def test_bad_value_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        environment([("--tag", "=x")], {})
