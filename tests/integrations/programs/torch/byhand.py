"""Weights updated by hand: a plain loop, a module's parameters in an epoch, a compiled step."""
import logging
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
learning_rate = 0.05
X = torch.linspace(-1, 1, 40).view(20, 2)
Y = (2 * X[:, :1] - X[:, 1:]) + 0.3


def plain():
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    for t in range(12):
        loss = F.mse_loss(model(X), Y)
        print(f'plain loss {loss.item():.9f}')
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= learning_rate * param.grad


class Tagger(nn.Module):
    def __init__(self, words=11, width=6):
        super().__init__()
        self.emb = nn.Embedding(words, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, words)

    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])


data = torch.arange(120) % 11


def evaluate(model, source):
    model.eval()
    total_loss = 0.
    with torch.no_grad():
        for i in range(0, len(source) - 7, 6):
            x, y = source[i:i + 6][None], source[i + 1:i + 7]
            total_loss += 6 * F.cross_entropy(model(x)[0], y).item()
    return total_loss / (len(source) - 1)


def language(epochs=3):
    model = Tagger()
    lr = 1.0
    best_val_loss = None
    for epoch in range(1, epochs + 1):
        model.train()
        for i in range(0, 80, 10):
            x, y = data[i:i + 10][None], data[i + 1:i + 11]
            model.zero_grad()
            loss = F.cross_entropy(model(x)[0], y)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-lr)
            print(f'word loss {loss.item():.9f} norm {norm.item():.9f}')
        val_loss = evaluate(model, data[80:])
        print(f'end of epoch {epoch} valid {val_loss:.9f} lr {lr}')
        if not best_val_loss or val_loss < best_val_loss:
            best_val_loss = val_loss
        lr /= 4.0


def compiled():
    model = nn.Linear(2, 1)
    opt = torch.optim.Adam(model.parameters(), lr=0.02)
    logging.disable(logging.WARNING)
    step = torch.compile(opt.step, backend='eager')
    for i in range(10):
        opt.zero_grad()
        loss = F.l1_loss(model(X), Y)
        loss.backward()
        step()
        print(f'compiled loss {loss.item():.9f}')


def attack(steps=10, lr=0.1):
    victim = nn.Linear(2, 3)
    picture = X.clone().requires_grad_()
    for _ in range(steps):
        loss = -F.cross_entropy(victim(picture), torch.zeros(20, dtype=torch.long))
        loss.backward()
        picture.data -= lr * picture.grad.sign()
        picture.grad.zero_()
    print('attacked', picture.sum().item())


if __name__ == '__main__':
    attack()
    plain()
    language()
    compiled()
