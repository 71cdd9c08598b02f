"""What each step of a PyTorch loop costs: `python -m benchmarks.steps CASE FOLDER PAIRS`.

Blocks of one process take turns, with autolog and without; a block's first steps, which open the
run and look at every place of the program for the first time, are not counted.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

WARM = 60
"""Steps of a block that are not counted."""


class Loop(NamedTuple):
    """A training that is timed: `model()` anew for each block, data for it, steps of a block."""

    model: Callable[[], nn.Module]
    data: Callable[[], TensorDataset]
    batch: int
    steps: int


def mlp(width: int, depth: int) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        layers: list[nn.Module] = [nn.Linear(32, width), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Linear(width, width), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width, 10))

    return make


def rows() -> TensorDataset:
    return TensorDataset(torch.randn(6400, 32), torch.randint(10, (6400,)))


class Language(nn.Module):
    """A small GPT: token and position embeddings, causal attention, a head for the next token."""

    def __init__(self, vocabulary: int = 64, width: int = 64, length: int = 32) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, vocabulary)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, tokens: Any) -> Any:
        """Scores of the next token, with the classes second, as `cross_entropy` wants them."""
        places = torch.arange(tokens.shape[1])
        hidden = self.tokens(tokens) + self.places(places)
        return self.head(self.blocks(hidden, mask=self.mask, is_causal=True)).transpose(1, 2)


def text() -> TensorDataset:
    tokens = torch.randint(64, (1024, 33))
    return TensorDataset(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous())


LOOPS = {
    "step_0.3ms": Loop(mlp(64, 2), rows, 64, 400),
    "step_1ms": Loop(mlp(256, 3), rows, 64, 200),
    "step_5ms": Loop(mlp(512, 6), rows, 128, 60),
    "step_gpt": Loop(Language, text, 8, 60),
}


def main(case: str, folder: str, pairs: int) -> None:
    """Medians over `pairs` of blocks, in µs of thread-CPU for each step or batch."""
    torch.set_num_threads(1)
    loop = LOOPS[case]
    blocks: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    block(loop, None)
    for number in range(pairs):
        for on in (number % 2 == 0, number % 2 == 1):
            blocks[on].append(block(loop, folder if on else None))
    found: dict[str, float] = {}
    for i, what in enumerate(("step", "eval_batch")):
        pairs_of = zip(blocks[False], blocks[True], strict=True)
        added = [recorded[i] - plain[i] for plain, recorded in pairs_of]
        found[f"{what}_plain_us"] = statistics.median(plain[i] for plain in blocks[False])
        found[f"{what}_added_us"] = statistics.median(added)
        found[f"{what}_added_mad_us"] = mad(added)
    print(json.dumps(found))


def mad(values: list[float]) -> float:
    """The median distance from the median: how noisy a figure is."""
    middle = statistics.median(values)
    return statistics.median(abs(one - middle) for one in values)


def block(loop: Loop, folder: str | None) -> tuple[float, float]:
    """µs of CPU that a step and a batch of an evaluation took, recorded where a folder is given."""
    import autolog

    torch.manual_seed(0)
    if folder is not None:
        autolog.autolog(backend=folder)
    try:
        return trained(loop)
    finally:
        if folder is not None:
            autolog.disable()


def trained(loop: Loop) -> tuple[float, float]:
    """One training and its evaluation, timed."""
    model = loop.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = loop.data()
    train_loader = DataLoader(data, loop.batch)
    val_loader = DataLoader(data, loop.batch)
    done, began = 0, 0.0
    while done < WARM + loop.steps:
        for x, y in train_loader:
            if done == WARM:
                began = time.thread_time()
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == WARM + loop.steps:
                break
    step = (time.thread_time() - began) / loop.steps
    return 1e6 * step, 1e6 * evaluate(model, val_loader)


def evaluate(model: nn.Module, loader: DataLoader[Any]) -> float:
    """Seconds of CPU for each batch but the first ten."""
    total, began = 0.0, 0.0
    model.eval()
    with torch.no_grad():
        for number, (x, y) in enumerate(loader):
            if number == 10:
                began = time.thread_time()
            total += float(F.cross_entropy(model(x), y).detach())
    return (time.thread_time() - began) / (len(loader) - 10)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
