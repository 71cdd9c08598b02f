"""An EMA copy judged beside the model, a plateau schedule in a function; then an agent's episodes."""
import copy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
x = torch.randn(120, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(120, 1)
train_loader = DataLoader(TensorDataset(x[:90], y[:90]), batch_size=30, shuffle=True)
val_loader = DataLoader(TensorDataset(x[90:], y[90:]), batch_size=30)


def evaluate(net, loader):
    net.eval()
    total = 0.0
    with torch.no_grad():
        for a, b in loader:
            total += nn.functional.mse_loss(net(a), b, reduction='sum').item()
    return total / len(loader.dataset)


def score(net):
    with torch.no_grad():
        return 1 - ((net(x[90:]) - y[90:]) ** 2).mean().item() / y[90:].var().item()


def main(epochs=4, decay=0.9):
    model = nn.Linear(3, 1)
    ema_model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, 'max', factor=0.5, patience=0)
    for epoch in range(epochs):
        model.train()
        for a, b in train_loader:
            loss = nn.functional.mse_loss(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for p, q in zip(ema_model.parameters(), model.parameters()):
                    p.mul_(decay).add_(q, alpha=1 - decay)
        val_loss = evaluate(model, val_loader)
        ema_val_loss = evaluate(ema_model, val_loader)
        r2 = score(model)
        scheduler.step(r2)
        print('val %.9f ema %.9f r2 %.9f' % (val_loss, ema_val_loss, r2))


class Corridor:
    def reset(self):
        self.at = 0
        return torch.tensor([0.0])

    def step(self, right):
        self.at += 1 if right else -1
        return torch.tensor([float(self.at)]), 1.0 if right else -0.5, abs(self.at) >= 3


def agent(episodes=5):
    policy = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
    env = Corridor()
    for episode in range(episodes):
        state = env.reset()
        episode_reward, episode_length = 0, 0
        logs = []
        done = False
        while not done and episode_length < 30:
            action = torch.distributions.Bernoulli(logits=policy(state))
            move = action.sample()
            logs.append(action.log_prob(move))
            state, reward, done = env.step(bool(move))
            episode_reward += reward
            episode_length += 1
        policy_loss = -(torch.cat(logs) * episode_reward).sum()
        optimizer.zero_grad()
        policy_loss.backward()
        optimizer.step()
        print('episode reward %.2f length %d loss %.9f' % (episode_reward, episode_length, policy_loss.item()))


main()
agent()
