"""torch: the parts that a loss is the sum of, and other numbers of the program's own."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
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


def begun() -> tuple[Any, Any]:
    model = nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def history(run: RunView, key: str) -> list[Any]:
    return [point.value for point in run.history(key)]


# -- parts of a loss -------------------------------------------------------------------------


def test_parts_are_means_where_gradients_are_accumulated(run: Only) -> None:
    model, optimizer = begun()
    fits, sizes = [], []
    for half in (slice(0, 8), slice(8, 16)):
        fit = F.mse_loss(model(X[half]), y[half])
        size = model.weight.abs().sum()
        total = (fit + 0.01 * size) / 2
        total.backward()
        fits.append(fit.item())
        sizes.append(size.item())
    optimizer.step()
    found = run()
    assert history(found, "fit") == [pytest.approx(sum(fits) / 2)]
    assert history(found, "size") == [pytest.approx(sum(sizes) / 2)]
    assert "a part of the loss" in found.series["fit"].info["rule"]


def test_what_is_added_in_place_does_not_change_the_part_before_it(run: Only) -> None:
    model, optimizer = begun()
    seen: dict[str, list[float]] = {"fit": [], "size": []}
    for _ in range(3):
        optimizer.zero_grad()
        fit = F.mse_loss(model(X), y)
        seen["fit"].append(fit.item())
        seen["size"].append(model.weight.norm().item())
        loss = fit
        loss += 0.5 * size_of(model)
        loss.backward()
        optimizer.step()
    found = run()
    assert history(found, "fit") == seen["fit"]
    assert history(found, "size_of") == pytest.approx(seen["size"], rel=1e-5)
    assert found.series["size_of"].info["rule"] == "what loss is without fit"


def size_of(model: Any) -> Any:
    return model.weight.norm()


class Judge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = 0.5
        self.fit = nn.MSELoss()

    def forward(self, outputs: Any, targets: Any) -> Any:
        misfit = self.fit(outputs, targets)
        roughness = (outputs[1:] - outputs[:-1]).abs().mean()
        return misfit + self.weight * roughness


def test_parts_inside_a_criterion_follow_its_own_weight(run: Only) -> None:
    model, optimizer = begun()
    criterion, rough = Judge(), []
    for step in range(3):
        criterion.weight = 0.5 + step
        outputs = model(X)
        rough.append((outputs[1:] - outputs[:-1]).abs().mean().item())
        loss = criterion(outputs, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert history(run(), "roughness") == pytest.approx(rough, rel=1e-4)


def test_a_sum_that_cannot_be_told_has_no_parts(run: Only) -> None:
    model, optimizer = begun()
    fit, other = torch.tensor(5.0), torch.tensor(7.0)
    for turn in range(2):
        loss = F.mse_loss(model(X), y)
        if turn > 5:
            loss = fit + other
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert set(run().series) == {"loss", "lr"}


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()
