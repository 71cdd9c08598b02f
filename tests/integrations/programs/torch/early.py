"""Early stopping by a class of its own, which saves the best weights; the test is made with them."""
import argparse, torch, torch.nn as nn, torch.optim as optim
from torch.utils.data import DataLoader, Dataset, random_split
class SineDataset(Dataset):
    def __init__(self, n=200, noise=0.1):
        g = torch.Generator().manual_seed(0)
        self.x = torch.rand(n, 1, generator=g) * 6
        self.y = torch.sin(self.x) + noise * torch.randn(n, 1, generator=g)
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return self.x[i], self.y[i]
class EarlyStopping:
    def __init__(self, patience=3, path="best.pt"):
        self.patience, self.path, self.best, self.count, self.stop = patience, path, None, 0, False
    def __call__(self, val_loss, model):
        if self.best is None or val_loss < self.best:
            self.best = val_loss
            self.count = 0
            torch.save(model.state_dict(), self.path)
        else:
            self.count += 1
            self.stop = self.count >= self.patience
class MLP(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    def forward(self, x): return self.net(x)
def evaluate(model, loader, criterion):
    model.eval(); total = 0.0
    with torch.no_grad():
        for x, y in loader: total += criterion(model(x), y).item() * len(x)
    return total / len(loader.dataset)
def main():
    p = argparse.ArgumentParser(); p.add_argument("--hidden", type=int, default=16); p.add_argument("--epochs", type=int, default=12)
    args = p.parse_args()
    torch.manual_seed(1)
    train_set, val_set, test_set = random_split(SineDataset(), [140, 30, 30])
    train_loader = DataLoader(train_set, batch_size=20, shuffle=True)
    val_loader, test_loader = DataLoader(val_set, batch_size=30), DataLoader(test_set, batch_size=30)
    model = MLP(args.hidden); criterion = nn.MSELoss(); optimizer = optim.Adam(model.parameters(), lr=0.3)
    stopper = EarlyStopping()
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad(); loss = criterion(model(x), y); loss.backward(); optimizer.step()
        val_loss = evaluate(model, val_loader, criterion)
        print(f"epoch {epoch} val {val_loss:.4f}")
        stopper(val_loss, model)
        if stopper.stop: print("stop"); break
    model.load_state_dict(torch.load("best.pt"))
    print("test", evaluate(model, test_loader, criterion))
main()
