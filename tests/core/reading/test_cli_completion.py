"""Completion: what is offered where, through the real shell, and that errors stay silent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autolog.cli.completing import SCRIPTS, candidates, split

from .conftest import Story

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def stored(told: Story) -> Story:
    told.run("ab12", ago=5).opens("Ridge").params({"C": 1, "my key": 2}).metric(
        "accuracy", 1.0
    ).ends()
    told.run("cd34", ago=9).opens("Lasso", experiment="other").params({"alpha": 1}).ends()
    return told


def offered(line: str) -> list[str]:
    before, current, _ = split(line)
    return [value for value, _ in candidates(before[1:], current) if value.startswith(current)]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("autolog ", ["ls", "show", "compare"]),
        ("autolog --v", ["--version"]),
        ("autolog l", ["ls"]),
        ("autolog show ", ["@latest", "@1", "@2", "ab12", "cd34"]),
        ("autolog compare ab12 c", ["cd34"]),
        ("autolog rm --yes a", ["ab12"]),
        ("autolog ls --exp", ["--experiment", "--expand"]),
        ("autolog ls -e ", ["wine/demo", "other"]),
        ("autolog export --format p", ["parquet"]),
        ("autolog ls metrics.", ["metrics.accuracy"]),
        (
            'autolog ls "metrics.accuracy > 1 and params.a',
            ["metrics.accuracy > 1 and params.alpha"],
        ),
        ("autolog ls --columns 'params.C, metrics.", ["params.C, metrics.accuracy"]),
        ("autolog rm --filter 'not (params.my", []),
        ("autolog rm --filter 'not (params.`my", ["not (params.`my key`"]),
        ("autolog run tr", []),
        ("autolog run --json ", []),
        ("autolog nosuch ", []),
        ("autolog ls --limit ", []),
    ],
)
def test_what_may_stand_there(stored: Story, line: str, first: list[str]) -> None:
    assert offered(line)[: len(first) or None] == first


def test_another_store_is_asked_if_it_is_named(stored: Story, tmp_path: Path) -> None:
    from autolog.backends.local import LocalBackend

    Story(LocalBackend(tmp_path / "else")).run("ef56").opens().ends()
    assert offered("autolog show --backend else e") == ["ef56"]


def bash(line: str) -> list[str]:
    """What bash's own function puts into COMPREPLY for `line`."""
    script = f"""
    {SCRIPTS["bash"]}
    COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}
    _autolog_completion autolog
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_asks_and_is_answered(stored: Story) -> None:
    assert bash("autolog sho") == ["show"]
    assert bash("autolog show @l") == ["@latest"]
    assert bash("autolog show c") == ["cd34"]
    assert bash("autolog ls --order metrics.a") == ["metrics.accuracy"]
    assert bash('autolog ls "params.my') == ["params.\\`my key\\`"]
    assert bash("autolog run x") == [""]


@pytest.mark.parametrize("shell", [name for name in ("zsh", "fish") if shutil.which(name)])
def test_the_scripts_of_other_shells_parse(shell: str) -> None:
    done = subprocess.run(
        [shell, "-n"], input=SCRIPTS[shell], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_errors_are_silent(
    stored: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOLOG_BACKEND", "nosuch:x")
    assert command("__complete", "bash", "autolog show ") == (0, "", "")
    assert command("__complete") == (0, "", "") or command("__complete")[0] == 0


def test_a_name_that_would_do_harm_is_not_offered(told: Story, command: Command) -> None:
    told.run("a").opens().params({"x\ny": 1, "\x1b[31m": 1, "$(reboot)": 1}).ends()
    _, out, _ = command("__complete", "bash", 'autolog ls "params.')
    assert out.splitlines() == ["params.\\`\\$(reboot)\\`"]
    _, out, _ = command("__complete", "bash", "autolog ls params.")
    assert out.splitlines() == ["params.\\`\\$\\(reboot\\)\\`"]


def test_a_script_is_shown_and_installed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    for shell, script in SCRIPTS.items():
        assert command("--show-completion", shell)[:2] == (0, script)
    assert command("--show-completion")[1] == SCRIPTS["fish"]
    code, out, _ = command("--install-completion")
    assert code == 0
    place = tmp_path / ".config/fish/completions/autolog.fish"
    assert str(place) in out
    assert place.read_text() == SCRIPTS["fish"]
    code, _, err = command("--show-completion", "tcsh")
    assert (code, "one of bash, zsh, fish" in err) == (2, True)
    assert "--install-completion" in command("--help")[1]


def test_words_that_are_split() -> None:
    assert split("a 'b c' d\\ e \"f") == (["a", "b c", "d e"], "f", '"')
    assert split("a ''  ") == (["a", ""], "", "")
    assert split('"a\\`b\\"c" \'d\\e') == (['a`b"c'], r"d\e", "'")
    assert split("") == ([], "", "")
