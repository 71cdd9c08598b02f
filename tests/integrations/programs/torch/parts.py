"""Losses that are sums: weighted terms, a dict of a detector's losses, two tasks, a helper's."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(3)
images = (torch.rand(96, 20) > 0.6).float()


class BetaVAE(nn.Module):
    def __init__(self, z=2):
        super().__init__()
        self.enc = nn.Linear(20, 2 * z)
        self.dec = nn.Linear(z, 20)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def train_vae(beta=0.25, epochs=2):
    model = BetaVAE()
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(epochs):
        for i in range(0, len(images), 32):
            x = images[i:i + 32]
            recon, mu, logvar = model(x)
            bce = F.binary_cross_entropy_with_logits(recon, x, reduction='sum') / x.size(0)
            kld = (-0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1)).mean()
            loss = bce + beta * kld
            opt.zero_grad()
            loss.backward()
            opt.step()
            print(f'vae bce {bce.item():.9f} kld {kld.item():.9f} loss {loss.item():.9f}')


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(20, 16)
        self.cls = nn.Linear(16, 3)
        self.box = nn.Linear(16, 4)

    def forward(self, x, targets=None):
        h = F.relu(self.body(x))
        cls, box = self.cls(h), self.box(h)
        if targets is None:
            return cls, box
        return {
            'loss_classifier': F.cross_entropy(cls, targets['labels']),
            'loss_box_reg': F.smooth_l1_loss(box, targets['boxes']),
        }


def train_detector():
    model = Detector()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    targets = {'labels': images[:, :3].argmax(1), 'boxes': images[:, 4:8]}
    for step in range(4):
        loss_dict = model(images, targets)
        losses = sum(loss for loss in loss_dict.values())
        optimizer.zero_grad()
        losses.backward()
        optimizer.step()
        print('det cls {:.9f} box {:.9f}'.format(*(v.item() for v in loss_dict.values())))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(20, 12)
        self.kind = nn.Linear(12, 3)
        self.size = nn.Linear(12, 1)

    def forward(self, x):
        h = torch.tanh(self.trunk(x))
        return self.kind(h), self.size(h).squeeze(1)


def train_heads():
    net = TwoHeads()
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion_kind = nn.CrossEntropyLoss()
    criterion_size = nn.L1Loss()
    for step in range(4):
        kind, size = net(images)
        total_loss = criterion_kind(kind, images[:, :3].argmax(1)) + 0.5 * criterion_size(size, images.sum(1))
        with torch.no_grad():
            print('heads size %.9f' % (size - images.sum(1)).abs().mean().item())
        opt.zero_grad()
        total_loss.backward()
        opt.step()


def compute_loss(net, x):
    kind, size = net(x)
    ce = F.cross_entropy(kind, x[:, :3].argmax(1))
    consistency = ((kind[1:] - kind[:-1]) ** 2).mean()
    return ce + 0.1 * consistency, {'ce': ce.item(), 'consistency': consistency.item()}


def train_with_logs():
    net = TwoHeads()
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(3):
        opt.zero_grad()
        loss, logs = compute_loss(net, images)
        loss.backward()
        opt.step()
        print('logs ce {ce:.9f} consistency {consistency:.9f}'.format(**logs))


if __name__ == '__main__':
    train_vae()
    train_detector()
    train_heads()
    train_with_logs()
