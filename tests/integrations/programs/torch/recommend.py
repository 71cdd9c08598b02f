"""Matrix factorisation with embeddings, sparse gradients and a root mean square."""
import math
import time
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

EMBEDDING_DIM = 4
LEARNING_RATE = 0.05
EPOCHS = 3
BATCH = 50


class Ratings(Dataset):
    def __init__(self, users, items, ratings):
        self.users, self.items, self.ratings = users, items, ratings

    def __len__(self):
        return self.users.size(0)

    def __getitem__(self, idx):
        return self.users[idx], self.items[idx], self.ratings[idx]


class MatrixFactorization(nn.Module):
    def __init__(self, num_users, num_items, dim):
        super().__init__()
        self.user_emb = nn.Embedding(num_users, dim)
        self.item_emb = nn.Embedding(num_items, dim)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, users, items):
        return (self.user_emb(users) * self.item_emb(items)).sum(-1) + self.bias


def fit():
    torch.manual_seed(8)
    users, items = torch.randint(0, 30, (400,)), torch.randint(0, 20, (400,))
    ratings = ((users % 5) * 0.6 + (items % 4) * 0.5).float()
    trainset = Ratings(users[:320], items[:320], ratings[:320])
    testset = Ratings(users[320:], items[320:], ratings[320:])
    train_iter = DataLoader(trainset, batch_size=BATCH, shuffle=True)
    test_iter = DataLoader(testset, batch_size=BATCH)
    net = MatrixFactorization(30, 20, EMBEDDING_DIM)
    opt = torch.optim.Adagrad(net.parameters(), lr=LEARNING_RATE)
    criterion = nn.MSELoss()
    for epoch in range(EPOCHS):
        start = time.time()
        net.train()
        losses = []
        for u, i, r in train_iter:
            opt.zero_grad()
            l = criterion(net(u, i), r)
            l.backward()
            opt.step()
            losses.append(l.item())
        train_rmse = math.sqrt(sum(losses) / len(losses))
        net.eval()
        se, n = 0.0, 0
        with torch.no_grad():
            for u, i, r in test_iter:
                se += ((net(u, i) - r) ** 2).sum().item()
                n += r.numel()
        test_rmse = math.sqrt(se / n)
        elapsed = time.time() - start
        print(f"epoch {epoch} train rmse {train_rmse:.6f} test rmse {test_rmse:.6f}")


fit()
