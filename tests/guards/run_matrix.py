"""The tests with the oldest and the newest supported libraries, on every Python that is found.

`make matrix` runs all; `python tests/guards/run_matrix.py --quick` runs what depends on a library's
version most, with the oldest libraries on this Python. Each combination has a virtual environment
in `.matrix/`, into which the wheels are installed, so that what is tested is what is shipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".matrix"
PYTHONS = ("3.11", "3.12", "3.13")
TESTS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "cloudpickle", "psutil")
TESTS += ("polars", "pyarrow", "pyyaml")

OLDEST = {
    "3.11": (
        "scikit-learn==1.4.0",
        "numpy==1.26.4",
        "scipy==1.11.4",
        "pandas==2.0.3",
        "skops==0.14",
        "matplotlib==3.7.5",
        "xgboost-cpu==2.1.4",
        "lightgbm==4.3.0",
    ),
    "3.12": (
        "scikit-learn==1.4.0",
        "numpy==1.26.4",
        "scipy==1.11.4",
        "pandas==2.1.4",
        "skops==0.14",
        "matplotlib==3.8.4",
        "xgboost-cpu==2.1.4",
        "lightgbm==4.3.0",
    ),
    "3.13": (
        "scikit-learn==1.5.2",
        "numpy==2.1.3",
        "scipy==1.14.1",
        "pandas==2.2.3",
        "skops==0.14",
        "matplotlib==3.9.4",
        "xgboost-cpu==2.1.4",
        "lightgbm==4.5.0",
    ),
}
"""The oldest of which each Python has wheels; scikit-learn has none before 1.5.2 for 3.13, whose
NumPy LightGBM takes from 4.5.0 on.
"""

NEWEST = ("scikit-learn", "numpy", "scipy", "pandas", "skops", "matplotlib")
NEWEST += ("xgboost-cpu", "lightgbm")
QUICK = tuple(
    f"tests/integrations/test_{name}.py"
    for name in (
        "sklearn_suite", "sklearn_training", "sklearn_searches", "sklearn_results",
        "sklearn_params", "sklearn_scoring", "xgboost_suite", "xgboost_training",
        "xgboost_models", "lightgbm_suite", "lightgbm", "lightgbm_models",
    )
)  # fmt: skip
FULL = ("tests/core", "tests/backends", "tests/formats", "tests/integrations")


class Cell(NamedTuple):
    """One combination."""

    python: str
    executable: str
    name: str
    libraries: tuple[str, ...]


class Result(NamedTuple):
    """How the tests of a combination went."""

    cell: Cell
    passed: bool
    summary: str
    seconds: float


def interpreters() -> Iterator[tuple[str, str]]:
    """Version and path of each supported Python on the path, or known to pyenv there."""
    for version in PYTHONS:
        found = _asked(f"python{version}", version) or _from_pyenv(version)
        if found:
            yield version, found
        else:
            print(f"no Python {version} here", file=sys.stderr)


def _asked(command: str, version: str, **environment: str) -> str | None:
    """The real path of a Python that answers to `command` and is of `version`."""
    if shutil.which(command) is None:
        return None
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    done = subprocess.run(
        [command, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    answer, _, path = done.stdout.strip().partition(" ")
    return path if done.returncode == 0 and answer == version else None


def _from_pyenv(version: str) -> str | None:
    if shutil.which("pyenv") is None:
        return None
    listing = subprocess.run(
        ["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False
    )
    known = [line.strip() for line in listing.stdout.splitlines()]
    names = [name for name in known if name.startswith(f"{version}.")]
    found = (_asked(f"python{version}", version, PYENV_VERSION=name) for name in reversed(names))
    return next(filter(None, found), None)


def cells(quick: bool) -> Iterator[Cell]:
    """What is to be run."""
    if quick:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        yield Cell(version, sys.executable, "oldest", OLDEST[version])
        return
    for version, executable in interpreters():
        yield Cell(version, executable, "oldest", OLDEST[version])
        yield Cell(version, executable, "newest", NEWEST)


def build() -> list[str]:
    """The wheels of the project and of the example package, from copies of the tree."""
    wheels = FOLDER / "wheels"
    for folder in (FOLDER / "source", wheels):
        shutil.rmtree(folder, ignore_errors=True)
    left_out = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for room in ("autolog", "integrations", "backends", "server", "examples"):
        shutil.copytree(ROOT / room, FOLDER / "source" / room, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, FOLDER / "source")
    sources = (FOLDER / "source", FOLDER / "source" / "examples" / "thirdparty")
    _pip(sys.executable, "wheel", "--no-deps", "-w", str(wheels), *map(str, sources))
    return [str(wheel) for wheel in wheels.iterdir()]


def _pip(python: str, *words: str) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", *words, "--quiet"]
    subprocess.run(command, check=True)


def prepare(cell: Cell, wheels: Sequence[str]) -> Path:
    """The environment of a cell, with the wheels as they are now; its folder of programs."""
    folder = FOLDER / f"{cell.python}-{cell.name}"
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(programs / "python")
    wanted = "\n".join((*cell.libraries, *TESTS))
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([cell.executable, "-m", "venv", str(folder)], check=True)
        _pip(python, "install", "--only-binary", ":all:", *cell.libraries, *TESTS, *wheels)
        stamp.write_text(wanted)
    _pip(python, "install", "--no-deps", "--force-reinstall", *wheels)
    return programs


def run(cell: Cell, wheels: Sequence[str], tests: Sequence[str]) -> Result:
    """Run the tests of a cell; the last line of pytest's output says how many."""
    began = time.monotonic()
    programs = prepare(cell, wheels)
    several = ["-n", "2", "--dist", "loadfile"]
    command = [str(programs / "pytest"), "-q", "-p", "no:cacheprovider", *several, *tests]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, check=False, stdout=subprocess.PIPE
    )
    if done.returncode:
        print(done.stdout)
    summary = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return Result(cell, done.returncode == 0, summary, time.monotonic() - began)


def main(words: Sequence[str]) -> int:
    """Run all, print a table; 1 where a combination failed."""
    quick = "--quick" in words
    FOLDER.mkdir(exist_ok=True)
    wheels = build()
    results = [run(cell, wheels, QUICK if quick else FULL) for cell in cells(quick)]
    for result in results:
        name = f"Python {result.cell.python}  {result.cell.name:6}  {result.cell.libraries[0]:20}"
        verdict = "passed" if result.passed else "FAILED"
        print(f"{name}  {verdict}  {result.seconds:4.0f} s  {result.summary}")
    return 0 if results and all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
