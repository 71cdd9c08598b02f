"""Trainings without a step of an optimizer: weights that the program updates by hand.

Also those whose `optimizer.step` is compiled, which no hook sees. A `backward` that is called over
and over at one place without a step is looked at: does it reach parameters of a module, and have
they changed since? Then each of its calls is a step.
"""

from __future__ import annotations

import ast
import re
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import configs, sources
from .arithmetic import Reckoner, Unknown
from .boundaries import parameters
from .frames import users, variables
from .training import ByHand, Known

if TYPE_CHECKING:
    from .boundaries import Boundaries
    from .scene import Scene
    from .training import Training

RATE = re.compile(r"(?:^|_)(?:lr|lrate|learning_rate|learningrate|step_size|stepsize|eta)$", re.I)


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
        scope = configs.scope_at(one)
        for node in ast.walk(scope) if scope is not None else ():
            if isinstance(node, ast.Name | ast.Attribute) and RATE.search(sources.title(node)):
                rate = Rate(depth, node)
                if rate.read(one if depth == 0 else frame) is not None:
                    return rate
    return None
