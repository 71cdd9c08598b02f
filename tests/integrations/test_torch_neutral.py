"""torch with us and without: every optimizer on torch's own list of cases, compilers, exporters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autolog

pytest.importorskip("torch", reason="torch is not installed")
PROGRAM = Path(__file__).parent / "programs" / "torch_neutral.py"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the program prints, plain and recorded, side by side; and what was recorded."""
    folder = tmp_path_factory.mktemp("neutral")
    processes = {}
    for way, begin in (("plain", []), ("recorded", ["-m", "autolog", "run"])):
        variables = {
            **os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
            "AUTOLOG_BACKEND": str(folder / "store"),
        }  # fmt: skip
        processes[way] = subprocess.Popen(
            [sys.executable, *begin, str(PROGRAM)], cwd=folder, env=variables,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    found = {}
    for way, process in processes.items():
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        found[way] = out.splitlines()
    found["runs"] = [run.name for run in autolog.search_runs(backend=folder / "store")]
    return found


def test_everything_that_is_printed_is_the_same(shown: dict[str, list[str]]) -> None:
    assert len(shown["plain"]) > 150
    assert shown["recorded"] == shown["plain"]


def test_it_was_recorded(shown: dict[str, list[str]]) -> None:
    assert len(shown["runs"]) > 50
