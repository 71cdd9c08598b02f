"""Evaluation: losses that need no gradient are a pass over data, told apart and named."""

from __future__ import annotations

import math
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from autolog.callsite import find_site

from . import reckoning, sources
from .arithmetic import Result
from .losses import number_in, user_frame
from .names import part_of

if TYPE_CHECKING:
    from .scene import Scene
    from .training import Training

CALLED = "_call_impl"
"""The function of torch's modules through which each of them is called."""
LABELS = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


class Pass:
    """One pass of an evaluation over data.

    Attributes:
        key: Of two passes that may follow each other, what differs.
        means, weighted: Sums of the batches' losses, and of those by samples.
        right, judged: How many predictions were right, of how many.
        told, keys: Numbers that the program itself reckoned of it, and their names.
        foreseen: What the program reckons of it, if the batch so far was its last.
    """

    def __init__(self, key: Any, frame: FrameType, loop: Any) -> None:
        self.key = key
        self.site = find_site(frame)
        self.name = sources.part(frame, loop.name if loop is not None else "")
        self.told: list[float] = []
        self.keys: set[str] = set()
        self.foreseen: list[Result] = []
        self.batches = 0
        self.samples = 0
        self.means = 0.0
        self.weighted = 0.0
        self.right = 0
        self.judged = 0
        self.function = ""


def owner(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the program that stands outside of all calls of modules."""
    found = user_frame(frame)
    while frame is not None:
        if frame.f_code.co_name == CALLED and found is not None:
            found = user_frame(frame)
        frame = frame.f_back
    return found


def evaluated(scene: Scene, name: str, args: Any, kwargs: Any, result: Any) -> None:
    """A loss function was called whose result needs no gradient."""
    frame = owner(sys._getframe(2))
    value = number_in(result)
    if frame is None or value is None:
        return
    caller = user_frame(frame.f_back)
    key = (
        id(frame.f_code),
        None if caller is None else (id(caller.f_code), caller.f_lasti),
        scene.loop.number if scene.loop is not None else 0,
        scene.evaluating,
        sources.phase(frame),
    )
    current = scene.evaluation
    if current is None or current.key != key:
        close(scene)
        current = scene.evaluation = Pass(key, frame, scene.loop)
    _add(current, name, args, kwargs, value)
    if scene.loop is None or scene.loop.over:
        current.foreseen = reckoning.foreseen(frame, value)


def _add(current: Pass, name: str, args: Any, kwargs: Any, value: float) -> None:
    target = args[1] if len(args) > 1 else kwargs.get("target")
    count = _rows(target) or 1
    current.batches += 1
    current.samples += count
    summed = _reduction(args, kwargs) == "sum"
    current.means += value / count if summed else value
    current.weighted += value if summed else value * count
    current.function = name
    scores = args[0] if args else kwargs.get("input")
    if name in LABELS:
        _count_right(current, scores, target)
    elif name in BINARY:
        _count_binary(current, scores, target, 0.5 if name == BINARY[0] else 0.0)


def _rows(tensor: Any) -> int:
    return int(tensor.shape[0]) if getattr(tensor, "ndim", 0) else 0


def _reduction(args: Any, kwargs: Any) -> Any:
    if "reduction" in kwargs:
        return kwargs["reduction"]
    return next((one for one in args[2:] if isinstance(one, str)), "mean")


def _plain(*tensors: Any) -> bool:
    return all(type(t) is torch.Tensor and t.device.type == "cpu" for t in tensors)


def _count_right(current: Pass, scores: Any, target: Any) -> None:
    if not _plain(scores, target) or target.dtype is not torch.int64 or scores.ndim < 2:
        return
    if target.shape != scores.shape[:1] + scores.shape[2:]:
        return
    guessed = scores.detach().argmax(1)
    known = target != -100
    current.right += int(((guessed == target) & known).sum())
    current.judged += int(known.sum())


def _count_binary(current: Pass, scores: Any, target: Any, cut: float) -> None:
    if not _plain(scores, target) or scores.shape != target.shape:
        return
    if scores.numel() != scores.shape[0]:
        return
    current.right += int(((scores.detach() > cut) == (target > 0.5)).sum())
    current.judged += scores.numel()


def close(scene: Scene) -> None:
    """The pass is over: write down what it came to, if there is a training that it judges."""
    current, scene.evaluation = scene.evaluation, None
    training = scene.training
    if current is None or training is None or training.over:
        return
    training.evaluated = True
    part = current.name or "eval"
    for result in current.foreseen:
        key = result.name if part_of(result.name) else f"{part}_{result.name}"
        current.told.append(result.value)
        current.keys.add(key)
        training.point(key, result.value, training.step, f"as reckoned: {result.text}")
    _write(training, part, current)


def _write(training: Training, part: str, current: Pass) -> None:
    """The pass's own numbers: the loss as the program takes its mean, if that is seen."""
    rule = f"{current.function} of {current.batches} batches without gradient"
    weighted, mean = current.weighted / current.samples, current.means / current.batches
    if _close(mean, weighted):
        _point(training, current, f"{part}_loss", weighted, rule)
    elif any(_close(mean, one) for one in current.told):
        _point(training, current, f"{part}_loss", mean, f"{rule}, mean by batch")
    else:
        _point(training, current, f"{part}_loss", weighted, f"{rule}, mean by sample")
        if not any(_close(weighted, one) for one in current.told):
            _point(training, current, f"{part}_loss_batch_mean", mean, f"{rule}, mean by batch")
    if current.judged:
        accuracy = current.right / current.judged
        _point(training, current, f"{part}_accuracy", accuracy, f"argmax in {rule}")


def _point(training: Training, current: Pass, key: str, value: float, rule: str) -> None:
    if key not in current.keys:
        training.point(key, value, training.step, rule, current.site)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
