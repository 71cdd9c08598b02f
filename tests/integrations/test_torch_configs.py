"""torch: settings that the program keeps with Hydra, OmegaConf, click, typer or absl."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
Only = Callable[[], RunView]
pytestmark = pytest.mark.filterwarnings("ignore")


def fit(lr: float) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model(torch.ones(4, 2)).mean().backward()
    optimizer.step()


def test_omegaconf(run: Only) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    content = {"rate": 0.5, "net": {"dim": 8, "sizes": [1, 2]}, "twice": "${rate}", "lost": "???"}
    cfg = omegaconf.OmegaConf.create(content)
    fit(cfg.rate)
    found = run().params
    assert {key: found.get(key) for key in ("rate", "net.dim", "net.sizes", "twice", "lost")} == {
        "rate": 0.5, "net.dim": 8, "net.sizes": [1, 2], "twice": 0.5, "lost": None,
    }  # fmt: skip


def test_hydra(run: Only, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hydra = pytest.importorskip("hydra")
    (tmp_path / "config.yaml").write_text("rate: 0.8\nnet:\n  dim: 32\n")
    given = [f"hydra.run.dir={tmp_path}", "hydra.output_subdir=null", "net.dim=64"]
    monkeypatch.setattr(sys, "argv", ["program", *given])

    def main(conf: Any) -> None:
        fit(conf.rate)

    hydra.main(config_path=str(tmp_path), config_name="config", version_base=None)(main)()
    found = run().params
    assert (found["rate"], found["net.dim"]) == (0.8, 64)


def test_click(run: Only) -> None:
    click = pytest.importorskip("click")

    @click.command()
    @click.option("--rate", default=0.9)
    @click.option("--batch-size", default=16)
    def main(rate: float, batch_size: int) -> None:
        fit(rate)

    main(["--batch-size", "4"], standalone_mode=False)
    assert (run().params["rate"], run().params["batch_size"]) == (0.9, 4)


def test_typer(run: Only) -> None:
    typer = pytest.importorskip("typer")
    app = typer.Typer()

    @app.command()
    def main(rate: float = 0.1, depth: int = 3) -> None:
        fit(rate)

    app(["--depth", "5"], standalone_mode=False)
    assert (run().params["rate"], run().params["depth"]) == (0.1, 5)


def test_absl(run: Only) -> None:
    flags = pytest.importorskip("absl.flags")
    FLAGS = flags.FlagValues()
    flags.DEFINE_float("rate", 0.1, "", flag_values=FLAGS)
    flags.DEFINE_integer("rnn_size", 99, "", flag_values=FLAGS)
    FLAGS(["program", "--rnn_size=5"])
    fit(FLAGS.rate)
    assert (run().params["rate"], run().params["rnn_size"]) == (0.1, 5)


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()
