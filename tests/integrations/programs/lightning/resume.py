"""Half of a training, then the other half from its checkpoint, then what is left of it is judged."""
# AUTOLOG
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Line(pl.LightningModule):
    def __init__(self, lr: float = 0.05):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(3, 1)
        self.losses = []

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, batch_idx):
        loss = nn.functional.mse_loss(self(batch[0]), batch[1])
        self.losses.append(loss.item())
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", nn.functional.mse_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


torch.manual_seed(2)
x = torch.randn(90, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(90, 1)
train_loader = DataLoader(TensorDataset(x[:60], y[:60]), batch_size=20)
val_loader = DataLoader(TensorDataset(x[60:], y[60:]), batch_size=30)
quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}

first = Line(lr=0.02)
saver = ModelCheckpoint(dirpath="half", save_last=True)
pl.Trainer(max_epochs=3, callbacks=[saver], **quiet).fit(first, train_loader, val_loader)

second = Line()
trainer = pl.Trainer(max_epochs=5, enable_checkpointing=False, **quiet)
trainer.fit(second, train_loader, val_loader, ckpt_path="half/last.ckpt")

loaded = Line.load_from_checkpoint("half/last.ckpt")
judge = pl.Trainer(enable_checkpointing=False, **quiet)
before = judge.validate(loaded, val_loader, verbose=False)
after = judge.validate(second, val_loader, verbose=False)
print(before, after, second.losses[-1], loaded.hparams.lr)
