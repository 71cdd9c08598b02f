"""torch: what is kept of a model, with its signature; loaded again here, elsewhere, by MLflow."""

from __future__ import annotations

import copy
import gc
import importlib.util
import pickle
import subprocess
import sys
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


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 3)
        self.outer = nn.Linear(3, 1)

    def forward(self, x: Any, scale: Any = None) -> Any:
        y = self.outer(torch.tanh(self.inner(x)))
        return y if scale is None else (y * scale, scale)


def train(model: Any, *args: Any, steps: int = 3, **kwargs: Any) -> Any:
    """Plain steps; the optimizer, which keeps the run open."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        result = model(*args, **kwargs)
        (result[0] if isinstance(result, tuple) else result).float().pow(2).mean().backward()
        optimizer.step()
    return optimizer


def saved(model: Any, run: Only, *args: Any) -> Any:
    """The model as it is loaded after a training."""
    train(model, *args)
    autolog.disable()
    return autolog.load_model(f"{run().id}/model", trust=True)


# -- the signature ---------------------------------------------------------------------------


def test_the_signature_is_that_of_one_call(run: Only) -> None:
    model = Net()
    train(model, torch.ones(4, 2), scale=torch.ones(4, 1, dtype=torch.float64))
    autolog.disable()
    assert run().models["model"]["signature"] == {
        "inputs": '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", '
        '"shape": [-1, 2]}}, {"name": "scale", "type": "tensor", "tensor-spec": {"dtype": '
        '"float64", "shape": [-1, 1]}}]',
        "outputs": '[{"name": "output_0", "type": "tensor", "tensor-spec": {"dtype": "float64", '
        '"shape": [-1, 1]}}, {"name": "output_1", "type": "tensor", "tensor-spec": {"dtype": '
        '"float64", "shape": [-1, 1]}}]',
        "params": None,
    }


def test_nothing_is_left_on_the_model_while_its_call_is_awaited(run: Only) -> None:
    def state(model: Any) -> Any:
        return {
            name: (type(value), len(value) if hasattr(value, "__len__") else value)
            for part in model.modules()
            for name, value in vars(part).items()
        }

    model = Net()
    before, copied = state(model), pickle.dumps(Net.__call__)
    optimizer = train(model, torch.ones(4, 2), steps=1)
    hooks = torch.nn.modules.module._global_forward_hooks
    assert list(hooks) == ["autolog"]
    assert state(model) == before
    assert state(copy.deepcopy(model)) == before
    assert pickle.dumps(Net.__call__) == copied
    with pytest.raises(RuntimeError):
        model(torch.ones(4, 3))
    with torch.no_grad():
        model(torch.ones(5, 2))
    assert list(hooks) == ["autolog"]
    model(torch.ones(6, 2))
    assert not hooks
    del optimizer
    assert run().tags["signature"] == "float32[-1, 2] -> float32[-1, 1]"


def test_a_call_that_never_comes_is_not_awaited_for_ever(run: Only) -> None:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.outer(model.inner(torch.ones(4, 2))).mean().backward()
        optimizer.step()
    other = nn.Identity()
    for _ in range(2100):
        other(1)
    assert not torch.nn.modules.module._global_forward_hooks
    assert "signature" not in run().tags


def test_disabling_awaits_nothing(uri: str) -> None:
    model = Net()
    train(model, torch.ones(4, 2), steps=1)
    autolog.disable()
    assert not torch.nn.modules.module._global_forward_hooks


# -- what is kept ----------------------------------------------------------------------------


def test_all_kinds_of_weights_come_back_as_they_were(run: Only) -> None:
    model = Net().to(torch.bfloat16)
    model.outer.weight = nn.Parameter(torch.randn(3, 1, dtype=torch.bfloat16).t())
    model.twin = nn.Linear(2, 3)
    model.twin.weight = model.inner.weight
    model.inner.bias.requires_grad_(False)
    model.register_buffer("kept", torch.arange(6).view(2, 3).t())
    model.register_buffer("gone", torch.tensor([True, False]), persistent=False)
    model.settings = {"dropout": 0.1, "sizes": (1, 2), "act": torch.tanh, "type": torch.float16}
    again = saved(model, run, torch.ones(4, 2, dtype=torch.bfloat16))
    assert type(again) is Net
    assert again.settings == model.settings
    assert again.twin.weight is again.inner.weight
    assert list(again.state_dict()) == list(model.state_dict())
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        other = (
            again.get_parameter(name) if isinstance(value, nn.Parameter) else again.get_buffer(name)
        )
        assert other.dtype is value.dtype
        assert other.requires_grad == value.requires_grad
        assert torch.equal(other, value)


class Config:
    """A plain object, such as models are configured by."""

    depth = 3

    def __init__(self, width: int) -> None:
        self.width = width


def test_a_configuration_object_comes_back(run: Only) -> None:
    model = Net()
    model.config = Config(7)
    again = saved(model, run, torch.ones(4, 2))
    assert type(again.config) is Config
    assert (again.config.width, again.config.depth) == (7, 3)


def _meta(model: Any) -> None:
    model.extra = nn.Parameter(torch.empty(3, device="meta"), requires_grad=False)


def _sparse(model: Any) -> None:
    model.extra = nn.Parameter(torch.eye(3).to_sparse(), requires_grad=False)


def _complex(model: Any) -> None:
    model.extra = nn.Parameter(torch.ones(3, dtype=torch.complex128), requires_grad=False)


def _quantised(model: Any) -> None:
    model.register_buffer("extra", torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))


@pytest.mark.parametrize("spoil", [_meta, _sparse, _complex, _quantised])
def test_what_has_no_place_in_the_format_is_told(run: Only, spoil: Any) -> None:
    model = Net()
    spoil(model)
    train(model, torch.ones(4, 2))
    autolog.disable()
    facts = run().models["model"]
    assert "path" not in facts
    assert facts["error"].startswith("ModelNotSerialisable: extra (")


def test_a_model_that_is_too_large_is_told(tmp_path: Path) -> None:
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, max_model_size=1000)
    model = nn.Linear(500, 2)
    train(model, torch.ones(4, 500))
    autolog.disable()
    (run,) = autolog.search_runs(backend=uri)
    assert "max_model_size" in run.models["model"]["error"]


def test_a_class_of_a_function_says_what_to_do(run: Only) -> None:
    class Inner(Net):
        pass

    train(Inner(), torch.ones(4, 2))
    gc.collect()
    with pytest.raises(autolog.errors.UsageError, match="defined in a function"):
        autolog.load_model(f"{run().id}/model", trust=True)


# -- elsewhere -------------------------------------------------------------------------------

SCRIPT = """
import math
from dataclasses import dataclass
import torch
from torch import nn
from torch.nn import functional as F
WIDTH, SCALE = 4, math.sqrt(2)
@dataclass
class Config:
    width: int = WIDTH
