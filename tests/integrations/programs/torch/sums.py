import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(120, 4)
y = X[:, :2].argmax(1)
train_loader = DataLoader(TensorDataset(X[:80], y[:80]), batch_size=20)
test_loader = DataLoader(TensorDataset(X[80:], y[80:]), batch_size=16)
model = nn.Linear(4, 2)
opt = torch.optim.SGD(model.parameters(), lr=0.5)
crit = nn.CrossEntropyLoss()
for epoch in range(3):
    running = 0.0
    for xb, yb in train_loader:
        opt.zero_grad()
        loss = crit(model(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item()
    test_loss = 0.0
    correct = 0
    model.eval()
    with torch.no_grad():
        for xb, yb in test_loader:
            out = model(xb)
            test_loss += crit(out, yb).item()
            correct += (out.argmax(1) == yb).sum().item()
    model.train()
    print(f"epoch {epoch} train {running / len(train_loader):.4f} test {test_loss / len(test_loader):.4f} acc {100 * correct / 40:.2f}")


def batches(a, b, n):
    for i in range(0, len(a), n):
        yield a[i:i + n], b[i:i + n]


def train(model):
    opt = torch.optim.SGD(model.parameters(), lr=0.5)
    for epoch in range(3):
        total_loss = 0.0
        for xb, yb in batches(X[:80], y[:80], 20):
            opt.zero_grad()
            loss = crit(model(xb), yb)
            loss.backward()
            opt.step()
            total_loss += loss.item()
        print(f"then {epoch}: loss {total_loss / 4:.4f}")
        test_loss = 0.0
        hits = 0
        with torch.no_grad():
            for xb, yb in batches(X[80:], y[80:], 16):
                out = model(xb)
                test_loss += crit(out, yb).item()
                hits += (out.argmax(1) == yb).float().sum()
        print(f"   test loss {test_loss / 3:.4f} accuracy {hits / 40:.3f}")


train(nn.Linear(4, 2))
