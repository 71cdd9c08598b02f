"""torch: where a training begins and ends, what its losses are, whose steps they are."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
nn, F = torch.nn, torch.nn.functional
Runs = Callable[[], list[RunView]]
Only = Callable[[], RunView]
pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.linspace(-1, 1, 32).view(16, 2)
y = X.sum(1, keepdim=True)


class Net(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.width = width
        self.inner = nn.Linear(2, width)
        self.outer = nn.Linear(width, 1)

    def forward(self, x: Any) -> Any:
        return self.outer(torch.tanh(self.inner(x)))


def steps(model: Any, optimizer: Any, count: int = 3) -> list[float]:
    """Plain steps; the losses."""
    losses = []
    for _ in range(count):
        optimizer.zero_grad()
        loss = F.mse_loss(model(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def sgd(model: Any, lr: float = 0.1) -> Any:
    return torch.optim.SGD(model.parameters(), lr=lr)


def history(run: RunView, key: str) -> list[Any]:
    return [point.value for point in run.history(key)]


# -- losses ----------------------------------------------------------------------------------


def test_losses_are_those_of_the_program(run: Only) -> None:
    model = Net()
    losses = steps(model, sgd(model))
    found = run()
    assert history(found, "loss") == losses
    assert [point.step for point in found.history("loss")] == [1, 2, 3]
    assert found.history("loss").unit == "optimizer step"
    assert found.series["loss"].info["call"] == "loss.backward()"


def test_places_on_one_line_have_their_own_names(run: Only) -> None:
    model = Net()
    optimizer = sgd(model)
    a, b = F.mse_loss(model(X), y), F.l1_loss(model(X), y)
    a.backward()
    b.backward()
    optimizer.step()
    assert history(run(), "a") == [a.item()]
    assert history(run(), "b") == [b.item()]


@pytest.mark.parametrize("divide", [True, False])
def test_parts_of_a_loss_are_one(run: Only, divide: bool) -> None:
    model = Net()
    optimizer = sgd(model)
    whole = []
    for part in range(4):
        loss = F.mse_loss(model(X[part * 4 : part * 4 + 4]), y[part * 4 : part * 4 + 4])
        whole.append(loss.item())
        if divide:
            loss = loss / 4
        loss.backward()
    optimizer.step()
    assert history(run(), "loss") == [pytest.approx(sum(whole) / 4, rel=1e-6)]


def test_two_models_in_turn_with_one_name_for_their_losses(run: Only) -> None:
    one, two = Net(), Net()
    first, second = sgd(one), sgd(two)
    seen: list[list[float]] = [[], []]
    for _ in range(3):
        loss = F.mse_loss(one(X), y)
        loss.backward()
        first.step()
        seen[0].append(loss.item())
        loss = F.mse_loss(two(X), y)
        loss.backward()
        second.step()
        seen[1].append(loss.item())
    found = run()
    assert found.name == "Net"
    assert [history(found, key) for key in ("loss", "loss-2")] == seen
    assert found.params["first_lr"] == found.params["second_lr"] == 0.1


def test_a_loss_that_is_no_number_is_told_once(run: Only) -> None:
    model = Net()
    optimizer = sgd(model)
    steps(model, optimizer, 1)
    for _ in range(2):
        loss = F.mse_loss(model(X), y) * float("nan")
        loss.backward()
        optimizer.step()
    assert run().tags["nan_loss"] == "since step 2"


def test_what_the_program_holds_and_shows_is_found(program: Callable[..., Any]) -> None:
    source = """
from autolog import autolog; autolog()
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
X = torch.linspace(-1, 1, 24).view(12, 2)
y = (X[:, 0] > 0).float()
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
loader = DataLoader(TensorDataset(X, y), batch_size=5)
def accuracy(): return ((model(X).squeeze(1) > 0) == y).float().mean().item()
smooth = 0.5
for turn in range(4):
    total = 0.0
    if turn < 2:
        for a, b in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(model(a).squeeze(1), b)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            total += loss.item()
        print(f"turn {turn}: mean of it: {total / len(loader)!r}")
    held_out = accuracy()
    smooth = 0.9 * smooth + 0.1 * held_out
    print("held", held_out, smooth)
