"""What is going on in one thread: losses before a step, the data that are gone through."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from .losses import Key, Pending

if TYPE_CHECKING:
    from .loaders import Loop
    from .passes import Pass
    from .training import Training


class Scene(threading.local):
    """Threads train on their own: what one of them has begun is not another's.

    Attributes:
        pending: Losses since the last step, by place.
        unscaled: Losses by the `id` of what a `GradScaler` made of them.
        loss: The loss function that was called last for a training.
        training: The one whose step was the last here.
        loop: The data loader that was begun last.
        evaluation: The pass over data that is being judged.
        norms: Norms of gradients since the last step, as `clip_grad_norm_` gave them.
        loaded: The file that was loaded last; `filled` are the models that were given it.
        evaluating: How often a model was put into evaluation.
    """

    def __init__(self) -> None:
        self.pending: dict[Key, Pending] = {}
        self.unscaled: dict[int, float | None] = {}
        self.norms: list[float] = []
        self.loaded: Any = None
        self.filled: dict[int, tuple[weakref.ref[Any], Any]] = {}
        self.loss = ""
        self.training: Training | None = None
        self.loop: Loop | None = None
        self.evaluation: Pass | None = None
        self.evaluating = 0
