"""torch: the weights that a program goes back to, and those that are kept on request."""

from __future__ import annotations

import copy
import gc
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
nn, F = torch.nn, torch.nn.functional
Only = Callable[[], RunView]
pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.linspace(-1, 1, 32).view(16, 2)
y = X.sum(1, keepdim=True)
LOSSES = [0.5, 0.2, 0.4, 0.3]
"""What the held-out data are said to cost after each epoch: best in the second."""


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()


def copies(model: Any) -> Any:
    return copy.deepcopy(model.state_dict())


def clones(model: Any) -> Any:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def files(model: Any) -> Any:
    stream = io.BytesIO()
    torch.save(model.state_dict(), stream)
    return stream


def train(model: Any, keep: Any) -> Any:
    """Four epochs of two steps; the best weights, as `keep` kept them."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    best_loss, kept = 1.0, None
    for epoch in range(4):
        for _ in range(2):
            loss = F.mse_loss(model(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss = LOSSES[epoch]
        if val_loss < best_loss:
            best_loss = val_loss
            kept = keep(model)
    if isinstance(kept, io.BytesIO):
        kept.seek(0)
        kept = torch.load(kept)
    return kept, optimizer


@pytest.mark.parametrize("keep", [copies, clones, files])
def test_the_model_ends_with_the_weights_that_were_best(run: Only, keep: Any) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    kept, optimizer = train(model, keep)
    model.load_state_dict(kept)
    autolog.disable()
    found = run()
    assert found.metrics["best_step"] == 4
    assert found.metrics["best_val_loss"] == 0.2
    best = found.load_model("best")
    assert all(torch.equal(value, kept[name]) for name, value in best.state_dict().items())
    assert found.models["best"]["path"] == found.models["model"]["path"] == "model"
    del optimizer


def test_weights_that_were_trained_further_are_not_the_best(run: Only) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    kept, optimizer = train(model, copies)
    model.load_state_dict(kept)
    F.mse_loss(model(X), y).backward()
    optimizer.step()
    autolog.disable()
    assert list(run().models) == ["model"]
    assert "best_step" not in run().metrics


def test_the_best_is_kept_on_request(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, torch={"checkpoint": "best:val_loss", "copies": True})
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.9)
    states, losses = [], []
    for epoch in range(5):
        for group in optimizer.param_groups:
            group["lr"] = 0.3 if epoch < 3 else -0.5  # gets worse
        F.mse_loss(model(X), y).backward()
        optimizer.step()
        optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            val_loss = F.mse_loss(model(X), y)
        states.append(copies(model))
        losses.append(val_loss.item())
        model.train()
    torch.save(model.state_dict(), tmp_path / "last.pt")
    autolog.disable()
    (run,) = autolog.search_runs(backend=uri)
    at = losses.index(min(losses))
    assert 0 < at < 4
    assert run.metrics["checkpoint_val_loss"] == losses[at]
    assert run.metrics["checkpoint_step"] == at + 1
    best = run.load_model("best")
    assert all(torch.equal(v, states[at][name]) for name, v in best.state_dict().items())
    with run.artifact("checkpoints/5/last.pt").open() as copied:
        assert copied.read() == (tmp_path / "last.pt").read_bytes()


def test_a_checkpoint_of_another_form_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    autolog.autolog(f"memory:{tmp_path}", torch={"checkpoint": "last"})
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    F.mse_loss(model(X), y).backward()
    optimizer.step()
    assert "best:<metric>" in capsys.readouterr().err


def test_an_exported_model_needs_none_of_its_classes(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, torch={"export": True})
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        F.mse_loss(model(X), y).backward()
        optimizer.step()
    state = torch.get_rng_state()
    autolog.disable()
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(part.training for part in model)
    (run,) = autolog.search_runs(backend=uri)
    assert "not_exported" not in run.tags
    with run.artifact("exported.pt2").open() as stream:
        program = torch.export.load(io.BytesIO(stream.read())).module()
    assert torch.equal(program(X[:5]), model.eval()(X[:5]))