"""
    done, (found,) = program(source)
    lines = done.stdout.splitlines()
    means = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("turn")]
    assert history(found, "mean_of_it") == means
    held = [[float(word) for word in line.split()[1:]] for line in lines if "held" in line]
    assert history(found, "held_out")[0] == held[0][0]
    assert history(found, "smooth")[-1] == held[-1][1]


# -- where trainings begin and end -----------------------------------------------------------


def test_a_run_ends_with_its_model(runs: Runs) -> None:
    model = Net()
    optimizer = sgd(model)
    steps(model, optimizer)
    assert [run.status for run in runs()] == ["running"]
    del model, optimizer
    gc.collect()
    assert [run.status for run in runs()] == ["finished"]


def test_the_final_weights_are_saved_when_the_model_is_gone(uri: str, run: Only) -> None:
    model = Net()
    optimizer = sgd(model)
    steps(model, optimizer)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    outputs = model(X).detach()
    del model, optimizer
    gc.collect()
    loaded = autolog.load_model(f"{run().id}/model", trust=True)
    assert type(loaded) is Net
    assert loaded.width == 3
    assert all(torch.equal(weights[name], value) for name, value in loaded.state_dict().items())
    assert torch.equal(loaded(X), outputs)


def test_a_second_optimizer_of_one_model_joins(run: Only) -> None:
    model = Net()
    steps(model, sgd(model))
    steps(model, torch.optim.Adam(model.parameters()))
    assert len(history(run(), "loss")) == 6


def test_a_model_that_was_reset_begins_anew(runs: Runs) -> None:
    model = Net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    steps(model, sgd(model))
    model.load_state_dict(before)
    steps(model, sgd(model, 0.2))
    assert [run.params["lr"] for run in runs()] == [0.1, 0.2]
    assert [run.status for run in runs()] == ["finished", "running"]


def test_the_next_training_ends_the_one_before(runs: Runs) -> None:
    models = []
    for lr in (0.1, 0.2, 0.3):
        models.append(Net())
        steps(models[-1], sgd(models[-1], lr))
    assert [run.status for run in runs()] == ["finished", "finished", "running"]
    assert [run.params["lr"] for run in runs()] == [0.1, 0.2, 0.3]


def test_tensors_of_no_module_leave_no_run(runs: Runs) -> None:
    picture = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.Adam([picture], lr=0.1)
    for _ in range(3):
        loss = ((picture - 1) ** 2).sum()
        loss.backward()
        optimizer.step()
    assert runs() == []


def test_models_made_before_us_and_copies_are_known(tmp_path: Path) -> None:
    import copy

    model = Net()
    autolog.autolog(f"memory:{tmp_path}")
    twin = copy.deepcopy(model)
    steps(model, sgd(model))
    steps(twin, sgd(twin))
    assert [run.name for run in autolog.search_runs(backend=f"memory:{tmp_path}")] == ["Net"] * 2


def test_excluded_classes_and_pauses_leave_no_run(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, exclude=["*.Net"])
    model = Net()
    steps(model, sgd(model))
    assert list(autolog.search_runs(backend=uri)) == []
    other = nn.Sequential(nn.Linear(2, 1))
    with autolog.paused():
        steps(other, sgd(other))
    assert list(autolog.search_runs(backend=uri)) == []


def test_a_run_by_hand_is_the_parent(runs: Runs) -> None:
    model = Net()
    with autolog.start_run("by hand") as outer:
        steps(model, sgd(model))
    inner = next(run for run in runs() if run.name == "Net")
    assert inner.parent == outer.id


def test_a_hooked_fit_round_it_silences_it(runs: Runs) -> None:
    from sklearn.base import BaseEstimator, RegressorMixin

    class Torchy(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, data: Any, target: Any) -> Any:
            self.model_ = Net()
            steps(self.model_, sgd(self.model_))
            return self

    Torchy().fit(X.numpy(), y.numpy())
    assert [run.name.rpartition(".")[2] for run in runs()] == ["Torchy"]


def test_threads_train_on_their_own(runs: Runs) -> None:
    losses: dict[str, list[float]] = {}

    def work(name: str, lr: float) -> None:
        model = Net()
        losses[name] = steps(model, sgd(model, lr), 5)

    threads = [threading.Thread(target=work, args=(str(i), 0.1 + i / 10)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(history(run, "loss") for run in runs()) == sorted(losses.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_run_of_its_own(program: Callable[..., Any]) -> None:
    source = """
from autolog import autolog; autolog()
import multiprocessing, torch
from torch import nn
X = torch.ones(4, 2)
def work(model, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(3):
        loss = model(X).pow(2).mean()
        loss.backward()
        optimizer.step()
if __name__ == "__main__":
    model = nn.Linear(2, 1)
    work(model, 0.1)
    child = multiprocessing.get_context("fork").Process(target=work, args=(model, 0.2))
    child.start(); child.join()
    print(child.exitcode)
"""
    done, found = program(source)
    assert done.stdout == "0\n"
    assert [(run.params["lr"], run.status) for run in found] == [
        (0.1, "finished"), (0.2, "finished"),
    ]  # fmt: skip
    assert [len(run.history("loss")) for run in found] == [3, 3]


# -- ends by force ---------------------------------------------------------------------------

LOOP = """
from autolog import autolog; autolog()
import os, signal, torch
from torch import nn
def main():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(5):
        loss = model(torch.ones(4, 2)).pow(2).mean()
        loss.backward()
        optimizer.step()
        if step == 3:
            {event}
{after}
main()
"""


@pytest.mark.parametrize(
    ("event", "status", "error"),
    [
        ("raise ArithmeticError('diverged')", "failed", "ArithmeticError"),
        ("os.kill(os.getpid(), signal.SIGINT)", "killed", "KeyboardInterrupt"),
        ("model(torch.ones(4, 3))", "failed", "RuntimeError"),
    ],
)
def test_an_end_by_force_is_told(
    program: Callable[..., Any], event: str, status: str, error: str
) -> None:
    done, (found,) = program(LOOP.format(event=event, after=""), code=None)
    assert error in done.stderr
    assert (found.status, found.error.type) == (status, error)
    assert len(found.history("loss")) == 4
    assert "path" in found.models["model"]


def test_an_error_that_is_caught_is_none(program: Callable[..., Any]) -> None:
    source = """
from autolog import autolog; autolog()
import torch
from torch import nn
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(4):
    try:
        loss = nn.functional.cross_entropy(model(torch.ones(4, 2)), torch.full((4,), step % 2))
        loss.backward()
    except IndexError:
        continue
    optimizer.step()
    optimizer.step()
optimizer.step()
print("done")
"""
    done, (found,) = program(source)
    assert done.stdout == "done\n"
    assert found.status == "finished"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_nothing_is_lost_when_the_process_is_killed(program: Callable[..., Any]) -> None:
    event = "os.kill(os.getpid(), signal.SIGKILL)"
    _, (found,) = program(LOOP.format(event=event, after=""), code=-signal.SIGKILL)
    assert found.status in ("lost", "killed")
    assert len(found.history("loss")) == 4
    assert found.params["optimizer"] == "SGD"


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()
