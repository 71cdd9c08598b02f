"""torch: the parts that a loss is the sum of, and other numbers of the program's own."""

from __future__ import annotations

import builtins
import gc
import logging
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


# -- weights that are updated by hand --------------------------------------------------------


def backwards(model: Any, count: int, update: Callable[[Any], None] | None = None) -> list[float]:
    losses = []
    for _ in range(count):
        loss = F.mse_loss(model(X), y)
        loss.backward()
        losses.append(loss.item())
        if update is not None:
            for p in model.parameters():
                update(p)
    return losses


def descend(p: Any) -> None:
    lr = 0.1
    p.data -= lr * p.grad
    p.grad = None


def test_a_run_by_hand_has_its_first_steps(run: Only) -> None:
    model = nn.Linear(2, 1)
    losses = backwards(model, 9, descend)
    found = run()
    assert history(found, "loss") == losses
    assert found.params["optimizer"] == "by hand"
    losses += backwards(model, 3, descend)
    assert history(run(), "loss") == losses


def test_an_optimizer_goes_on_after_a_training_by_hand(runs: Callable[[], list[RunView]]) -> None:
    model = nn.Linear(2, 1)
    first = backwards(model, 8, descend)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    (second,) = backwards(model, 1)
    optimizer.step()
    assert [one for run in runs() for one in history(run, "loss")][:9] == [*first, second]


def test_gradients_that_change_no_weight_are_no_training(
    runs: Callable[[], list[RunView]],
) -> None:
    model, optimizer = begun()
    backwards(model, 40)
    assert runs() == []
    optimizer.step()
    assert [run.series["loss"].count for run in runs()] == [1]


def test_tensors_of_no_module_are_no_training_by_hand(runs: Callable[[], list[RunView]]) -> None:
    weight = torch.zeros(2, 1, requires_grad=True)
    backwards_of(weight)
    backwards_of(nn.Parameter(torch.zeros(2, 1)))
    assert runs() == []


def backwards_of(weight: Any) -> None:
    for _ in range(20):
        loss = F.mse_loss(X @ weight, y)
        loss.backward()
        descend(weight)


def test_what_a_loop_without_a_loader_comes_to_is_foreseen(run: Only) -> None:
    model, optimizer = begun()

    def judge(model: Any) -> float:
        total = 0.0
        with torch.no_grad():
            for i in range(0, 16, 4):
                loss = F.mse_loss(model(X[i : i + 4]), y[i : i + 4])
                total += 4 * loss.item()
        return total / 15

    values = []
    for _ in range(3):
        loss = F.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        val_loss = judge(model)
        values.append(val_loss)
    del optimizer, model, loss
    gc.collect()
    assert history(run(), "val_loss") == pytest.approx(values, rel=1e-12)


# -- what the program shows ------------------------------------------------------------------


def test_what_is_shown_is_recorded_on_request_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = builtins.print, logging.Logger.handle
    for asked in (False, True):
        name = f"memory:{tmp_path}/{asked}"
        autolog.autolog(name, torch={"reports": asked})
        model, optimizer = begun()
        for epoch in range(2):
            F.mse_loss(model(X), y).backward()
            optimizer.step()
            print(f"Epoch {epoch} train loss: {0.5 + epoch:.4f}, acc={0.25} lr", 1e-3)
            logging.getLogger("mine").error("val_loss %.2f of %s", 0.125, "x")
        autolog.disable()
        (found,) = autolog.search_runs(backend=name)
        shown = {key for key in found.series if key.startswith("reported")}
        if not asked:
            assert shown == set()
            continue
        assert history(found, "reported_train_loss") == [0.5, 1.5]
        assert history(found, "reported_val_loss") == [0.12, 0.12]
        assert found.metrics["reported_acc"] == 0.25
        assert found.series["reported_acc"].info["link"] == "probable"
        sites = [found.series[f"reported_{key}"].info["site"] for key in ("acc", "val_loss")]
        assert [Path(site.partition(":")[0]).name for site in sites] == [
            "test_torch_numbers.py"
        ] * 2
    assert builtins.print is before[0]
    assert logging.Logger.handle is before[1]
    assert capsys.readouterr().out.count("train loss: 1.5000, acc=0.25 lr 0.001") == 2


@pytest.fixture(autouse=True)
def _no_models_left() -> Iterator[None]:
    yield
    autolog.disable()
    gc.collect()
