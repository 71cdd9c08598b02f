"""The best weights: those that the program itself keeps and comes back to, or, on request, ours.

`best = copy.deepcopy(model.state_dict())`, later `model.load_state_dict(best)`: whenever the
program asks for the weights, a few of their values are noted with the step; weights that it gives
back are known by them, however they were copied or stored meanwhile.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from autolog.errors import UsageError

from . import sources, weights
from .frames import users, variables
from .losses import number_in
from .owners import unwrapped

if TYPE_CHECKING:
    from .training import Training

Marks = tuple[tuple[str, tuple[float, ...]], ...]

MOST = 1000
CALLERS = 4
"""Functions outwards in which the comparison is sought that led to the weights being kept."""
TENSORS, VALUES = 8, 8
"""Of the last tensors of a state so many are noted, with so many of their values."""
UP = re.compile(r"acc|auc|precision|recall|f1|f_beta|iou|dice|map|psnr|ssim|bleu|r2|score|reward")


class Moment(NamedTuple):
    """When the program asked for the weights, and what it compared then."""

    step: int
    epoch: int
    monitored: tuple[tuple[str, float], ...]


class States:
    """What the program has asked for and been given back, of one training.

    Attributes:
        restored: When the weights were asked for that the model has been given last.
        version: Of the training's last parameter since then.
    """

    def __init__(self) -> None:
        self._asked: dict[Marks, Moment] = {}
        self.restored: Moment | None = None
        self.version = 0

    def asked(self, training: Training, state: Any, frame: FrameType | None) -> None:
        """The program has asked for the weights of a model."""
        marks = _marks(state)
        if marks and len(self._asked) < MOST:
            found = (list(_compared(one)) for one in islice(users(frame), CALLERS))
            monitored = tuple(next((one for one in found if one), ()))
            self._asked.setdefault(marks, Moment(training.step, training.epoch, monitored))

    def given(self, training: Training, state: Any) -> None:
        """A model was given weights."""
        self.restored = self._asked.get(_marks(state)) if isinstance(state, Mapping) else None
        last = training.parameter() if training.parameter is not None else None
        self.version = last._version if last is not None else 0

    def best(self, training: Training) -> Moment | None:
        """Whose weights the model still has, where the program went back to earlier ones."""
        last = training.parameter() if training.parameter is not None else None
        same = last is None or last._version == self.version
        return self.restored if same else None


def asked(training: Training | None, args: Any, kwargs: Any, state: Any, frame: Any) -> None:
    """`state_dict()` has been called, for the whole of a model of the training."""
    if training is not None and not training.over and trains(training, args[0]):
        training.states.asked(training, state, frame)


def given(training: Training | None, args: Any, kwargs: Any) -> None:
    """`load_state_dict()` has been called."""
    if training is not None and not training.over and trains(training, args[0]):
        training.states.given(training, args[1] if len(args) > 1 else kwargs.get("state_dict"))


def trains(training: Training, module: Any) -> bool:
    """Whether a module is one of a training's models, or stands in one of torch's wrappers."""
    roots = [root() for root in training.roots]
    return any(module is root or module is unwrapped(root) for root in roots if root is not None)


def tell(training: Training, moment: Moment) -> None:
    """Say when the weights were the model's that it has ended with."""
    rule = "the program gave the model back the weights that it had asked for then"
    training.point("best_step", moment.step, training.step, rule)
    if moment.epoch:
        training.point("best_epoch", moment.epoch, training.step, rule)
    for name, value in moment.monitored:
        training.point(f"best_{name}", value, training.step, f"compared where {name} was best")


def _marks(state: Any) -> Marks:
    found = []
    for name, tensor in reversed(state.items()):
        if not isinstance(tensor, torch.Tensor) or tensor.device.type != "cpu":
            continue
        if tensor.is_floating_point() and tensor.numel() and tensor.layout == torch.strided:
            few = tensor.detach()
            while few.ndim > 1:
                few = few[-1]
            found.append((name, tuple(few[:VALUES].tolist() if few.ndim else [few.item()])))
            if len(found) == TENSORS:
                break
    return tuple(found)


def _compared(frame: FrameType) -> Iterator[tuple[str, float]]:
    """What an `if` round a call compares with the best so far: `if val_acc > best_acc:`."""
    tree, nodes = sources.nodes_at(frame)
    node: ast.AST | None = nodes[0] if nodes else None
    while tree is not None and node is not None:
        node = tree.parents.get(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.For):
            return
        if isinstance(node, ast.If):
            held = variables(frame)
            names = [one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)]
            for name in names:
                value = held.get(name)
                value = number_in(value) if isinstance(value, torch.Tensor) else value
                if type(value) is float and not re.search(r"best|min|max|prev|last", name):
                    yield name, value
            if names:
                return


# -- on request --------------------------------------------------------------------------------


class Keeper:
    """Keeps the weights at the best value of one series: of equal ones the earlier."""

    def __init__(self, wanted: str) -> None:
        kind, _, monitor = wanted.partition(":")
        if kind != "best" or not monitor:
            raise UsageError(f"torch.checkpoint: {wanted!r} is not best:<metric>, best:val_loss")
        self._monitor = monitor
        self._best: float | None = None

    def seen(self, training: Training, key: str, value: float, step: int) -> None:
        """A point of a series was recorded; the weights are kept where it is the best so far."""
        if key != self._monitor or not self._better(value):
            return
        self._best = value
        weights.save(training.run, training.kept, "best", once=False)
        info = {"unit": "optimizer step", "rule": f"{key} was best"}
        training.run.point("checkpoint_step", training.step, step, info)
        training.run.point(f"checkpoint_{key}", value, step, info)

    def _better(self, value: float) -> bool:
        if value != value or self._best is None:
            return value == value
        return value > self._best if rises(self._monitor) else value < self._best


def rises(name: str) -> bool:
    """Whether more is better, as the name says."""
    return "loss" not in name and UP.search(name) is not None
