"""Cross-validation by hand: a module and a trainer for each fold."""
# AUTOLOG
import lightning as L
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


class Iris(L.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))

    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def test_step(self, batch, batch_idx):
        self.log("acc", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


X, y = load_iris(return_X_y=True)
dataset = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
scores, losses = [], []
for fold, (train_idx, test_idx) in enumerate(KFold(3, shuffle=True, random_state=0).split(X)):
    torch.manual_seed(fold)
    train_loader = DataLoader(Subset(dataset, train_idx), batch_size=25, shuffle=True)
    test_loader = DataLoader(Subset(dataset, test_idx), batch_size=50)
    model = Iris()
    trainer = L.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, train_loader)
    losses.append(trainer.callback_metrics["loss"].item())
    scores.append(trainer.test(model, test_loader, verbose=False)[0]["acc"])
    print("fold", fold, scores[-1])
print("mean accuracy %.4f" % (sum(scores) / len(scores)))
