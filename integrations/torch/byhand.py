"""Trainings without a step of an optimizer: weights that the program updates by hand.

Also those whose `optimizer.step` is compiled, which no hook sees. A `backward` that is called over
and over at one place without a step is looked at: does it reach parameters of a module, and have
they changed since? Then each of its calls is a step.
"""

from __future__ import annotations

import ast
import re
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import nn

from . import configs, sources
from .arithmetic import Reckoner, Unknown
from .boundaries import parameters
from .frames import users, variables
from .training import ByHand, Known

if TYPE_CHECKING:
    from .boundaries import Boundaries
    from .losses import Pending
    from .scene import Scene
    from .training import Training

FIRST, THEN = 4, 8
"""Calls at one place without a step, after which parameters are looked at, and looked at again."""
LARGEST = 20_000
"""Nodes of a graph that are gone through."""
MOST = 64
"""Parameters that are compared."""
RATE = re.compile(r"(?:^|_)(?:lr|lrate|learning_rate|learningrate|step_size|stepsize|eta)$", re.I)


class Marks(NamedTuple):
    """Parameters that a `backward` reaches, as they were."""

    were: list[tuple[weakref.ref[Any], Any]]

    def moved(self) -> bool:
        """Whether one of them has changed."""
        living = [(one(), was) for one, was in self.were]
        return any(one is not None and _mark(one) != was for one, was in living)


def look(scene: Scene, pending: Pending, tensor: Any) -> None:
    """A `backward` was called often enough without a step to see what it does."""
    before, reached = pending.marks, list(_reached(tensor))
    if before is not None and reached and before.moved():
        scene.moved = pending, reached
        return
    pending.marks = Marks([(weakref.ref(one), _mark(one)) for one in reached[:MOST]])
    pending.look = THEN if before is None else 2 * pending.look


def _mark(parameter: Any) -> Any:
    """What changes with a parameter; of one on an accelerator its version, since reading waits."""
    held = parameter.detach()
    return held.sum().item() if held.device.type == "cpu" else parameter._version


def _reached(tensor: Any) -> Iterator[Any]:
    """The parameters in whose gradients a `backward` of this tensor ends."""
    seen: set[Any] = set()
    waiting = [getattr(tensor, "grad_fn", None)]
    while waiting and len(seen) < LARGEST:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        held = getattr(node, "variable", None)
        if isinstance(held, nn.Parameter):
            yield held
        waiting.extend(one for one, _ in node.next_functions)


class Hand:
    """A training whose steps are calls of `backward`."""

    def __init__(self, training: Training, known: Known, optimizer: Any, rate: Rate | None) -> None:
        self.training = training
        self.known = known
        self.optimizer = optimizer
        self._rate = rate

    def stepping(self, frame: FrameType | None) -> None:
        """Read the learning rate of the step that is about to be made."""
        if isinstance(self.optimizer, ByHand) and self._rate is not None and frame is not None:
            value = self._rate.read(frame)
            if value is not None:
                self.optimizer.param_groups[0]["lr"] = value


def begin(boundaries: Boundaries, scene: Scene, frame: FrameType) -> Hand | None:
    """Open the training that has been found, with the steps so far; None where there is none."""
    assert scene.moved is not None
    pending, reached = scene.moved
    scene.moved = None
    pending.look = 2 * pending.look
    known, optimizer = _optimizer(boundaries, reached)
    rate = None
    if known is None:
        rate = rate_of(frame)
        optimizer = ByHand(reached, rate.read(frame) if rate is not None else None)
        known = boundaries.born(optimizer, "by hand")
    training = boundaries.first_step(known, optimizer, scene, frame)
    if training is None:
        return None
    if isinstance(optimizer, ByHand):
        optimizer.param_groups[0]["params"] = []  # held by the model alone
    training.parameter = known.last
    return Hand(training, known, optimizer, rate)


def _optimizer(boundaries: Boundaries, reached: list[Any]) -> tuple[Known | None, Any]:
    """The optimizer of these parameters whose steps are not seen."""
    wanted = set(map(id, reached))
    for known in boundaries.optimizers.values():
        optimizer = known.optimizer()
        free = known.training is None or known.training.over
        if optimizer is not None and free and wanted & set(map(id, parameters(optimizer))):
            return known, optimizer
    return None, None


# -- the learning rate -------------------------------------------------------------------------


class Rate(NamedTuple):
    """Where the program keeps its learning rate: how many of its frames outwards, and as what."""

    depth: int
    node: ast.expr

    def read(self, frame: FrameType) -> float | None:
        """Its value now."""
        for depth, one in enumerate(users(frame)):
            if depth == self.depth:
                try:
                    reckoner = Reckoner(variables(one), one.f_globals, frozenset())
                    return float(reckoner.number(self.node).value)
                except Unknown:
                    return None
        return None


def rate_of(frame: FrameType) -> Rate | None:
    """The variable round `frame` that is called a learning rate: `lr`, `args.lr`."""
    for depth, one in enumerate(users(frame)):
        tree = sources.tree_of(one)
        scope = configs.scope_of(tree, one.f_code) if tree is not None else None
        for node in ast.walk(scope) if scope is not None else ():
            if isinstance(node, ast.Name | ast.Attribute) and RATE.search(sources.title(node)):
                rate = Rate(depth, node)
                if rate.read(one if depth == 0 else frame) is not None:
                    return rate
    return None
