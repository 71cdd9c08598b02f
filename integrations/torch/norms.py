"""The norm of the gradients, as `clip_grad_norm_` gave it back."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

from .losses import CLIPPED, MOST_PLACES

if TYPE_CHECKING:
    from .scene import Scene
    from .training import Known, Training


class Norm(NamedTuple):
    """What one call gave back; `after` counts the calls of `backward` since the last step."""

    value: float
    place: tuple[int, int]
    after: int


def noted(scene: Scene, value: float, frame: FrameType | None) -> None:
    """Gradients were clipped by a call of the program's `frame`."""
    if len(scene.norms) < MOST_PLACES:
        place = (0, 0) if frame is None else (id(frame.f_code), frame.f_lasti)
        scene.norms.append(Norm(value, place, sum(one.count for one in scene.pending.values())))


def record(training: Training, scene: Scene, known: Known) -> None:
    """Write down the norms of the step; where a place clips while gradients accumulate the last."""
    last = {norm.place: norm.after for norm in scene.norms}
    norms = [norm.value for norm in scene.norms if norm.after == last[norm.place]]
    for i, value in enumerate(norms):
        key = f"{known.prefix}grad_norm" + (f"_{i + 1}" if i else "")
        training.point(key, value, known.steps, CLIPPED)
    scene.norms.clear()
