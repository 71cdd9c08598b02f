"""The training loss: the tensor that `backward` is called on, by the place where that is."""

from __future__ import annotations

import math
import sys
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch

from autolog.callsite import Site, find_site, user_frame

from . import devices, moves, parts
from .names import loss_of

if TYPE_CHECKING:
    from .scene import Scene
    from .training import Known, Training

Key = tuple[int, int, int]

MOST_PLACES = 64
"""Places of `backward` between two steps that are told apart."""


CLIPPED = "what clip_grad_norm_() gave back"
MOST_VALUES = 64
"""Values of one place without a step that are kept one by one."""


class Pending:
    """What one `backward` was called on since the last step.

    Several calls at one place are one loss in parts: their sum where each part is divided by their
    number, as it is written or in its graph, else their mean. The first alone counts for an
    optimizer that asks for it again (LBFGS).
    """

    __slots__ = (
        "count", "first", "first_parts", "look", "marks", "parts", "place", "share", "total",
        "values",
    )  # fmt: skip

    def __init__(self, place: Place, value: float) -> None:
        self.place = place
        self.first = self.total = value
        self.count = 1
        self.share = 1.0
        self.first_parts: dict[str, float] = {}
        self.parts: dict[str, float] = {}
        self.look = moves.FIRST
        self.marks: moves.Marks | None = None
        self.values: list[float] | None = None

    def divide(self, values: dict[str, float]) -> None:
        """What the loss of the last call is the sum of."""
        if self.count == 1:
            self.first_parts = self.parts = values
        else:
            self.parts = {name: self.parts.get(name, 0.0) + values[name] for name in values}

    def add(self, value: float, tensor: Any) -> None:
        """One more part."""
        if self.values is None:
            self.values = [self.first]
        if len(self.values) < MOST_VALUES:
            self.values.append(value)
        self.total += value
        self.count += 1
        self.share = factor(tensor)

    def value(self, *, again: bool) -> float:
        """The loss of the step; `again` where the optimizer evaluates it several times."""
        if self.count == 1 or again:
            return self.first
        whole = self.place.divided or math.isclose(self.share * self.count, 1.0, rel_tol=1e-6)
        return self.total if whole else self.total / self.count

    def part_values(self, *, again: bool) -> dict[str, float]:
        """The parts by name; of several calls their means, since they are read undivided."""
        if self.count == 1 or again:
            return self.first_parts
        return {name: value / self.count for name, value in self.parts.items()}


def factor(tensor: Any) -> float:
    """The number that a loss was multiplied by last of all: a quarter for `loss / 4`, else 1."""
    head = tensor.grad_fn
    kind = type(head).__name__
    if kind not in ("DivBackward0", "MulBackward0"):
        return 1.0
    try:
        other = head._saved_other
    except (AttributeError, RuntimeError):
        return 1.0
    value = number_in(other) if other is not None else None
    if not value:
        return 1.0
    return 1.0 / value if kind == "DivBackward0" else value


class Place:
    """A `backward` in the program: its name, how its calls go together, the parts of its loss."""

    __slots__ = ("code", "divided", "name", "number", "plan", "site")

    def __init__(self, frame: FrameType, number: int) -> None:
        self.code = frame.f_code  # held, since its id is the key
        self.number = number
        self.site: Site | None = find_site(frame)
        self.name, self.divided = loss_of(self.site.call_text() if self.site is not None else None)
        self.plan = parts.plan(frame, number)


_places: dict[Key, Place] = {}


def place_of(frame: FrameType, number: int) -> tuple[Key, Place]:
    """The place of a call, looked up at next to no cost after the first time."""
    code: CodeType = frame.f_code
    key = (id(code), frame.f_lasti, number)
    place = _places.get(key)
    if place is None:
        if len(_places) > 4096:
            _places.clear()
        place = _places[key] = Place(frame, number)
    return key, place