class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.linear = nn.Linear(config.width, config.width)
    def forward(self, x):
        return scaled(self.linear(x)) * self.config.width
def scaled(x):
    return F.gelu(x) * SCALE
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, WIDTH)
        self.block = Block(Config())
        self.rnn = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, 10)
    def forward(self, idx):
        return self.head(self.rnn(self.block(self.embedding(idx)))[0])
def main():
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(3):
        idx = torch.randint(0, 10, (8, 5))
        loss = F.cross_entropy(model(idx).view(-1, 10), idx.view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        torch.save(model.eval()(torch.arange(10).view(2, 5)), "out.pt")
print("the program runs")
main()
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that has trained a class of its own, in a folder with its store."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "train.py").write_text(SCRIPT, "utf-8")
    command = [sys.executable, "-m", "autolog", "run", "--backend", "autolog-runs", "train.py"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_a_class_of_the_program_itself_is_loaded_elsewhere(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run,) = autolog.search_runs(backend=script / "autolog-runs")
    model = run.load_model(trust=True)
    assert type(model).__name__ == "Net"
    assert type(model.block.config).__name__ == "Config"
    with torch.no_grad():
        assert torch.equal(model(torch.arange(10).view(2, 5)), torch.load(script / "out.pt"))
    assert capsys.readouterr().out == ""
    program = run.artifact("model/code/autolog_torch/program.py")
    assert "main()" not in program.open().read().decode()


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs MLflow")
def test_mlflow_predicts_the_same_without_us(script: Path) -> None:
    (folder,) = script.glob("autolog-runs/*/artifacts/model")
    source = f"""
import sys
sys.modules["autolog"] = None
import mlflow.pyfunc, numpy, torch
model = mlflow.pyfunc.load_model({str(folder)!r})
found = model.predict(numpy.arange(10).reshape(2, 5))
assert numpy.array_equal(found, torch.load({str(script / "out.pt")!r}).numpy())
assert model.metadata.signature.inputs.inputs[0].shape == (-1, 5)
assert model.metadata.signature.outputs.inputs[0].shape == (-1, 5, 10)
"""
    command = [sys.executable, "-W", "ignore", "-c", source]
    subprocess.run(command, cwd=script, check=True)


def test_nobody_who_is_not_trusted_has_his_program_run(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder,) = script.glob("autolog-runs/*/artifacts/model")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(autolog.errors.UntrustedModel, match=r"__main__\.Net"):
        autolog.load_model(folder)
