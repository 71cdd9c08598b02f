"""Remote stores that fail on demand, and a spool for one test alone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from autolog.backends.local import LocalBackend
from far import Place

from autolog.delivery import files, pausing, rounds


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short pauses, and a spool that nobody else looks into."""
    monkeypatch.setattr(rounds, "EVERY", 0.02)
    monkeypatch.setattr(rounds, "REFUSED_PAUSE", 0.1)
    monkeypatch.setattr(rounds, "SCAN_EVERY", 0.1)
    monkeypatch.setattr(files, "EARLY", 0.1)
    monkeypatch.setattr(pausing, "FIRST", 0.02)
    monkeypatch.setenv("AUTOLOG_SPOOL", str(tmp_path / "spool"))


@pytest.fixture
def far(tmp_path: Path) -> Place:
    """A remote store."""
    return Place(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Place:
    """Another one."""
    return Place(tmp_path, "other")


@pytest.fixture
def spooled(tmp_path: Path) -> LocalBackend:
    """What stands in the spool."""
    return LocalBackend(tmp_path / "spool" / "runs")


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs statements in a process of its own, in which `autolog` and `far` are at hand."""

    def run(
        source: str, backend: str, *, kill: bool = False, **env: str
    ) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        head = "import os, signal, sys, time\nimport far\nfrom autolog import autolog\nautolog()\n"
        path.write_text(head + textwrap.dedent(source))
        environment = {
            **os.environ,
            "AUTOLOG_BACKEND": backend,
            "AUTOLOG_SPOOL": str(tmp_path / "spool"),
            "AUTOLOG_STRICT": "0",
            "PYTHONPATH": str(Path(__file__).parent),
            **env,
        }
        done = subprocess.run(
            [sys.executable, path], env=environment, cwd=tmp_path, text=True,
            capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == (-9 if kill else 0), done.stderr
        return done

    return run
