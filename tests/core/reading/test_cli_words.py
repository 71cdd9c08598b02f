"""Helpful words on what a person types wrong, and output that fits where it goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

import autolog
from autolog.errors import FilterError

from .conftest import Story
from .test_cli_verbs import in_terminal, run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def stored(told: Story) -> Story:
    for i in range(3):
        writer = told.run(f"ab{i}", ago=10 - i).opens("Ridge", experiment="wine/démo")
        writer.params({"alpha": i, "other": "x"}).metric("accuracy", 0.5 + i / 10)
        writer.metric("loss", 3, 2, 1)("tag", "owner", "me").ends()
    told.run("cd", ago=1).opens("Lasso").ends("failed", type="ValueError", message="m" * 300)
    return told


@pytest.mark.parametrize("words", [["ls"], ["export"], ["rm", "--filter"]])
def test_a_filter_that_cannot_be_read_has_a_caret(
    stored: Story, command: Command, words: list[str]
) -> None:
    code, out, err = command(*words, "metrics.accuracy >> 1")
    assert (code, out) == (2, "")
    assert err.splitlines()[-2:] == ["  metrics.accuracy >> 1", "                    ^"]
    with pytest.raises(FilterError) as told:
        autolog.search_runs("metrics.accuracy >> 1", backend="autolog-runs")
    assert str(told.value).splitlines()[-1].index("^") == 20


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["ls", "metrics.acurracy > 0.5"],
            "no run has a metric 'acurracy'; did you mean 'accuracy'",
        ),
        (["ls", "not params.alhpa = 1"], "no run has a param 'alhpa'; did you mean 'alpha'"),
        (
            ["ls", "tags.ownr = 'me' or status = 'x'"],
            "no run has a tag 'ownr'; did you mean 'owner'",
        ),
        (["ls", "--order", "metrics.lss desc"], "no run has a metric 'lss'; did you mean 'loss'"),
        (["export", "metrics.acurracy > 0.5"], "did you mean 'accuracy'"),
        (["ls", "params.zzz = 1"], "no run has a param 'zzz'\n"),
        (["rm", "--filter", "params.alpah = 1", "--json"], "did you mean 'alpha'"),
    ],
)
def test_a_name_that_no_run_has_is_told(
    stored: Story, command: Command, words: list[str], says: str
) -> None:
    code, _, err = command(*words)
    assert says in err
    assert err.count("no run has") == 1
    assert code == (1 if words[0] == "rm" else 0)


def test_names_that_some_run_has_are_not_told(stored: Story, command: Command) -> None:
    for filter in ("metrics.accuracy > 9", "params.alpha = 77", "metrics.accuracy is null", ""):
        assert command("ls", filter)[2] == ""
    assert command("ls", "--backend", "none", "metrics.x > 1")[2] == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("@0", "@latest and @1 are the newest"),
        ("@", "@latest and @1 are the newest"),
        ("@-1", "@latest and @1 are the newest"),
        ("@999", "there are 4 runs"),
        ("@newest", "@latest and @1 are the newest"),
        ("", "no run '' in "),
        (" ", "`autolog ls` lists them"),
        ("ab", "3 runs begin with 'ab'"),
        ("abx0", "did you mean"),
        ("zzzz", "`autolog ls` lists them"),
    ],
)
def test_a_run_that_is_not_named_well(
    stored: Story, command: Command, name: str, says: str
) -> None:
    code, out, err = command("show", name)
    assert (code, out) == (1, "")
    assert says in err


def test_a_verb_with_a_slip_names_the_near_one(stored: Story, command: Command) -> None:
    code, _, err = command("shwo")
    assert code == 2
    assert "Did you mean 'show'?" in err


def test_rm_by_filter_leaves_what_runs(stored: Story, command: Command) -> None:
    from autolog import process

    stored.run("ef").opens("Live", **process.this_process())
    code, out, _ = command("rm", "--filter", "name != 'Ridge'", "--yes")
    assert code == 0
    assert "1 run still running: left alone" in out
    assert "removed 1 run, " in out
    assert {r[:2] for r in stored.backend.run_ids()} == {"ab", "ef"}
    code, out, _ = command("rm", "ab0", "ab1", "ef", "--yes")
    assert "removed 3 runs" in out
    assert command("rm")[0] == 2
    assert command("rm", "--filter", "name = 'none'", "--yes")[1].startswith("no run to remove")


def test_a_long_list_is_cut(told: Story, command: Command) -> None:
    for i in range(40):
        told.run(f"{i:04x}", ago=i).opens().ends()
    _, out, _ = command("rm", "--filter", "", "--yes")
    assert out.splitlines()[30:] == ["… and 10 more", out.splitlines()[-1]]
    assert "removed 40 runs" in out


# -- where it goes -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_tables_fit_the_width_as_far_as_they_can(
    stored: Story, command: Command, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    _, out, _ = command("ls", "name = 'Ridge'")
    rows = [line for line in out.splitlines() if "Ridge" in line or " ID " in line]
    assert len(rows) == 4
    assert max(map(cell_len, rows)) <= max(int(width), 50)


@pytest.mark.parametrize(
    ("words", "environment", "colours"),
    [
        (["ls"], {}, False),
        (["ls"], {"FORCE_COLOR": "1"}, True),
        (["ls"], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["tail", "cd"], {}, False),
        (["show", "cd"], {"NO_COLOR": "1"}, False),
        (["ls", "--json"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_on_a_pipe(
    stored: Story, words: list[str], environment: dict[str, str], colours: bool
) -> None:
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    done = run(*words, env={**clean, **environment})
    assert (b"\x1b[3" in done.stdout) == colours
    assert done.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "words",
    [
        ["ls"],
        ["show"],
        ["compare", "@1", "@2"],
        ["tail"],
        ["gc"],
        ["doctor", "--explain"],
        ["--help"],
    ],
    ids=lambda words: words[0],
)
def test_any_encoding_will_do(stored: Story, words: list[str], encoding: str) -> None:
    done = run(*words, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert b"Traceback" not in done.stderr
    assert b"UnicodeEncodeError" not in done.stderr
    assert done.stdout
    assert words[0] == "doctor" or done.returncode == 0


def test_an_export_shows_a_bar_where_it_is_long(told: Story) -> None:
    for i in range(120):
        told.run(f"{i:04x}", ago=i).opens().ends()
    assert b"exporting" in in_terminal(["export", "--to", "runs.jsonl"], stderr=True)
    assert len(Path("runs.jsonl").read_text().splitlines()) == 120
    assert in_terminal(["export", "id LIKE '000%'", "--to", "few.csv"], stderr=True) == b""
    assert run("export", "--to", "all.csv").stderr == b""
