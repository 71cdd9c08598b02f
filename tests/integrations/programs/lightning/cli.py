"""Command line: a data module and a regressor, set up by LightningCLI from arguments."""
# AUTOLOG
import lightning as L
import torch
from lightning.pytorch.cli import LightningCLI
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Waves(L.LightningDataModule):
    def __init__(self, count: int = 200, batch_size: int = 20, noise: float = 0.1):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage: str):
        made = torch.Generator().manual_seed(5)
        x = torch.rand(self.hparams.count, 1, generator=made) * 6 - 3
        y = x.sin() + self.hparams.noise * torch.randn(x.shape, generator=made)
        self.train_set = TensorDataset(x[:160], y[:160])
        self.val_set = TensorDataset(x[160:], y[160:])

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.hparams.batch_size)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=40)


class Regressor(L.LightningModule):
    def __init__(self, width: int = 8, activation: str = "tanh"):
        super().__init__()
        layer = nn.Tanh() if activation == "tanh" else nn.ReLU()
        self.net = nn.Sequential(nn.Linear(1, width), layer, nn.Linear(width, 1))
        self.losses, self.vals = [], []

    def training_step(self, batch, batch_idx):
        loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
        self.losses.append(loss.item())
        self.log("mse", loss, on_step=True)
        return loss

    def validation_step(self, batch, batch_idx):
        loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
        if not self.trainer.sanity_checking:
            self.vals.append(loss.item())
        self.log("val_mse", loss)


cli = LightningCLI(
    Regressor,
    Waves,
    seed_everything_default=3,
    trainer_defaults={"accelerator": "cpu", "logger": False, "enable_progress_bar": False},
    args=["fit", "--model.width=12", "--data.noise=0.05", "--optimizer=RMSprop", "--optimizer.lr=0.02", "--trainer.max_epochs=3"],
)
print(cli.model.losses[-1], cli.model.vals, [type(one).__name__ for one in cli.trainer.callbacks])
