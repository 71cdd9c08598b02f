"""A search over learning rates and widths, each with its own model."""
import itertools
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def get_data():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=g)
    y = x @ torch.arange(1., 7.) + 0.1 * torch.randn(200, generator=g)
    return TensorDataset(x[:160], y[:160]), TensorDataset(x[160:], y[160:])


def objective(lr, hidden, train_set, valid_set, epochs=2):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    train_dl = DataLoader(train_set, batch_size=20, shuffle=True)
    valid_dl = DataLoader(valid_set, batch_size=40)
    for epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss = F.mse_loss(model(xb).squeeze(-1), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            valid_loss = sum(F.mse_loss(model(xb).squeeze(-1), yb) for xb, yb in valid_dl) / len(valid_dl)
    return valid_loss.item()


best = (float("inf"), None)
train_set, valid_set = get_data()
for lr, hidden in itertools.product([1e-3, 1e-2, 1e-1], [4, 16]):
    score = objective(lr, hidden, train_set, valid_set)
    print(f"lr={lr} hidden={hidden} score={score:.6f}")
    best = min(best, (score, (lr, hidden)))
print("best", best)
