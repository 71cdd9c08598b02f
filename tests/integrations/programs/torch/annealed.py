import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

LATENT = 2
EPOCHS = 4
BATCH = 25
WARMUP = 3


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.Tanh())
        self.mu = nn.Linear(16, LATENT)
        self.log_sigma = nn.Linear(16, LATENT)

    def forward(self, x):
        h = self.net(x)
        return Normal(self.mu(h), self.log_sigma(h).clamp(-4, 2).exp())


def elbo_terms(encoder, decoder, x):
    q = encoder(x)
    z = q.rsample()
    recon = ((decoder(z) - x) ** 2).sum(-1).mean()
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(-1).mean()
    return {"recon": recon, "kl": kl}


torch.manual_seed(11)
data = torch.randn(125, 2) @ torch.randn(2, 8) + 0.1 * torch.randn(125, 8)
train_x, valid_x = data[:100], data[100:]
encoder = Encoder()
decoder = nn.Sequential(nn.Linear(LATENT, 16), nn.Tanh(), nn.Linear(16, 8))
params = [*encoder.parameters(), *decoder.parameters()]
opt = torch.optim.Adam(params, lr=3e-3)
log = []
for epoch in range(EPOCHS):
    beta = min(1.0, (epoch + 1) / WARMUP)
    order = torch.randperm(len(train_x))
    sums = {"recon": 0.0, "kl": 0.0, "loss": 0.0}
    n_batches = 0
    for start in range(0, len(order), BATCH):
        batch = train_x[order[start:start + BATCH]]
        terms = elbo_terms(encoder, decoder, batch)
        loss = terms["recon"] + beta * terms["kl"]
        opt.zero_grad()
        loss.backward()
        opt.step()
        for name, value in terms.items():
            sums[name] += value.item()
        sums["loss"] += loss.item()
        n_batches += 1
    with torch.no_grad():
        terms = elbo_terms(encoder, decoder, valid_x)
        valid_elbo = -(terms["recon"] + terms["kl"]).item()
    row = {"epoch": epoch, "beta": beta, "valid_elbo": valid_elbo}
    row.update({k: v / n_batches for k, v in sums.items()})
    log.append(row)
    print(" ".join(f"{k}={v:.4f}" for k, v in row.items()))
