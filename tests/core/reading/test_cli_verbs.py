"""The verbs that follow, export and remove; errors, pipes and colours."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolog import process
from autolog.cleaning import run_bytes
from autolog.paths import TEMPORARY
from autolog.store import Store

from .conftest import DAY, Story, run_id

Command = Callable[..., tuple[int, str, str]]
AUTOLOG = [sys.executable, "-m", "autolog"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "zz"], 1, "autolog: no runs in"),
        (["compare", "a"], 1, "autolog: no runs in"),
        (["ls", "metrics.a <> 1"], 2, "\n  metrics.a <> 1\n            ^"),
        (["ls", "--order", "nam"], 2, "did you mean name?"),
        (["ls", "--backend", "nosuch:x"], 2, "no backend for 'nosuch'"),
        (["frobnicate"], 2, "No such command"),
        (["gc", "--older-than", "soon"], 2, "write 30d"),
        (["gc", "--quota", "much"], 2, "write 10GB"),
        (["export", "--format", "xml"], 2, "one of jsonl, csv, parquet"),
        (["export", "--format", "parquet"], 2, "--to runs.parquet"),
    ],
)
def test_errors_are_one_message_and_a_code(
    told: Story, command: Command, words: list[str], code: int, says: str
) -> None:
    found, out, err = command(*words)
    assert (found, out) == (code, "")
    assert says in err
    assert "Traceback" not in err


def test_help_and_version(command: Command) -> None:
    code, out, _ = command("--help")
    assert code == 0
    for verb in ("ls", "show", "compare", "tail", "export", "rm", "gc", "doctor", "run"):
        assert f"\n  {verb} " in out
    assert command("--version")[1].startswith("autolog ")


def test_no_text_of_a_store_reaches_the_terminal_as_it_is(told: Story, command: Command) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J[bold]\u202e\n\r\x9b31m"
    writer = told.run("a", ago=2).opens(evil, experiment=evil, site=evil, library=evil, group=evil)
    writer.params({evil: evil}).metric(evil, 1.0, call=evil, site=evil, link=evil)
    writer.metric(evil + "s", 1, 2, unit=evil)("tag", evil, evil)("table", evil, {"rows": 1})
    writer("dataset", evil, {"role": evil, "dtype": evil, "shape": [evil], "digest": evil})
    writer("model", evil, {"path": evil, "class": evil, "error": evil})
    writer("system", "versions", {"python": evil, evil: evil})
    writer.ends("failed", type=evil, message=evil, traceback=evil)
    told.run("b", ago=1).opens(evil).ends()
    everything = ""
    for words in (
        ["ls", "--columns", evil],
        ["ls", evil],
        ["show", "a", "-v"],
        ["show", evil],
        ["compare", "a", "b"],
        ["tail", "a"],
        ["gc", "--older-than", "0s"],
        ["ls", "--json"],
        ["show", "a", "--json"],
    ):
        _, out, err = command(*words)
        everything += out + err
    assert not set(everything) & {chr(c) for c in (*range(10), *range(11, 32), *range(127, 160))}
    assert "\u202e" not in everything
    assert "[bold]" in everything


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(filter=st.text(max_size=20))
def test_ls_of_any_filter_has_a_clear_end(told: Story, command: Command, filter: str) -> None:
    assert command("ls", "--", filter)[0] in (0, 2)


# -- tail --------------------------------------------------------------------------------------


def test_tail_shows_the_last_records(told: Story, command: Command) -> None:
    told.run("a").opens().params({"C": 1}).metric("loss", 3.0, 2.5).ends()
    _, out, _ = command("tail", "a", "-n", "3")
    lines = [line[10:] for line in out.splitlines()]
    assert lines == [
        "metric   loss  3.0  step 0",
        "metric   loss  2.5  step 1",
        'end      {"status": "finished", "error": null}',
    ]


def test_tail_f_prints_what_comes_until_the_run_ends(told: Story) -> None:
    writer = told.run("a", ago=0).opens(**process.this_process()).metric("loss", 3.0)
    with subprocess.Popen([*AUTOLOG, "tail", "-f"], stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        assert "run" in tail.stdout.readline()
        assert "loss  3.0" in tail.stdout.readline()
        writer.metric("loss", 2.5)
        assert "loss  2.5" in tail.stdout.readline()
        writer("tag", "last", "words").ends()
        rest = tail.stdout.read()
    assert tail.returncode == 0
    assert "words" in rest
    assert "finished" in rest


def test_ctrl_c_ends_tail_f_quietly(told: Story) -> None:
    told.run("a", ago=0).opens(**process.this_process())
    with subprocess.Popen(
        [*AUTOLOG, "tail", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, err = tail.communicate()
    assert "Traceback" not in err
    assert tail.returncode in (0, 130)


# -- export ------------------------------------------------------------------------------------


@pytest.fixture
def exported(told: Story) -> Story:
    told.run("a", ago=2 * DAY).opens("Ridge").params({"C": 1, "s": "a,b"}).metric("m", 1, 2).ends()
    told.run("b", ago=1 * DAY).opens("Lasso").params({"C": 0.5}).metric("m", float("nan")).ends()
    return told


def test_export_json_lines(exported: Story, command: Command) -> None:
    _, out, _ = command("export")
    runs = [json.loads(line) for line in out.splitlines()]
    assert [run["name"] for run in runs] == ["Lasso", "Ridge"]
    assert runs[0]["metrics"] == {"m": {"$float": "nan"}}
    _, out, _ = command("export", "name = 'Ridge'", "--points")
    points = [json.loads(line) for line in out.splitlines()]
    assert [(p["key"], p["step"], p["value"], p["attempt"]) for p in points] == [
        ("m", 0, 1, 1),
        ("m", 1, 2, 1),
    ]


def test_export_csv_and_parquet_by_the_file_s_name(exported: Story, command: Command) -> None:
    assert command("export", "--to", "runs.csv")[:2] == (0, "")
    rows = list(csv.DictReader(io.StringIO(Path("runs.csv").read_text("utf-8"))))
    assert [row["name"] for row in rows] == ["Lasso", "Ridge"]
    assert (rows[1]["params.s"], rows[1]["params.C"]) == ("a,b", "1")
    assert (rows[0]["metrics.m"], rows[0]["params.s"]) == ("nan", "")
    assert command("export", "--points", "--to", "points.parquet")[0] == 0
    table = pyarrow.parquet.read_table("points.parquet")
    assert table.num_rows == 3
    assert set(table.column_names) == {"run", "key", "step", "value", "time", "attempt"}
    assert command("export", "--to", "no/such/runs.csv")[0] == 1
    assert not list(Path().glob("no*"))


def test_a_failed_export_leaves_the_old_file_and_no_half_one(
    exported: Story, command: Command
) -> None:
    Path("runs.csv").write_text("old")
    Path("runs.csv").chmod(0o600)
    # A file system of this size is full at once, as the kernel tells it.
    limited = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (50, 50)); import signal; "
    limited += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from autolog.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", limited + "raise SystemExit(main(['export', '--to', 'runs.csv']))"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "runs.csv: File too large; nothing was written" in done.stderr
    assert Path("runs.csv").read_text() == "old"
    assert command("export", "--to", "runs.csv")[0] == 0
    assert Path("runs.csv").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in Path().iterdir()) == ["autolog-runs", "runs.csv"]


def test_a_full_disk_is_said_at_export(exported: Story) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*AUTOLOG, "export"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert run("export", "--to", "/dev/full").returncode == 1


def test_parquet_of_mixed_types_is_text(told: Story, command: Command) -> None:
    for i, value in enumerate((1, "auto", 0.5, None, [1, 2])):
        told.run(f"{i}", ago=i).opens().params({"mixed": value, "whole": i}).ends()
    assert command("export", "--to", "runs.parquet")[0] == 0
    table = pyarrow.parquet.read_table("runs.parquet")
    assert table["params.mixed"].to_pylist() == ["1", "auto", "0.5", None, "[1, 2]"]
    assert table["params.whole"].to_pylist() == [0, 1, 2, 3, 4]


# -- rm and gc ---------------------------------------------------------------------------------


def stored(story: Story) -> set[str]:
    return {run[0] for run in story.backend.run_ids()}


@pytest.fixture
def family(told: Story) -> Story:
    told.run("a", ago=9 * DAY).opens("tuning", integration=None).ends()
    told.run("b", ago=8 * DAY).opens("Ridge", parent=run_id("a")).ends()
    told.run("c", ago=1 * DAY).opens("Lasso").ends()
    told.run("d", ago=8 * DAY).opens("Live", **process.this_process())
    with told.backend.create_artifact(run_id("c"), "big.bin") as stream:
        stream.write(b"x" * 100_000)
    return told


def test_rm_without_a_terminal_needs_a_yes(
    family: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code, _, err = command("rm", "a")
    assert (code, stored(family)) == (2, {"a", "b", "c", "d"})
    assert "say --yes" in err


def test_rm_takes_a_run_with_its_children(family: Story, command: Command) -> None:
    code, out, _ = command("rm", "a", "--yes")
    assert (code, stored(family)) == (0, {"c", "d"})
    assert out.splitlines()[-1].startswith("removed 2 runs, ")
    assert command("rm", "c", "--yes")[1].splitlines()[0] == "c000  Lasso  finished  100 kB"


@pytest.mark.parametrize(("answer", "left"), [("y\n", {"b", "d"}), ("\n", {"b", "c", "d"})])
def test_rm_asks_on_a_terminal(told: Story, answer: str, left: set[str]) -> None:
    for prefix in "bcd":
        told.run(prefix).opens().ends()
    here, there = pty.openpty()
    with subprocess.Popen(
        [*AUTOLOG, "rm", "c"], stdin=there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as asked:
        os.write(here, answer.encode())
        out, _ = asked.communicate()
    os.close(here)
    os.close(there)
    assert b"remove 1 run for good? [y/N]" in out
    assert stored(told) == left


def test_gc_takes_a_run_and_all_below_it_or_neither(told: Story, command: Command) -> None:
    told.run("a", ago=9 * DAY).opens("old above", integration=None).ends()
    told.run("b", ago=1 * DAY).opens("young below", parent=run_id("a")).ends()
    told.run("c", ago=9 * DAY).opens("old above", integration=None).ends()
    told.run("d", ago=8 * DAY).opens("live below", parent=run_id("c"), **process.this_process())
    told.run("e", ago=9 * DAY).opens("old below", parent="f" * 32).ends()
    assert command("gc", "--older-than", "5d", "--yes")[0] == 0
    assert sorted(told.backend.run_ids()) == sorted(map(run_id, "abcd"))
    assert command("gc", "--older-than", "12h", "--yes")[0] == 0
    assert sorted(told.backend.run_ids()) == sorted(map(run_id, "cd"))


def test_gc_says_what_would_go_and_goes_with_yes(family: Story, command: Command) -> None:
    _, out, _ = command("gc", "--older-than", "3d")
    assert [line.split()[0] for line in out.splitlines()[:-1]] == ["a000", "b000"]
    assert out.splitlines()[-1].startswith("./autolog-runs: 4 runs, 101 kB (quota 10 GB); ")
    assert "; would remove 2 runs and 0 stray files; 2 runs, " in out
    assert stored(family) == {"a", "b", "c", "d"}
    _, out, _ = command("gc", "--older-than", "3d", "--yes")
    assert stored(family) == {"c", "d"}
    assert "removed 2 runs" in out
    assert command("gc")[1].endswith("; nothing to remove\n")


def test_gc_keeps_to_a_quota_oldest_first_and_leaves_what_runs(
    family: Story, command: Command
) -> None:
    left = sum(run_bytes(Store(family.backend), run_id(prefix)) for prefix in "cd")
    command("gc", "--quota", str(left + 1), "--yes")
    assert stored(family) == {"c", "d"}
    command("gc", "--quota", "0", "--yes")
    assert stored(family) == {"d"}


def test_gc_removes_half_written_files_that_nobody_writes(
    family: Story, command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "autolog-runs" / run_id("c") / "artifacts"
    old, new = folder / f"{TEMPORARY}old", folder / f"{TEMPORARY}new"
    whole = folder / f"{TEMPORARY}model"
    whole.mkdir()
    for path in (old, new, whole / "MLmodel"):
        path.write_bytes(b"half")
    for path in (old, whole, whole / "MLmodel"):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    assert "removed 0 runs and 2 stray files" in command("gc", "--yes")[1]
    assert (old.exists(), whole.exists(), new.exists()) == (False, False, True)


# -- the program -------------------------------------------------------------------------------


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*AUTOLOG, *words], capture_output=True, check=False, **more)


def test_the_module_and_the_script_are_one_program(told: Story) -> None:
    told.run("a").opens("Ridge").ends()
    script = Path(sys.executable).with_name("autolog")
    outputs = {
        subprocess.run([*program, "ls"], capture_output=True, check=True).stdout
        for program in (AUTOLOG, [str(script)])
    }
    assert len(outputs) == 1
    assert b"Ridge" in outputs.pop()


def in_terminal(words: list[str], *, stderr: bool = False, **environment: str) -> bytes:
    """What the command prints on a terminal, with `stderr` there too."""
    here, there = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
    done = subprocess.Popen(
        [*AUTOLOG, *words],
        stdout=there,
        stderr=there if stderr else subprocess.DEVNULL,
        env={**clean, "TERM": "xterm-256color", **environment},
    )
    os.close(there)
    shown = b""
    try:
        while piece := os.read(here, 65536):
            shown += piece
    except OSError:
        pass  # Linux's way to say that the other end has gone.
    done.wait()
    os.close(here)
    return shown


def test_colours_only_on_a_terminal_and_not_under_no_color(told: Story) -> None:
    told.run("a").opens("Ridge").ends("failed", type="E", message="m")
    assert b"\x1b" not in run("ls").stdout
    assert b"\x1b[31mfailed" in in_terminal(["ls"])
    assert b"\x1b[31m" not in in_terminal(["ls"], NO_COLOR="1")


def test_a_reader_that_goes_away_is_no_error(told: Story) -> None:
    for i in range(300):
        told.run(f"{i:04x}", ago=i).opens("Ridge").ends()
    with subprocess.Popen(
        [*AUTOLOG, "export"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.stdout.close()
        assert writer.stderr is not None
        errors = writer.stderr.read()
    assert errors == b""


def test_output_that_cannot_show_a_character_shows_another(told: Story) -> None:
    told.run("a").opens("Zürich").ends()
    done = run("ls", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Z?rich" in done.stdout
