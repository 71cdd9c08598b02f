"""Small torch programs that are written to a file, run, and looked up in a store of their own."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

Play = Callable[..., tuple[Any, RunView]]
SHARED = """
import torch
from torch.utils.data import DataLoader, TensorDataset

X = torch.linspace(-1, 1, 32).view(16, 2)
LOADER = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), 4)
LABELLED = DataLoader(TensorDataset(X, (X.sum(1) > 0).long()), 4)

def begun(outputs=1):
    torch.manual_seed(0)
    model = torch.nn.Linear(2, outputs)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)

def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

def epoch(model, optimizer):
    total = 0.0
    for x, y in LOADER:
        loss = torch.nn.functional.mse_loss(model(x), y)
        step(optimizer, loss)
        total += loss.item()
    return total / len(LOADER)
"""


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Plays `run(*args)` of a program, and gives what it gives back with its only run."""

    def played(text: str, *args: Any) -> tuple[Any, RunView]:
        file = tmp_path / "program.py"
        file.write_text(SHARED + textwrap.dedent(text))
        scope: dict[str, Any] = {"__name__": "program"}
        exec(compile(file.read_text(), str(file), "exec"), scope)
        with contextlib.redirect_stdout(io.StringIO()):
            autolog.autolog(backend=tmp_path / "runs")
            result = scope["run"](*args)
        (run,) = autolog.search_runs(backend=tmp_path / "runs")
        return result, run

    yield played
    autolog.disable()


def values(run: RunView, key: str) -> list[Any]:
    return [point.value for point in run.history(key)]
