"""How long a loop over the training data took, and how many samples a second went through it."""

from __future__ import annotations

from types import FrameType
from typing import Any

from . import sources
from .contents import length_of
from .loaders import Loop
from .training import Training

TIMED = "seconds of a loop over the loader in which steps were made"
RATED = "samples of the loader by epoch_time"


def ended(training: Training, loop: Loop, frame: FrameType, now: float) -> None:
    """A loop is over; one number each, for a loop in which steps were made."""
    if not loop.steps or loop.began is None:
        return
    seconds, loop.began = now - loop.began, None
    training.point("epoch_time", seconds, training.step, TIMED)
    rows = _rows(loop.loader())
    whole = sources.loop_at(frame)[1] is not None  # not left by `break`
    if rows and whole and seconds > 0:
        training.point("samples_per_second", rows / seconds, training.step, RATED)


def _rows(loader: Any) -> int | None:
    """The samples of one whole pass, as far as torch's own samplers say."""
    sampler, size = getattr(loader, "sampler", None), getattr(loader, "batch_size", None)
    if not type(sampler).__module__.startswith("torch.") or not isinstance(size, int):
        return None
    rows = length_of(sampler)
    return None if rows is None else rows - rows % size if loader.drop_last else rows