def noted(scene: Scene, tensors: Any) -> None:
    """Keep what `backward` is about to be called on."""
    pending, unscaled = scene.pending, scene.unscaled
    frame = user_frame(sys._getframe(4))  # two of ours, the hooked function, `Tensor.backward`
    if frame is None:
        return
    for number, tensor in enumerate(tensors if type(tensors) in (list, tuple) else (tensors,)):
        value = unscaled.pop(id(tensor), None) if unscaled else None
        if value is None:
            value = number_in(tensor)
        if value is None:
            if devices.kept(tensor):
                loss = scene.scaled.pop(id(tensor), tensor)
                group = scene.devices.note(*place_of(frame, number), loss)
                if group is not None and group.count > 1:
                    group.share = factor(tensor)
            continue
        key, place = place_of(frame, number)
        known = pending.get(key)
        if known is not None:
            known.add(value, tensor)
        elif len(pending) < MOST_PLACES:
            known = pending[key] = Pending(place, value)
        if place.plan is not None and known is not None:
            known.divide(place.plan.read(frame, tensor, scene.terms or {}, number_in))
        if scene.terms is not None:
            scene.terms_used(place.plan is not None and place.plan.calls)
        if known is not None and known.count >= known.look:
            moves.look(scene, known, tensor)


def number_in(tensor: Any) -> float | None:
    """The one number of a plain tensor in the computer's own memory, else None."""
    kind = type(tensor)
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        return None
    if not tensor.is_cpu or tensor.numel() != 1 or tensor.is_complex():
        return None
    return float(tensor.item())


def record(training: Training, known: Known, pending: dict[Key, Pending], *, again: bool) -> None:
    """Write down the losses of one step, each under its name."""
    step = known.steps
    for key, found in pending.items():
        value = found.first if found.count == 1 else found.value(again=again)
        series = training.losses.get(key)
        if series is None or series.place is not found.place:
            series = training.losses[key] = training.name_loss(found.place, known, series)
        info = None if series.told else series.info(found.place.site)
        series.last = step
        training.run.point(series.key, value, step, info)
        if not math.isfinite(value):
            training.not_finite(series.key, value, step)
        if found.parts:
            parts.record(training, found.place, found.part_values(again=again), step)
    pending.clear()


def late(groups: list[devices.Group]) -> None:
    """Write down losses that were on a device, each with the step that it was made in."""
    for group in groups:
        training = group.training() if group.training is not None else None
        if training is None or group.known is None or training.over:
            continue
        found = Pending(group.place, group.values[0])
        found.total, found.count = sum(group.values), len(group.values)
        found.share = group.share
        value = found.value(again=group.again)
        series = training.losses.get(group.key)
        if series is None or series.place is not group.place:
            series = training.name_loss(group.place, group.known, series)
            training.losses[group.key] = series
        info = None if series.told else series.info(group.place.site)
        series.last = group.step
        training.run.point(series.key, value, group.step, info)
        if not math.isfinite(value):
            training.not_finite(series.key, value, group.step)


def replay(training: Training, known: Known, scene: Scene, found: Pending) -> None:
    """Write down the steps of one place that were made before their training was known.

    The newest is left pending. Gradients were clipped after each, if as often as that.
    """
    key = next(key for key, one in scene.pending.items() if one is found)
    values = found.values or [found.first]
    norms, scene.norms = scene.norms, []
    for number, value in enumerate(values[:-1]):
        known.steps += 1
        record(training, known, {key: Pending(found.place, value)}, again=False)
        if len(norms) == len(values) - 1:
            norm = norms[number].value
            training.point(f"{known.prefix}grad_norm", norm, known.steps, CLIPPED)
    scene.pending.clear()
    scene.pending[key] = Pending(found.place, values[-1])


class Series:
    """One series of a run: its key, and the last step and value that it has.

    Of a training loss the value is not kept.
    """

    __slots__ = ("key", "last", "of_losses", "optimizer", "place", "rule", "told", "value")

    def __init__(self, key: str, rule: str, of_losses: bool = False) -> None:
        self.key = key
        self.of_losses = of_losses
        self.rule = rule
        self.last = 0
        self.value: float | None = None
        self.told = False
        self.place: Place | None = None
        self.optimizer: Known | None = None

    def info(self, site: Site | None) -> dict[str, Any]:
        """How its points are known; told with the first one."""
        self.told = True
        place = {} if site is None else {"call": site.call_text(), "site": str(site)}
        return {"unit": "optimizer step", "rule": self.rule, **place}
