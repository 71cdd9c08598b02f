"""Evaluation: losses that need no gradient are a pass over data, told apart and named."""

from __future__ import annotations

import math
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from autolog.callsite import find_site, user_frame

from . import readings, reckoning, sources
from .arithmetic import Result
from .frames import users
from .losses import number_in
from .names import part_of
from .turns import spans

try:
    from numpy import count_nonzero
except ImportError:  # torch works without numpy

    def count_nonzero(right: Any) -> Any:  # type: ignore[no-redef]
        """How many elements of a tensor are true."""
        return right.sum()


if TYPE_CHECKING:
    from .scene import Scene
    from .training import Training

CALLED = "_call_impl"
"""The function of torch's modules through which each of them is called."""
RECKONED = "as reckoned"
LABELS = ("cross_entropy", "nll_loss")
NUMPY_KNOWS = (torch.float32, torch.float64)
MOST_EARLY = 8
"""Passes before a training that are remembered."""
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


class Pass:
    """One pass of an evaluation over data.

    Attributes:
        key: Of two passes that may follow each other, what differs.
        called: The code, by `id`, and the line from which the pass's function was called.
        rounds: The loops that it is made in, if no training has begun yet.
        means, weighted: Sums of the batches' losses, and of those by samples.
        right, judged: How many predictions were right, of how many.
        told, keys: Numbers that the program itself reckoned of it, and their names.
        foreseen: What the program reckons of it, if the batch so far was its last.
    """

    def __init__(self, key: Any, frame: FrameType, loop: Any) -> None:
        self.key = key
        self.called = (0, 0)
        self.rounds: set[tuple[int, int]] = set()
        self.site = find_site(frame)
        name, self.sure = sources.part(frame, loop.name if loop is not None else "")
        copy = sources.copy_of(frame)
        self.name = f"{copy}_{name or 'eval'}" if copy else name
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

    def part(self) -> str:
        """What its numbers begin with: what the program calls its results says more than that the
        pass is made in a function `train`.
        """
        parts = {part_of(one.name) for one in self.foreseen} - {""}
        return parts.pop() if len(parts) == 1 and not self.sure else self.name or "eval"


def owner(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the program that stands outside of all calls of modules."""
    called = None
    inner = frame
    while frame is not None:
        if frame.f_code.co_name == CALLED:
            called = frame
        frame = frame.f_back
    return user_frame(inner if called is None else called)


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
        if caller is not None:
            current.called = id(caller.f_code), caller.f_lineno
        if scene.training is None or scene.training.over:
            current.rounds = {
                (id(one.f_code), span[0]) for one in users(frame) for span in spans(one)
            }
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
        ignored = args[4] if len(args) > 4 else kwargs.get("ignore_index", -100)
        _count_right(current, scores, target, ignored)
    elif name in BINARY:
        _count_binary(current, scores, target, 0.5 if name == BINARY[0] else 0.0)


def _rows(tensor: Any) -> int:
    return int(tensor.shape[0]) if getattr(tensor, "ndim", 0) else 0


def _reduction(args: Any, kwargs: Any) -> Any:
    if "reduction" in kwargs:
        return kwargs["reduction"]
    return next((one for one in args[2:] if type(one) is str), "mean") if args[2:] else "mean"


def _plain(tensor: Any) -> bool:
    return type(tensor) is torch.Tensor and tensor.is_cpu


def _count_right(current: Pass, scores: Any, target: Any, ignored: int) -> None:
    """Compare the greatest score with the label, but for labels that the loss ignores.

    In numpy, whose small operations cost a fraction of torch's. The loss has seen to the shapes.
    """
    if not (_plain(scores) and _plain(target)) or target.dtype is not torch.int64:
        return
    if scores.ndim < 2 or not scores.dtype.is_floating_point or not target.numel():
        return
    if scores.requires_grad or scores.dtype not in NUMPY_KNOWS:
        scores = scores.detach().to(torch.float64)
    scores, labels = _arrays(scores), _arrays(target)
    right = scores.argmax(1) == labels
    skipped = labels == ignored
    if ignored >= 0:
        right &= ~skipped
    current.right += int(count_nonzero(right))
    current.judged += target.numel() - int(count_nonzero(skipped))


def _arrays(tensor: Any) -> Any:
    return tensor.numpy() if count_nonzero.__module__ == "numpy" else tensor


def _count_binary(current: Pass, scores: Any, target: Any, cut: float) -> None:
    if not (_plain(scores) and _plain(target)) or scores.shape != target.shape:
        return
    if scores.numel() != scores.shape[0]:
        return
    current.right += int(((scores.detach() > cut) == (target > 0.5)).sum())
    current.judged += scores.numel()


def close(scene: Scene) -> None:
    """The pass is over: write down what it came to, if there is a training that it judges."""
    current, scene.evaluation = scene.evaluation, None
    training = scene.training
    if current is None:
        return
    if training is None or training.over:
        scene.early = [*scene.early, current][-MOST_EARLY:]
        return
    training.evaluated = True
    _tell(training, current)


def begun(scene: Scene, training: Training) -> None:
    """A training has begun: what was judged before, in a loop that goes round it, is of step 0."""
    early, scene.early = scene.early, []
    for current in early:
        if current.rounds & training.rounds:
            _tell(training, current)


def _tell(training: Training, current: Pass) -> None:
    part = current.part()
    for result in current.foreseen:
        key = result.name if part_of(result.name) else f"{part}_{result.name}"
        current.told.append(result.value)
        current.keys.add(key)
        if not _is_known(training, key):
            training.point(key, result.value, training.step, f"{RECKONED}: {result.text}")
    _write(training, part, current)


def close_if_left(scene: Scene, frame: FrameType | None) -> None:
    """End the pass that has been left by now, as the frames round `frame` tell.

    It is not, as long as its function is under way, or a loop in which that is called.
    """
    current, training = scene.evaluation, scene.training
    if current is None or training is None:
        return
    code, line = current.called
    for one in users(frame):
        if id(one.f_code) == current.key[0]:
            return
        if id(one.f_code) == code:
            loops = (span for span in spans(one) if span[0] < line <= span[1])
            if any((code, first) not in training.rounds for first, _ in loops):
                return
    close(scene)


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
    if key not in current.keys and not _is_read(training, key):
        training.point(key, value, training.step, rule, current.site)


def _is_read(training: Training, key: str) -> bool:
    """Whether the program's variable of that name is what the series is made of."""
    series = training.series.get(key)
    return series is not None and series.rule == readings.RULE


def _is_known(training: Training, key: str) -> bool:
    """Whether a series has its points in another way than by the arithmetic after a loop."""
    series = training.series.get(key)
    return series is not None and not series.rule.startswith(RECKONED)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
