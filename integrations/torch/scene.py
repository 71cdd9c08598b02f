"""What is going on in one thread: losses before a step, the data that are gone through."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from .devices import Devices
from .losses import Key, Pending
from .norms import Norm
from .parts import Noted

if TYPE_CHECKING:
    from .byhand import Hand
    from .loaders import Loop
    from .passes import Pass
    from .training import Training


PATIENCE = 64


class Scene(threading.local):
    """Threads train on their own: what one of them has begun is not another's.

    Attributes:
        pending: Losses since the last step, by place.
        unscaled: Losses by the `id` of what a `GradScaler` made of them.
        scaled: The losses themselves, where they are on an accelerator.
        devices: Losses on accelerators.
        loss: The loss function that was called last for a training.
        training: The one whose step was the last here.
        loop: The data loader that was begun last.
        evaluation: The pass over data that is being judged; `early` are those before a training.
        norms: Norms of gradients since the last step, as `clip_grad_norm_` gave them.
        loaded: The file that was loaded last; `filled` are the models that were given it.
        evaluating: How often a model was put into evaluation.
        terms: Losses that were computed since the last step; None where no part of a loss is
            found by them.
        moved: A place of `backward` without steps of an optimizer, and the parameters that change
            there all the same.
        hand: The training by hand that is under way.
        listening: Whether what the program says is being looked at.
        spent: Nanoseconds that our hooks took since the last step.
    """

    def __init__(self) -> None:
        self.pending: dict[Key, Pending] = {}
        self.unscaled: dict[int, float | None] = {}
        self.scaled: dict[int, Any] = {}
        self.devices = Devices()
        self.norms: list[Norm] = []
        self.loaded: Any = None
        self.filled: dict[int, tuple[weakref.ref[Any], Any]] = {}
        self.loss = ""
        self.training: Training | None = None
        self.loop: Loop | None = None
        self.evaluation: Pass | None = None
        self.early: list[Pass] = []
        self.evaluating = 0
        self.moved: tuple[Pending, list[Any]] | None = None
        self.hand: Hand | None = None
        self.listening = False
        self.spent = 0
        self.begin_terms()

    def begin_terms(self) -> None:
        """Keep the values of loss functions, until enough losses turn out to need none."""
        self.terms: Noted | None = {}
        self._vain = 0

    def knows(self, name: str, result: Any) -> bool:
        """Whether the result of a loss function tells nothing new: one more loss to train on."""
        return self.terms is None and bool(result.requires_grad) and self.loss is name

    def terms_used(self, used: bool) -> None:
        """Whether a `backward` had a use for them; after `PATIENCE` in a row without, no more."""
        self._vain = 0 if used else self._vain + 1
        if self._vain > PATIENCE:
            self.terms = None
