"""Debuggers, coverage, tracers and profilers see the original code of hooked functions."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = """
import sys


def compute(a, b=2):
    total = a
    for _ in range(b):
        total += 1
    if total < 0:
        total = 0
    return total


class Model:
    def fit(self, n):
        self.n = n
        return self
"""

PROGRAM = """
import sys
import lib
from autolog.wrapping import Ledger, as_internal_frame, wrap_function, wrap_method

@as_internal_frame
def drive(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)

if "on" in sys.argv:
    ledger = Ledger()
    assert wrap_function(lib.compute, drive, ledger)
    assert wrap_method(lib.Model, "fit", drive, ledger)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    return tmp_path


def run(folder: Path, tail: str, *args: str, before: tuple[str, ...] = (), stdin: str = "") -> str:
    (folder / "program.py").write_text(PROGRAM + tail)
    done = subprocess.run(
        [sys.executable, *before, "program.py", *args],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_pdb_stops_at_a_line_of_the_original(folder: Path) -> None:
    lines = ["b lib:8", "b lib:16", "c", "p ('total', total)", "w", "c", "p ('n', n)", "w", "q"]
    tail = "print(lib.compute(5, b=1)); print(lib.Model().fit(3))\n"
    said = run(folder, tail, "on", before=("-m", "pdb"), stdin="\n".join(lines) + "\n")
    assert "lib.py(8)compute()" in said
    assert "('total', 5)" in said
    assert "lib.py(16)fit()" in said
    assert "('n', 3)" in said
    assert "-> total += 1" in said


def test_pdb_stops_in_a_method_by_name_and_steps_on(folder: Path) -> None:
    lines = ["import lib", "b lib.Model.fit", "c", "n", "p ('after', self.n)", "q"]
    said = run(
        folder, "lib.Model().fit(3)\n", "on", before=("-m", "pdb"), stdin="\n".join(lines) + "\n"
    )
    assert "-> self.n = n" in said
    assert "('after', 3)" in said


def test_tracers_and_profilers_see_the_original(folder: Path) -> None:
    tail = """
import collections
seen = collections.Counter()
def trace(frame, event, arg):
    if frame.f_code.co_filename == lib.__file__:
        seen[event, frame.f_code.co_name, frame.f_lineno] += 1
    return trace
def profile(frame, event, arg):
    if event in ("call", "return"):
        trace(frame, "profile " + event, arg)
sys.settrace(trace); sys.setprofile(profile)
lib.compute(1); lib.Model().fit(1)
sys.settrace(None); sys.setprofile(None)
print(sorted(seen.items()))
"""
    assert run(folder, tail, "on") == run(folder, tail)
    assert "('line', 'compute', 8), 2" in run(folder, tail, "on")


@pytest.mark.skipif(not importlib.util.find_spec("coverage"), reason="coverage is not installed")
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage_counts_the_lines_of_the_original(
    folder: Path, core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if core == "sysmon" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring came with Python 3.12")
    monkeypatch.setenv("COVERAGE_CORE", core)

    def report(*args: str) -> object:
        command = ("-m", "coverage", "run", "--source=.", "--omit=program.py")
        run(folder, "lib.compute(1); lib.Model().fit(1)\n", *args, before=command)
        made = [sys.executable, "-m", "coverage", "json", "-o", "-", "-q"]
        found = subprocess.run(made, cwd=folder, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr + found.stdout
        files: dict[str, dict[str, object]] = json.loads(found.stdout)["files"]
        return {name: data["executed_lines"] for name, data in files.items()}

    on = report("on")
    assert on == report()
    assert on == {"lib.py": [2, 5, 6, 7, 8, 9, 11, 14, 15, 16, 17]}


def test_profile_reports_the_original(folder: Path) -> None:
    tail = """
import cProfile, io, pstats
profiler = cProfile.Profile()
profiler.runcall(lambda: [lib.compute(1) for _ in range(7)])
stats = pstats.Stats(profiler).stats
print(sorted(calls[0] for (path, line, name), calls in stats.items() if path == lib.__file__))
"""
    assert run(folder, tail, "on") == run(folder, tail) == "[7]\n"


def test_faulthandler_prints_the_stack(folder: Path) -> None:
    tail = (
        "import faulthandler\nlib.range = lambda n: faulthandler.dump_traceback(sys.stdout) or ()\n"
    )
    said = run(folder, tail + "sys.stdout.flush()\nlib.compute(1)\n", "on")
    assert 'lib.py", line 7 in compute' in said
    assert "in drive" in said
