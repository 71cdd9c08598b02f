"""The integration of Lightning keeps every promise of the suite, with no exception.

`LIGHTNING_SUITE=pytorch_lightning` plays it under the other import name, which is the same code.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import tempfile
import warnings
from typing import Any

import pytest

from autolog.testing import IntegrationSuite

if not all(map(importlib.util.find_spec, ("lightning", "pytorch_lightning", "torch"))):
    pytest.skip("needs lightning and torch", allow_module_level=True)

os.environ.setdefault("TQDM_DISABLE", "1")  # the tuner's bar tells the time

QUIET = {"enable_progress_bar": False, "accelerator": "cpu"}


def network(package: Any) -> Any:
    import torch

    class Net(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)
            self.lr, self.batch_size = 0.01, 16
            with torch.no_grad():
                for i, one in enumerate(self.parameters()):
                    one.copy_(torch.linspace(-0.5, 0.5 + i, one.numel()).view_as(one))

        def forward(self, data: Any) -> Any:
            return self.layer(data)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.nn.functional.cross_entropy(self(batch[0]), batch[1]))

        def test_step(self, batch: Any, index: int) -> None:
            self.log("test_loss", torch.nn.functional.cross_entropy(self(batch[0]), batch[1]))

        def train_dataloader(self) -> Any:
            return samples(48, self.batch_size)

        def val_dataloader(self) -> Any:
            return samples(16)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    return Net()


def samples(count: int, size: int = 16) -> Any:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    made = torch.Generator().manual_seed(0)
    data = torch.randn(count, 4, generator=made)
    return DataLoader(TensorDataset(data, data[:, :3].argmax(1)), batch_size=size)


class TestLightning(IntegrationSuite):
    """Two epochs with validation and a checkpoint, then a test."""

    library = os.environ.get("LIGHTNING_SUITE", "lightning")
    package = "lightning.pytorch" if library == "lightning" else library

    def train(self) -> Any:
        import torch

        warnings.warn("a training begins", stacklevel=2)
        torch.manual_seed(0)
        try:
            with tempfile.TemporaryDirectory() as folder:
                return self.trained(importlib.import_module(self.package), folder)
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise error.__context__ or error from None

    def trained(self, package: Any, folder: str) -> Any:
        import torch

        logging.getLogger(self.package).setLevel(logging.ERROR)  # it tells names drawn by chance
        model, told = network(package), package.callbacks
        best = told.ModelCheckpoint(f"{folder}/saved", monitor="val_loss")
        finders = [told.BatchSizeFinder(steps_per_trial=1, init_val=8, max_trials=1)]
        finders.append(told.LearningRateFinder(num_training_steps=2))
        trainer = package.Trainer(
            max_epochs=2,
            callbacks=[best, told.LearningRateMonitor(), *finders],
            logger=package.loggers.CSVLogger(folder),
            default_root_dir=folder,
            **QUIET,
        )
        trainer.fit(model)
        again = type(model).load_from_checkpoint(best.best_model_path)
        judged = trainer.test(again, samples(16), verbose=False)
        torch.multiprocessing.start_processes(lambda rank: None, nprocs=0)
        other = package.Trainer(default_root_dir=folder, logger=False, **QUIET)
        package.tuner.Tuner(other).lr_find(network(package), num_training=2)
        metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
        weights = [one.detach().numpy() for one in model.parameters()]
        return metrics, judged, weights, float(best.best_model_score or 0)

    def train_badly(self) -> Any:
        package = importlib.import_module(self.package)
        trainer = package.Trainer(max_epochs=1, enable_checkpointing=False, logger=False, **QUIET)
        model = network(package)

        def train_badly_step(batch: Any, batch_idx: int) -> Any:
            return batch[0] @ batch[0]

        model.training_step = train_badly_step
        trainer.fit(model, samples(32))

    def targets(self) -> Any:
        package = self.package
        trainer = importlib.import_module(f"{package}.trainer.trainer").Trainer
        place = f"{package}.trainer.connectors.logger_connector"
        connector = importlib.import_module(f"{place}.logger_connector")._LoggerConnector
        results = importlib.import_module(f"{place}.result")._ResultCollection
        loop = importlib.import_module(f"{package}.loops.fit_loop")._FitLoop
        return [
            (trainer, "fit"),
            (trainer, "validate"),
            (trainer, "test"),
            (trainer, "predict"),
            (trainer, "_run_stage"),
            (trainer, "save_checkpoint"),
            (loop, "on_run_start"),
            (connector, "on_batch_start"),
            (connector, "update_train_step_metrics"),
            (connector, "log_metrics"),
            (results, "metrics"),
        ]

    def state(self) -> Any:
        import torch

        return torch.get_rng_state().numpy().tobytes(), torch.is_grad_enabled()
