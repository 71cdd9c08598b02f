"""TensorBoard's writers and torchmetrics: what they are given joins the training's run."""

from __future__ import annotations

import gc
import importlib
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import autolog
from autolog.reporting import notes
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
Only = Callable[[], RunView]
LOGGED = ("train_loss", "lr", "epoch", "epoch_time", "global_step")
MODULES = ("tensorboardX", "torch.utils.tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=MODULES)
def writers(request: pytest.FixtureRequest) -> Any:
    """The class of one of the writers."""
    pytest.importorskip("tensorboardX" if request.param == MODULES[0] else "tensorboard")
    return importlib.import_module(request.param).SummaryWriter


def step(model: Any, optimizer: Any) -> None:
    loss = torch.nn.functional.mse_loss(model(torch.ones(4, 2)), torch.zeros(4, 1))
    loss.backward()
    optimizer.step()


def begun() -> tuple[Any, Any]:
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def test_what_is_written_before_the_first_step_waits_for_it(
    writers: Any, run: Only, tmp_path: Path
) -> None:
    writer = writers(str(tmp_path))
    writer.add_scalar("before", 3, 7)
    step(*begun())
    writer.add_scalar("Loss/x", torch.tensor(0.5), 1)
    writer.add_scalar("loss", 9.0)
    found = run()
    assert [(p.step, p.value) for p in found.history("before")] == [(7, 3)]
    assert found.metrics["Loss/x"] == 0.5
    assert found.history("Loss/x").unit == "global_step"
    assert found.metrics["tensorboard/loss"] == 9.0
    assert found.metrics["loss"] != 9.0
    writer.close()


def test_what_belongs_to_no_training_is_a_note(writers: Any, uri: str, tmp_path: Path) -> None:
    with writers(str(tmp_path)) as writer:
        writer.add_scalar("alone", 1.0, 0)
    assert any("1 entries of a SummaryWriter" in note.text for note in notes())
    assert len(autolog.search_runs(backend=uri)) == 0


def test_a_run_opened_by_hand_takes_them(writers: Any, run: Only, tmp_path: Path) -> None:
    with autolog.start_run("mine"), writers(str(tmp_path)) as writer:
        writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 3)
        writer.add_hparams({"width": 4}, {"score": 0.5})
        writer.add_text("long", "word " * 200)
    found = run()
    assert (found.metrics["both/a"], found.metrics["both/b"]) == (1.0, 2.0)
    assert (found.params["width"], found.metrics["score"]) == (4, 0.5)
    assert "tensorboard/long.md" in found.artifacts


def test_the_newest_image_is_kept(writers: Any, run: Only, tmp_path: Path) -> None:
    with autolog.start_run("mine"), writers(str(tmp_path)) as writer:
        writer.add_image("grid", torch.zeros(3, 2, 5), 0)
        writer.add_image("grid", torch.ones(3, 2, 5), 1)
    content = run().artifact("tensorboard/grid.png").read()
    assert struct.unpack(">II", content[16:24]) == (5, 2)
    start = content.index(b"IDAT") + 4
    assert zlib.decompress(content[start:])[1:4] == b"\xff\xff\xff"


def test_histograms_are_summed_up(writers: Any, run: Only, tmp_path: Path) -> None:
    with autolog.start_run("mine"), writers(str(tmp_path)) as writer:
        writer.add_histogram("weights", torch.tensor([[1.0, 2.0], [3.0, 6.0]]), 4)
        writer.add_histogram("labels", numpy.array([1, 1, 2]), 5)
    columns = run().tables["histograms"]["columns"]
    assert columns["tag"] == ["weights", "labels"]
    assert (columns["step"], columns["count"]) == ([4, 5], [4, 3])
    assert (columns["min"][0], columns["max"][0], columns["mean"][0]) == (1.0, 6.0, 3.0)
    assert columns["std"][0] == pytest.approx(3.5**0.5)


def test_under_lightning_each_value_is_recorded_once(run: Only, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

    class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, number: int) -> Any:
            loss = self.layer(batch).pow(2).mean()
            self.log("train_loss", loss)
            self.logger.experiment.add_scalar("by_hand", float(number), number)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    logger = lightning.loggers.TensorBoardLogger(str(tmp_path))
    trainer = lightning.Trainer(
        max_epochs=1, logger=logger, log_every_n_steps=1, accelerator="cpu",
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Net(), torch.utils.data.DataLoader(torch.ones(6, 2), batch_size=2))
    found = run()
    assert len(found.history("train_loss")) == 3
    assert [(p.step, p.value) for p in found.history("by_hand")] == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert not [name for name in found.series if name.startswith("tensorboard/")]
    assert set(found.series) <= {*LOGGED, "by_hand"}


def test_the_writer_is_as_it_was_afterwards(writers: Any, tmp_path: Path) -> None:
    before = dict(vars(writers))
    autolog.autolog(f"memory:{tmp_path}")
    assert vars(writers)["add_scalar"] is not before["add_scalar"]
    autolog.disable()
    assert all(vars(writers)[name] is value for name, value in before.items())


def test_metrics_of_torchmetrics_say_which_part(run: Only) -> None:
    torchmetrics = pytest.importorskip("torchmetrics")
    from torch.utils.data import DataLoader

    model, optimizer = begun()
    metric = torchmetrics.MeanSquaredError()
    for loader in ("train", "test"):
        if loader == "train":
            train_loader = DataLoader(torch.ones(4, 2))
            for batch in train_loader:
                metric(model(batch), torch.zeros(1, 1))
                step(model, optimizer)
        else:
            test_loader = DataLoader(torch.ones(4, 2))
            for batch in test_loader:
                metric(model(batch), torch.zeros(1, 1))
        metric.compute()
        metric.reset()
    found = run()
    assert [p.step for p in found.history("train_MeanSquaredError")] == [4]
    assert found.series["test_MeanSquaredError"].count == 1
    assert "MeanSquaredError" not in found.metrics


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()
