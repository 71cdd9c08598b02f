"""What a fit of Lightning leaves where it does not go its usual way."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autolog

if not all(map(importlib.util.find_spec, ("lightning", "pytorch_lightning", "torch"))):
    pytest.skip("needs lightning and torch", allow_module_level=True)

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
QUIET = {
    "enable_progress_bar": False,
    "logger": False,
    "enable_model_summary": False,
    "accelerator": "cpu",
}


def network(package: Any, **told: Any) -> Any:
    import torch

    class Net(package.LightningModule):  # type: ignore[misc]
        def __init__(self, lr: float = 0.1, wrong: Any = None) -> None:
            super().__init__()
            self.save_hyperparameters(ignore=["wrong"])
            self.wrong = wrong
            self.layer = torch.nn.Linear(4, 3)

        def training_step(self, batch: Any, index: int) -> Any:
            if self.wrong is not None and self.global_step == 4:
                raise self.wrong
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    return Net(**told)


def samples(count: int = 48) -> Any:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    data = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(data, data[:, :3].argmax(1)), batch_size=16)


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest, monkeypatch: Any, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    autolog.disable()
    autolog.autolog(f"memory:{tmp_path}")
    found = importlib.import_module(request.param)
    logging.getLogger(request.param).setLevel(logging.ERROR)
    yield found
    autolog.disable()


def runs(tmp_path: Path) -> list[Any]:
    return list(autolog.search_runs(backend=f"memory:{tmp_path}"))[::-1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("error", [ValueError("no more"), KeyboardInterrupt()])
def test_what_ends_a_fit(package: Any, tmp_path: Path, error: BaseException) -> None:
    killed = isinstance(error, KeyboardInterrupt)
    trainer = package.Trainer(max_epochs=3, enable_checkpointing=False, **QUIET)
    with pytest.raises(SystemExit if killed else ValueError):
        trainer.fit(network(package, wrong=error), samples(), samples(16))
    (run,) = runs(tmp_path)
    assert run.status == ("killed" if killed else "failed")
    assert run.error.type == type(error).__name__
    assert len(run.history("train_loss_step")) == 4
    assert [point.step for point in run.history("val_loss")] == [2]


@pytest.mark.filterwarnings("ignore")
def test_callbacks_of_the_other_package(package: Any, tmp_path: Path) -> None:
    other = importlib.import_module(next(one for one in PACKAGES if one != package.__name__))
    stop = other.callbacks.EarlyStopping("val_loss", patience=1, min_delta=9.0)
    trainer = package.Trainer(max_epochs=9, enable_checkpointing=False, callbacks=[stop], **QUIET)
    before = list(trainer.callbacks)
    trainer.fit(network(package), samples(), samples(16))
    assert trainer.callbacks == before
    (run,) = runs(tmp_path)
    assert run.params["early_stopping_patience"] == 1
    assert run.metrics["best_score"] == stop.best_score.item()
    assert run.metrics["stopped_epoch"] == stop.stopped_epoch == 1


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_was_opened_by_hand_has_the_fit_below_it(package: Any, tmp_path: Path) -> None:
    with autolog.start_run("mine") as mine:
        trainer = package.Trainer(max_epochs=1, enable_checkpointing=False, **QUIET)
        trainer.fit(network(package), samples(), samples(16))
    found = {run.name: run for run in runs(tmp_path)}
    assert found.keys() == {"mine", "Net"}
    assert found["Net"].parent == mine.id


@pytest.mark.filterwarnings("ignore")
def test_a_saved_module_can_be_judged_again(package: Any, tmp_path: Path) -> None:
    import torch

    trainer = package.Trainer(max_epochs=1, enable_checkpointing=False, **QUIET)
    model = network(package)
    trainer.fit(model, samples(), samples(16))
    given = network(package)
    judged = package.Trainer(enable_checkpointing=False, **QUIET)
    given.load_state_dict(model.state_dict())
    (found,) = judged.validate(given, samples(16), verbose=False)
    (run,) = runs(tmp_path)
    assert run.metrics["validate_val_loss"] == found["val_loss"]
    assert run.models["model"]["flavor"] == "torch"
    assert torch.equal(given.layer.weight, model.layer.weight)


PROGRAM = """
import autolog
autolog.autolog({store!r})
import sys, logging
sys.path.insert(0, {folder!r})
import lightning.pytorch as package
import test_lightning as parts
if __name__ == "__main__":
    trainer = package.Trainer(
        max_epochs=2, strategy="ddp_notebook", devices=2, enable_checkpointing=False, **parts.QUIET
    )
    trainer.fit(parts.network(package), parts.samples(), parts.samples(16))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_two_processes_leave_one_run(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    store = str(tmp_path / "store")
    program.write_text(PROGRAM.format(store=store, folder=str(Path(__file__).parent)), "utf-8")
    subprocess.run([sys.executable, str(program)], cwd=tmp_path, check=True, timeout=250)
    (run,) = autolog.search_runs(backend=store)
    assert run.status == "finished"
    assert run.params["devices"] == 2
    assert [point.step for point in run.history("train_loss_step")] == [0, 1, 2, 3]
    assert len(run.history("val_loss")) == 2
    assert run.models["model"]["flavor"] == "torch"
