"""nanoGPT's configurator, dataclasses in dataclasses, a namespace, a dictionary from JSON."""
import argparse
import enum
import json
import types
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path
import torch
from torch import nn

out_dir = 'out'
n_layer = 2
dropout = 0.0
bias = False
learning_rate = 6e-4
max_iters = 2
config_keys = [k for k, v in globals().items() if not k.startswith('_') and isinstance(v, (int, float, bool, str))]
exec("n_layer = 4\ndropout = 0.1\n")
config = {k: globals()[k] for k in config_keys}

X = torch.linspace(-1, 1, 16).view(8, 2)


class Mode(enum.Enum):
    FAST = 'fast'


@dataclass(frozen=True, slots=True)
class OptimSettings:
    name: str = 'sgd'
    lr: float = 0.3


@dataclass
class ExperimentConfig:
    epochs: int = 5
    mode: Mode = Mode.FAST
    root: Path = Path('data')
    device: torch.device = torch.device('cpu')
    optim: OptimSettings = field(default_factory=OptimSettings)


def fit(lr):
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for i in range(3):
        loss = model(X).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print('%.9f' % loss.item())


def with_dataclass():
    c = ExperimentConfig(epochs=9)
    fit(c.optim.lr)


def with_namespace():
    cfg = types.SimpleNamespace(lr=0.2, model=types.SimpleNamespace(dim=16, act='relu'))
    fit(cfg.lr)


def with_json():
    hparams = json.loads('{"lr": 0.15, "data": {"path": "x.csv", "workers": 0}}')
    fit(hparams['lr'])


def with_commands():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest='command')
    train = commands.add_parser('train')
    train.add_argument('--hidden-size', type=int, default=7)
    train.add_argument('--lr', type=float, default=0.1)
    Opts = namedtuple('Opts', 'heads ratio')
    opts = Opts(4, 0.5)
    args = parser.parse_args(['train', '--lr', '0.02'], namespace=argparse.Namespace(seed=3))
    fit(args.lr)


with_dataclass()
with_namespace()
with_json()
with_commands()
model = nn.Linear(2, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
for it in range(max_iters):
    loss = model(X).pow(2).mean()
    loss.backward()
    optimizer.step()
