"""What a program had to report is still told when it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import autolog
from autolog.reporting import note
autolog.autolog(backend={store!r})
autolog.start_run("one").end()
note("a place", "said password=hunter2secret once")
note("a place", "said password=hunter2secret once")
"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What doctor says, as JSON, after the program."""
    store = tmp_path / "store"
    subprocess.run([sys.executable, "-c", PROGRAM.format(store=str(store))], check=True)
    monkeypatch.setenv("AUTOLOG_BACKEND", str(store))
    words = [sys.executable, "-m", "autolog", "doctor", "--json"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def test_doctor_tells_the_notes_of_a_program_that_has_ended(report: str) -> None:
    (store,) = json.loads(report)["stores"]
    (note,) = store["earlier"]
    assert note["place"] == "a place"
    assert note["times"] == 2


def test_notes_are_redacted_before_they_are_written(report: str, tmp_path: Path) -> None:
    assert "hunter2secret" not in report
    assert "hunter2secret" not in (tmp_path / "store" / "notes.jsonl").read_text()
