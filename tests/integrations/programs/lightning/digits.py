"""Handwritten digits: dropout, a schedule, early stopping, the best checkpoint, a test."""
# AUTOLOG
import lightning as L
import pandas as pd
import torch
import torchmetrics
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

L.seed_everything(42, verbose=False)


class LitDigits(L.LightningModule):
    def __init__(self, hidden: int = 64, dropout: float = 0.1, lr: float = 2e-3, schedule={"step": 2, "gamma": 0.7}):
        super().__init__()
        self.save_hyperparameters()
        self.model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 10))
        self.loss = nn.CrossEntropyLoss()
        self.val_accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
        self.test_accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
        self.seen = []

    def forward(self, x):
        return self.model(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = self.loss(self(x), y)
        self.seen.append(loss.item())
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.val_accuracy(logits, y)
        self.log("val_loss", self.loss(logits, y), prog_bar=True)
        self.log("val_acc", self.val_accuracy, prog_bar=True)

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.test_accuracy(self(x), y)
        self.log("test_acc", self.test_accuracy)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)
        scheduler = torch.optim.lr_scheduler.StepLR(
            optimizer, step_size=self.hparams.schedule["step"], gamma=self.hparams.schedule["gamma"]
        )
        return [optimizer], [scheduler]


X, y = load_digits(return_X_y=True)
full = TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y))
train_set, val_set, test_set = random_split(full, [1200, 297, 300])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=128)
test_loader = DataLoader(test_set, batch_size=128)

model = LitDigits(hidden=48)
stop = EarlyStopping(monitor="val_loss", patience=2, min_delta=0.2)
best = ModelCheckpoint(dirpath="checkpoints", monitor="val_acc", mode="max", save_top_k=2, filename="{epoch}-{val_acc:.3f}")
trainer = L.Trainer(
    max_epochs=12,
    accelerator="cpu",
    callbacks=[stop, best, LearningRateMonitor("epoch")],
    logger=CSVLogger("logs", name="digits"),
    log_every_n_steps=5,
    gradient_clip_val=1.0,
    enable_progress_bar=False,
)
trainer.fit(model, train_loader, val_loader)
result = trainer.test(model, test_loader, ckpt_path="best", verbose=False)

table = pd.read_csv("logs/digits/version_0/metrics.csv")
val = table.dropna(subset=["val_loss"])
epochs = table.dropna(subset=["train_loss_epoch"])
print(val[["epoch", "step", "val_loss", "val_acc"]].to_string())
print("best", best.best_model_path.rsplit("/", 1)[-1], "%.4f" % best.best_model_score, "test", result)
print("stopped", stop.stopped_epoch, [type(one).__name__ for one in trainer.callbacks], len(trainer.loggers))
