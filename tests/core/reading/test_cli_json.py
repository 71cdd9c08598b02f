"""`--json`: every verb that prints facts has it; it parses, is ASCII, and knows no terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main

from autolog.cli.app import app

from .conftest import Story
from .test_cli_verbs import in_terminal, run

CALLS: dict[str, tuple[str, ...]] = {
    "ls": (),
    "show": ("a",),
    "compare": ("a", "b"),
    "tail": ("a",),
    "export": (),
    "rm": ("a",),
    "gc": ("--older-than", "1h"),
    "sync": ("autolog-runs", "--to", "copy"),
    "doctor": ("--explain",),
    "version": (),
}
LINES = ("tail", "export")
"""Verbs whose JSON is one document a line."""


@pytest.fixture
def stored(told: Story, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Story:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    writer = told.run("a").opens("Zürich \x1b[31m").params({"C": 1, "ü": float("nan")})
    writer.metric("m", 1, 2)("artifact", "x", {"path": "x"}).ends()
    told.run("b").opens("Ridge").params({"C": 2}).ends("failed", type="E", message="ü")
    return told


def test_every_verb_that_prints_facts_has_it() -> None:
    command: Any = typer.main.get_command(app)
    having = {
        name
        for name, verb in command.commands.items()
        if any("--json" in p.opts for p in verb.params)
    }
    assert having == set(command.commands) - {"run", "server"} == set(CALLS)


@pytest.mark.parametrize("verb", CALLS)
def test_it_parses_and_is_the_same_on_a_terminal(stored: Story, verb: str) -> None:
    words = [verb, *CALLS[verb], "--json"]
    if verb == "sync":  # of which the second time finds nothing to do
        run(*words)
    piped = run(*words).stdout
    shown = in_terminal(words, FORCE_COLOR="1", COLUMNS="40").replace(b"\r\n", b"\n")
    assert piped.isascii()
    assert b"\x1b" not in piped
    documents = piped.splitlines() if verb in LINES else [piped]
    assert [json.loads(text) for text in documents]
    if verb == "doctor":  # free bytes may differ by now
        assert json.loads(shown).keys() == json.loads(piped).keys()
    else:
        assert piped in shown  # on a terminal stderr may stand beside it


def test_rm_says_what_would_go_and_what_went(stored: Story) -> None:
    done = run("rm", "--filter", "status = 'failed'", "--json")
    facts = json.loads(done.stdout)
    assert done.returncode == 1
    assert (facts["done"], facts["removed"]) == (False, [])
    assert [(one["name"], one["status"]) for one in facts["runs"]] == [("Ridge", "failed")]
    assert b"--yes" in done.stderr
    facts = json.loads(run("rm", "--filter", "status = 'failed'", "--json", "--yes").stdout)
    assert facts["removed"] == [facts["runs"][0]["id"]]
    assert facts["bytes"] == facts["runs"][0]["bytes"] > 0


def test_gc_has_figures_before_and_after(stored: Story) -> None:
    dry = json.loads(run("gc", "--older-than", "1h", "--json").stdout)
    wet = json.loads(run("gc", "--older-than", "1h", "--yes", "--json").stdout)
    assert dry["before"] == wet["before"]
    assert dry["after"]["runs"] == wet["after"]["runs"] == 0
    assert (dry["done"], wet["done"]) == (False, True)
    assert wet["after"]["bytes"] < wet["before"]["bytes"]


def test_sync_counts(stored: Story) -> None:
    facts = json.loads(run("sync", "autolog-runs", "--to", "copy", "--json").stdout)
    assert (facts["runs"], facts["artifacts"], facts["failed"]) == (2, 0, [])
    assert facts["records"] > 5


def test_the_version_is_the_programs(stored: Story) -> None:
    from autolog import __version__

    assert json.loads(run("version", "--json").stdout)["autolog"] == __version__
