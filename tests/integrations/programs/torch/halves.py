import argparse
import json
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self, dim, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, dim), nn.GELU(), nn.Linear(dim, classes))

    def forward(self, x):
        return self.body(x)


class Trainer:
    def __init__(self, model, cfg):
        self.model = model
        self.cfg = cfg
        self.opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.wd)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=cfg.lr, total_steps=cfg.epochs * 5)
        self.scaler = torch.amp.GradScaler("cpu", enabled=cfg.amp)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.history = {"train_loss": [], "train_acc": [], "val_loss": [], "val_acc": [], "lr": []}

    def _run(self, loader, train):
        self.model.train(train)
        total, hits, seen = 0.0, 0, 0
        for x, y in loader:
            with torch.set_grad_enabled(train), torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.cfg.amp):
                logits = self.model(x)
                loss = self.criterion(logits, y)
            if train:
                self.opt.zero_grad(set_to_none=True)
                self.scaler.scale(loss).backward()
                self.scaler.unscale_(self.opt)
                nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
                self.scaler.step(self.opt)
                self.scaler.update()
                self.sched.step()
            total += loss.item() * x.size(0)
            hits += (logits.argmax(-1) == y).sum().item()
            seen += x.size(0)
        return total / seen, hits / seen

    def fit(self, train_dl, val_dl):
        best = 0.0
        for epoch in range(1, self.cfg.epochs + 1):
            tr_loss, tr_acc = self._run(train_dl, True)
            va_loss, va_acc = self._run(val_dl, False)
            self.history["train_loss"].append(tr_loss)
            self.history["train_acc"].append(tr_acc)
            self.history["val_loss"].append(va_loss)
            self.history["val_acc"].append(va_acc)
            self.history["lr"].append(self.opt.param_groups[0]["lr"])
            if va_acc > best:
                best = va_acc
                torch.save(self.model.state_dict(), "best.pth")
            print(f"[{epoch:02d}] {tr_loss:.5f}/{tr_acc:.3f} {va_loss:.5f}/{va_acc:.3f}")
        return best


p = argparse.ArgumentParser()
p.add_argument("--epochs", type=int, default=3)
p.add_argument("--lr", type=float, default=0.02)
p.add_argument("--wd", type=float, default=0.05)
p.add_argument("--clip", type=float, default=1.0)
p.add_argument("--hidden", type=int, default=24)
p.add_argument("--no-amp", dest="amp", action="store_false")
cfg = p.parse_args([])
torch.manual_seed(7)
x = torch.randn(140, 10)
y = (x[:, :3] @ torch.eye(3)).argmax(1)
train_ds, val_ds = random_split(TensorDataset(x, y), [100, 40])
net = Net(cfg.hidden, 3)
trainer = Trainer(net, cfg)
best = trainer.fit(DataLoader(train_ds, 20, shuffle=True), DataLoader(val_ds, 40))
with open("results.json", "w") as f:
    json.dump({"best": best, "history": trainer.history, "args": vars(cfg)}, f)
history = trainer.history
