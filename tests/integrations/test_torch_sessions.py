"""torch: trainings that go on in another process or another cell, and ends of processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

RESUMED = """
import os
import torch
from torch import nn
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
first = 0
if os.path.exists("checkpoint.pt"):
    state = torch.load("checkpoint.pt")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    first = state["epoch"]
for epoch in range(first, first + 2):
    for _ in range(3):
        loss = model(torch.ones(2, 3)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
    torch.save(state, "checkpoint.pt")
"""


def test_a_training_names_the_run_of_another_process_that_it_goes_on_from(
    program: Callable[..., Any],
) -> None:
    program(RESUMED, "-m", "autolog", "run")
    _, (one, other) = program(RESUMED, "-m", "autolog", "run")
    assert "resumed_from" not in one.tags
    assert other.tags["resumed_from"] == one.id
    assert [len(run.history("loss")) for run in (one, other)] == [6, 6]


CELLS = '''
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in ("""from autolog import autolog
autolog()
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset""",
"""class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 2)
    def forward(self, x):
        return self.inner(x)
X = torch.randn(60, 3)
y = (X[:, 0] > 0).long()
train_loader = DataLoader(TensorDataset(X[:40], y[:40]), batch_size=10)
test_loader = DataLoader(TensorDataset(X[40:], y[40:]), batch_size=10)
model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)""",
TRAIN := """for epoch in range(2):
    for a, b in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(a), b)
        loss.backward()
        optimizer.step()""",
"""model.eval()
right, test_loss = 0, 0.0
with torch.no_grad():
    for a, b in test_loader:
        out = model(a)
        test_loss += criterion(out, b).item()
        right += (out.argmax(1) == b).sum().item()
test_loss /= len(test_loader)
print(right / 20, test_loss)""",
TRAIN,
"model = Net()\\noptimizer = torch.optim.SGD(model.parameters(), lr=0.5)\\n" + TRAIN,
):
    shell.run_cell(cell, store_history=True).raise_error()
'''


def test_cells_of_a_notebook_are_one_training_until_the_model_is_another(
    program: Callable[..., Any],
) -> None:
    pytest.importorskip("IPython")
    done, (one, other) = program(CELLS)
    accuracy, loss = map(float, done.stdout.split())
    assert [len(run.history("loss")) for run in (one, other)] == [16, 8]
    assert one.metrics["test_accuracy"] == accuracy
    assert one.metrics["test_loss"] == pytest.approx(loss, rel=1e-6)
    assert one.site == "In[3]:6"
    assert {name: facts["role"] for name, facts in one.datasets.items()} == {
        "train_loader": "train", "test_loader": "test",
    }  # fmt: skip
    model = one.load_model(trust=True)
    assert type(model).__name__ == "Net"
    assert [run.params["lr"] for run in (one, other)] == [0.1, 0.5]


ENDING = """
import os, signal, sys
import torch
from torch import nn
def main():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(5):
        loss = model(torch.ones(4, 2)).pow(2).mean()
        loss.backward()
        optimizer.step()
        if step == 3:
            EVENT
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("event", "code", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "killed"),
        ("os._exit(3)", 3, "lost"),
    ],
)
def test_ends_that_a_program_chooses(
    program: Callable[..., Any], event: str, code: int, status: str
) -> None:
    source = ENDING.replace("EVENT", event)
    _, (run,) = program(source, "-m", "autolog", "run", code=code)
    assert run.status == status
    assert len(run.history("loss")) == 4
