"""The autoencoder of Lightning's first page, on digits; a plateau of the learning rate."""
# AUTOLOG
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
decoder = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 64))


class LitAutoEncoder(pl.LightningModule):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.example_input_array = torch.zeros(4, 64)
        self.epoch_losses, self.checks = [], []

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def training_step(self, batch, batch_idx):
        (x,) = batch
        loss = nn.functional.mse_loss(self(x), x)
        self.log("train_loss", loss)
        self.epoch_losses.append(loss.item())
        return loss

    def validation_step(self, batch, batch_idx):
        (x,) = batch
        self.log("val_loss", nn.functional.mse_loss(self(x), x))

    def on_validation_epoch_end(self):
        self.checks.append(self.trainer.callback_metrics["val_loss"].item())

    def configure_optimizers(self):
        optimizer = optim.Adam(self.parameters(), lr=1e-3)
        plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}


X = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train_data, val_data = TensorDataset(X[:1500]), TensorDataset(X[1500:])
autoencoder = LitAutoEncoder(encoder, decoder)
trainer = pl.Trainer(limit_train_batches=20, max_epochs=3, accelerator="cpu", enable_progress_bar=False, logger=False)
trainer.fit(autoencoder, DataLoader(train_data, batch_size=32, shuffle=True), DataLoader(val_data, batch_size=297))
print(autoencoder.checks, autoencoder.epoch_losses[-1])
print(trainer.callback_metrics, trainer.loggers, [type(one).__name__ for one in trainer.callbacks])
