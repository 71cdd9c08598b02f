"""A class that trains, with meters, a plain configuration and resumable checkpoints."""
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Config:
    hidden = 12
    dropout = 0.1
    lr = 0.03
    weight_decay = 1e-4
    epochs = 3
    batch_size = 25


class AverageMeter(object):
    def __init__(self, name):
        self.name = name
        self.reset()

    def reset(self):
        self.val = 0
        self.avg = 0
        self.sum = 0
        self.count = 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, cfg.hidden), nn.ReLU(), nn.Dropout(cfg.dropout), nn.Linear(cfg.hidden, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


class Trainer:
    def __init__(self, cfg, model, train_loader, valid_loader):
        self.cfg = cfg
        self.model = model
        self.train_loader = train_loader
        self.valid_loader = valid_loader
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=0.9, nesterov=True, weight_decay=cfg.weight_decay)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=0.1, total_steps=cfg.epochs * len(train_loader))
        self.history = {"train_loss": [], "valid_loss": [], "valid_acc": []}
        self.best = float("inf")

    def train_epoch(self):
        self.model.train()
        losses = AverageMeter("loss")
        for x, y in self.train_loader:
            loss = self.criterion(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            losses.update(loss.item(), x.size(0))
        return losses.avg

    def validate(self):
        self.model.eval()
        losses, acc = AverageMeter("loss"), AverageMeter("acc")
        with torch.no_grad():
            for x, y in self.valid_loader:
                out = self.model(x)
                losses.update(self.criterion(out, y).item(), x.size(0))
                acc.update(((out > 0) == (y > 0.5)).float().mean().item(), x.size(0))
        return losses.avg, acc.avg

    def fit(self):
        for epoch in range(self.cfg.epochs):
            train_loss = self.train_epoch()
            valid_loss, valid_acc = self.validate()
            self.history["train_loss"].append(train_loss)
            self.history["valid_loss"].append(valid_loss)
            self.history["valid_acc"].append(valid_acc)
            print(f"epoch {epoch} train {train_loss:.8f} valid {valid_loss:.8f} acc {valid_acc:.5f}")
            if valid_loss < self.best:
                self.best = valid_loss
                torch.save({"epoch": epoch, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}, "best.pt")


def main():
    torch.manual_seed(11)
    x = torch.randn(300, 4)
    y = (x[:, 0] > x[:, 1]).float()
    cfg = Config()
    train_loader = DataLoader(TensorDataset(x[:220], y[:220]), batch_size=cfg.batch_size, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[220:], y[220:]), batch_size=cfg.batch_size)
    trainer = Trainer(cfg, MLP(cfg), train_loader, valid_loader)
    trainer.fit()
    print(os.path.exists("best.pt"), trainer.best)


if __name__ == "__main__":
    main()
