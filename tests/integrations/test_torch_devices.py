"""torch: losses that stay on a device until they can be read; here on the CPU, made to wait."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

import autolog
from autolog.view import RunView

torch = pytest.importorskip("torch", reason="torch is not installed")
Only = Callable[[], RunView]


class Event:
    """What a device gives: not done before it is let, unless somebody waits for it."""

    made: ClassVar[list[Event]] = []
    waited: ClassVar[int] = 0

    def __init__(self, device: Any) -> None:
        self.done = False
        Event.made.append(self)

    def query(self) -> bool:
        return self.done

    def synchronize(self) -> None:
        Event.waited += 1
        self.done = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Values in the computer's own memory are treated as those of a device."""
    from autolog.integrations.torch import devices, losses

    Event.made, Event.waited = [], 0
    read = losses.number_in
    monkeypatch.setattr(losses, "number_in", lambda t: None if t.requires_grad else read(t))
    monkeypatch.setattr(devices, "_event", Event)
    monkeypatch.setattr(devices, "SLOTS", 8)
    monkeypatch.setattr(devices, "PATIENCE", 1e9)
    yield devices
    autolog.disable()
    gc.collect()


def train(steps: int, parts: int = 1) -> tuple[Any, list[float]]:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    for step in range(steps):
        optimizer.zero_grad()
        whole = 0.0
        for part in range(parts):
            loss = model(torch.full((3, 2), float(step + part))).pow(2).mean() / parts
            whole += loss.item()
            loss.backward()
        optimizer.step()
        seen.append(whole)
    return model, seen


def recorded(run: RunView) -> list[float]:
    return [point.value for point in run.history("loss")]


def test_values_are_read_when_they_are_there(device: Any, run: Only) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []

    def step() -> None:
        loss = model(torch.ones(3, 2)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())

    for _ in range(12):
        step()
    (event,) = Event.made
    assert "loss" not in run().series
    event.done = True
    step()
    assert recorded(run()) == seen[:8]
    assert Event.waited == 0
    autolog.disable()
    assert recorded(run()) == seen
    assert [point.step for point in run().history("loss")] == list(range(1, 14))
    assert Event.waited == 1


def test_parts_of_a_step_that_come_apart_are_one_loss(device: Any, run: Only) -> None:
    model, seen = train(5, parts=3)
    autolog.disable()
    assert recorded(run()) == pytest.approx(seen, rel=1e-6)
    del model


def test_a_few_values_do_not_wait_for_many(
    device: Any, run: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PATIENCE", 0.0)
    monkeypatch.setattr(device, "_event", lambda device: None)
    model, seen = train(3)
    assert recorded(run()) == seen
    del model


def test_a_scaled_loss_is_kept_unscaled(device: Any, run: Only) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    seen = []
    for _ in range(3):
        loss = model(torch.ones(3, 2)).pow(2).mean()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append(loss.item())
    autolog.disable()
    assert recorded(run()) == seen
