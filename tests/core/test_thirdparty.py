"""The example of a third party's integration: installed as its own distribution, found, run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autolog
from autolog.testing import IntegrationSuite

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "thirdparty"
ROWS = [[float(a), float(b)] for a in range(4) for b in range(4)]
TARGET = [a * 2.0 + b for a, b in ROWS]


@pytest.fixture
def tinyboost(store: Path) -> Iterator[ModuleType]:
    """The toy library, imported after enabling, as a user would."""
    sys.modules.pop("tinyboost", None)
    autolog.autolog(backend=str(store))
    import tinyboost

    yield tinyboost
    autolog.disable()


def latest(store: Path) -> Any:
    return autolog.get_run("@latest", backend=store)


def test_the_integration_is_short() -> None:
    assert len((EXAMPLE / "autolog_tinyboost.py").read_text("utf-8").splitlines()) < 40


def test_a_training_leaves_a_run(tinyboost: Any, store: Path) -> None:
    booster = tinyboost.Booster(rounds=5, rate=0.5).train(ROWS, TARGET)
    run = latest(store)
    assert (run.status, run.name) == ("finished", "Booster")
    assert dict(run.params) == {"rounds": 5, "rate": 0.5}
    assert [point.value for point in run.history("loss")] == booster.losses
    assert [point.step for point in run.history("loss")] == [1, 2, 3, 4, 5]
    assert run.datasets["ROWS"]["shape"][0] == 16


def test_a_training_that_fails_is_told_and_raises_as_ever(tinyboost: Any, store: Path) -> None:
    with pytest.raises(ValueError, match="tinyboost: no rows"):
        tinyboost.Booster().train([], [])
    run = latest(store)
    assert run.status == "failed"
    assert run.error.type == "ValueError"


def test_the_result_is_the_same_without_us(tinyboost: Any) -> None:
    recorded = tinyboost.Booster().train(ROWS, TARGET).losses
    autolog.disable()
    assert recorded == tinyboost.Booster().train(ROWS, TARGET).losses


def test_its_option_counts(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_TINYBOOST__LOSSES", "0")
    autolog.autolog(backend=str(store))
    import tinyboost

    tinyboost.Booster(rounds=2).train(ROWS, TARGET)
    assert "loss" not in latest(store).series


def test_the_program_is_recorded_with_no_word_of_the_integration(tmp_path: Path) -> None:
    environment = {**os.environ, "AUTOLOG_BACKEND": str(tmp_path / "store")}
    subprocess.run([sys.executable, "train.py"], cwd=EXAMPLE, env=environment, check=True)
    assert len(latest(tmp_path / "store").history("loss")) == 20


class TestTinyboost(IntegrationSuite):
    """The promises hold for it as for the built-in ones."""

    library = "tinyboost"

    def train(self) -> Any:
        import tinyboost

        rows = [[float(a), float(b)] for a in range(4) for b in range(4)]
        return tinyboost.Booster(rounds=3).train(rows, [a * 2.0 + b for a, b in rows]).losses

    def train_badly(self) -> Any:
        import tinyboost

        return tinyboost.Booster().train([], [])

    def targets(self) -> Any:
        import tinyboost

        return [(tinyboost.Booster, "train")]
