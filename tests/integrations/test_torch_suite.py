"""The integration of torch keeps every promise of the suite, with no exception."""

from __future__ import annotations

import importlib.util
import multiprocessing.spawn
import tempfile
import warnings
from typing import Any

import pytest

from autolog.testing import IntegrationSuite

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)


def network(torch: Any) -> Any:
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))


def samples(torch: Any, seed: int) -> Any:
    made = torch.Generator().manual_seed(seed)
    data = torch.randn(48, 4, generator=made)
    return data, data[:, :3].argmax(1)


class TestTorch(IntegrationSuite):
    """Two epochs over a loader with an evaluation after each."""

    library = "torch"

    def train(self) -> Any:
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        warnings.warn("a training begins", stacklevel=2)
        torch.manual_seed(0)
        data, labels = samples(torch, 0)
        model = network(torch)
        with torch.no_grad():
            for i, parameter in enumerate(model.parameters()):
                parameter.copy_(torch.linspace(-0.5, 0.5 + i, parameter.numel()).view_as(parameter))
        loader = DataLoader(TensorDataset(data, labels), batch_size=16)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
        losses = []
        for _ in range(2):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            model.eval()
            with torch.no_grad():
                losses.append(torch.nn.CrossEntropyLoss()(model(data), labels).item())
            schedule.step()
        multiprocessing.spawn.get_preparation_data("a child")
        with tempfile.TemporaryDirectory() as folder:
            torch.save(model.state_dict(), f"{folder}/model.pt")
            model.load_state_dict(torch.load(f"{folder}/model.pt"))
        return losses, [p.detach().numpy() for p in model.parameters()]

    def train_badly(self) -> Any:
        import torch

        data, labels = samples(torch, 1)
        model = network(torch)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            optimizer.zero_grad()
            outputs = model(data)
            loss = torch.nn.functional.cross_entropy(outputs, labels[:-step] if step else labels)
            loss.backward()
            optimizer.step()

    def targets(self) -> Any:
        import torch
        from torch.nn import functional
        from torch.utils.data import DataLoader

        names = ("cross_entropy", "mse_loss", "nll_loss", "binary_cross_entropy_with_logits")
        return [
            (torch.optim.Optimizer, "__init__"),
            (DataLoader, "__iter__"),
            (torch.autograd, "backward"),
            (torch.nn.Module, "eval"),
            (torch.nn.Module, "load_state_dict"),
            (torch.nn.utils.clip_grad, "clip_grad_norm_"),
            (torch.amp.GradScaler, "scale"),
            (torch.optim.lr_scheduler.StepLR, "__init__"),
            (torch.serialization, "save"),
            (torch.serialization, "load"),
            *((functional, name) for name in names),
        ]

    def state(self) -> Any:
        import torch

        return torch.get_rng_state().numpy().tobytes(), torch.is_grad_enabled()
