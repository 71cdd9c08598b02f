"""Whether parameters change between calls of `backward` though no optimizer makes a step."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

if TYPE_CHECKING:
    from .losses import Pending
    from .scene import Scene

FIRST, THEN = 4, 8
"""Calls at one place without a step, after which parameters are looked at, and looked at again."""
LARGEST = 20_000
"""Nodes of a graph that are gone through."""
OPTIMIZERS = f"{Path(torch.optim.__file__).parent}{os.sep}"
MOST = 64
"""Parameters that are compared."""


class Marks(NamedTuple):
    """Parameters that a `backward` reaches, as they were."""

    were: list[tuple[weakref.ref[Any], Any]]

    def moved(self) -> bool:
        """Whether one of them has changed."""
        living = [(one(), was) for one, was in self.were]
        return any(one is not None and _mark(one) != was for one, was in living)


def look(scene: Scene, pending: Pending, tensor: Any) -> None:
    """A `backward` was called often enough without a step to see what it does.

    An optimizer that calls it itself, as LBFGS does (20 times a step), changes the weights too.
    """
    if _within_step():
        pending.look = 2 * pending.look
        return
    before, reached = pending.marks, list(_reached(tensor))
    if before is not None and reached and before.moved():
        scene.moved = pending, reached
        return
    pending.marks = Marks([(weakref.ref(one), _mark(one)) for one in reached[:MOST]])
    pending.look = THEN if before is None else 2 * pending.look


def _within_step() -> bool:
    """Whether an optimizer's step is under way, whose closure calls `backward`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(OPTIMIZERS):
            return True
        frame = frame.f_back
    return False


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
