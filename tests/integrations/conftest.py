"""A store in memory that is recorded into, and its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

pytest.register_assert_rewrite("gallery")

import gallery  # noqa: E402


@pytest.fixture(autouse=True)
def nothing_compiled() -> None:
    """Forget what other tests have compiled: beside compiled code no call of a model is read."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of a gallery are played."""
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def played(folder: Path, request: pytest.FixtureRequest) -> gallery.Ways:
    """What was seen of the `NAMES` in the `HOME` of a module of tests, in all ways."""
    names, home = request.module.NAMES, request.module.HOME
    return {way: gallery.play(folder, way, names, home) for way in gallery.WAYS}


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """The store that is recorded into from here on."""
    name = f"memory:{tmp_path}"
    autolog.autolog(name)
    return name


@pytest.fixture
def runs(uri: str) -> Callable[[], list[RunView]]:
    """The runs so far, oldest first."""
    return lambda: list(autolog.search_runs(backend=uri))[::-1]


@pytest.fixture
def run(runs: Callable[[], list[RunView]]) -> Callable[[], RunView]:
    """The one run that there is."""

    def only() -> RunView:
        (found,) = runs()
        return found

    return only


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Any]:
    """Runs a source as a program of its own; gives the finished process and its runs."""

    def play(source: str, *command: str, code: int | None = 0, **env: str) -> Any:
        script = tmp_path / "train.py"
        script.write_text(source, "utf-8")
        store = tmp_path / "autolog-runs"
        variables = {**os.environ, "AUTOLOG_BACKEND": str(store), **env}
        done = subprocess.run(
            [sys.executable, *command, str(script)], cwd=tmp_path, env=variables,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        found = list(autolog.search_runs(backend=store))[::-1] if store.exists() else []
        return done, found

    return play
