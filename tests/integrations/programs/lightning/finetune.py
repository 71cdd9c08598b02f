"""Fine-tuning: a frozen backbone that is set free in the second epoch."""
# AUTOLOG
import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import BaseFinetuning
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

pl.seed_everything(7, verbose=False)


class Unfreeze(BaseFinetuning):
    def __init__(self, milestone: int = 1):
        super().__init__()
        self.milestone = milestone

    def freeze_before_training(self, pl_module):
        self.freeze(pl_module.backbone)

    def finetune_function(self, pl_module, epoch, optimizer):
        if epoch == self.milestone:
            self.unfreeze_and_add_param_group(pl_module.backbone, optimizer, lr=1e-3)


class WineClassifier(pl.LightningModule):
    def __init__(self, classes: int = 3, lr: float = 0.05):
        super().__init__()
        self.save_hyperparameters()
        self.backbone = nn.Sequential(nn.Linear(13, 16), nn.ReLU())
        self.head = nn.Linear(16, classes)
        self.losses = []

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self.head(self.backbone(x)), y)
        self.losses.append(loss.item())
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        trainable = [p for p in self.parameters() if p.requires_grad]
        return torch.optim.SGD(trainable, lr=self.hparams.lr, momentum=0.9)


X, y = load_wine(return_X_y=True)
wine = TensorDataset(torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32), torch.tensor(y))
loader = DataLoader(wine, batch_size=32)
model = WineClassifier()
finetuning = Unfreeze(milestone=1)
trainer = pl.Trainer(max_epochs=3, accelerator="cpu", callbacks=[finetuning], logger=False, enable_checkpointing=False, enable_progress_bar=False)
trainer.fit(model, loader)
print(model.losses[-1], [group["lr"] for group in trainer.optimizers[0].param_groups])
