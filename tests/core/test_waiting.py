"""Models of light runs: few are written, the last ones are kept, whoever reads finds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import autolog
from autolog import waiting
from autolog.view import RunView

X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
FULL, LIGHT = 2, 8


def loop(count: int = FULL + LIGHT) -> None:
    for alpha in range(count):
        Ridge(alpha=alpha + 1).fit(X, y)


def light_runs(store: Path) -> list[RunView]:
    runs = sorted(autolog.search_runs(backend=store), key=lambda run: run.params["alpha"])
    return runs[FULL:]


def kept(runs: list[RunView]) -> list[bool]:
    return [bool(run.artifacts) for run in runs]


@pytest.fixture(autouse=True)
def recording(store: Path) -> None:
    autolog.autolog(backend=store, light_after=FULL)


def test_the_last_models_are_there_for_a_reader(store: Path) -> None:
    loop()
    runs = light_runs(store)
    assert kept(runs) == [False] * (LIGHT - 3) + [True] * 3
    model = autolog.load_model(f"{runs[-1].id}/model", backend=store)
    assert model.alpha == FULL + LIGHT
    assert "a later run" in str(runs[0].models["model"])


def test_what_is_replaced_at_once_is_never_written(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WRITE_EVERY", 1000.0)
    loop()
    with_files = [folder for folder in store.glob("*/artifacts/model") if folder.is_dir()]
    assert len(with_files) == FULL, "the light run that was due first has been replaced since"
    autolog.disable()
    assert kept(light_runs(store))[-3:] == [True] * 3


def test_a_model_that_is_due_is_written_at_once(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WRITE_EVERY", 0.0)
    loop()
    assert len(list(store.glob("*/artifacts/model/MLmodel"))) == FULL + 3


@pytest.mark.parametrize("name", ["LARGEST", "MOST"])
def test_what_is_too_large_does_not_wait(
    name: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WRITE_EVERY", 1000.0)
    monkeypatch.setattr(waiting, name, 10)
    monkeypatch.setattr("autolog.saving.LARGEST", waiting.LARGEST)
    loop()
    assert len(list(store.glob("*/artifacts/model/MLmodel"))) >= FULL + 2


def test_a_waiting_model_verifies_when_it_is_written(store: Path) -> None:
    loop()
    facts: Any = light_runs(store)[-1].models["model"]
    assert facts["signer"]
    assert set(facts["sha256"]) >= {"MLmodel", "model.pkl", "signature.json"}


PROGRAM = """
import os, sys
import numpy as np
from sklearn.linear_model import Ridge
import autolog
autolog.autolog(backend="runs", light_after=2)
for alpha in range(10):
    Ridge(alpha=alpha + 1).fit(np.eye(3), np.arange(3))
if sys.argv[1] == "fork":
    child = os.fork()
    if child == 0:
        autolog.disable()
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("how", ["ends", "fork"])
def test_the_last_models_are_written_at_exit(how: str, tmp_path: Path) -> None:
    if how == "fork" and sys.platform == "win32":
        pytest.skip("no fork on this system")
    subprocess.run([sys.executable, "-c", PROGRAM, how], cwd=tmp_path, check=True)
    assert len(list(tmp_path.glob("runs/light/journal-*"))) == 1, "the child has written too"
    runs = light_runs(tmp_path / "runs")
    assert kept(runs) == [False] * 5 + [True] * 3
    model = autolog.load_model(f"{runs[-1].id}/model", backend=tmp_path / "runs")
    assert model.alpha == 10
