"""Where one training ends and the next begins."""

from __future__ import annotations

import weakref
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from torch import nn

from autolog import following
from autolog.callsite import find_site
from autolog.forking import ForkSafeLock
from autolog.live import Run

from . import (
    best,
    checkpoints,
    configs,
    describing,
    forwards,
    losses,
    passes,
    readings,
    schedules,
    weights,
    workers,
)
from .owners import Owners, unwrapped
from .training import Known, Training

if TYPE_CHECKING:
    from . import Torch
    from .scene import Scene

TOGETHER = 100
"""Steps of a training within which an optimizer that was built before it still joins it."""


class Boundaries:
    """The trainings that are open, and the rules by which an optimizer's step belongs to one.

    In order: an optimizer of no module's parameters opens none; one whose model is being trained
    joins that training, unless the model was reset before the optimizer was built; one that was
    built before the training in this thread began joins it as long as that has seen neither an
    evaluation nor a second epoch (a GAN's second one); all others begin a training, and end the
    one before if they were built after its last step. A training ends with its models, with the
    next one, with the program.
    """

    def __init__(self, integration: Torch, owners: Owners, scene: Scene) -> None:
        self.integration = integration
        self.scene = scene
        self.owners = owners
        self.open: list[Training] = []
        self.ticks = 0
        self.optimizers: dict[int, Known] = {}
        self._lock = ForkSafeLock()
        self.awaited = forwards.Awaited()

    # -- optimizers ------------------------------------------------------------------------

    def born(self, optimizer: Any, name: str) -> Known:
        """Note an optimizer that was built, or is met for the first time.

        Another training begins, perhaps compiled: of the one before no call is awaited any longer.
        """
        self.awaited.forget()
        key = id(optimizer)

        def gone(reference: Any) -> None:
            known = self.optimizers.get(key)
            if known is not None and known.optimizer is reference:
                del self.optimizers[key]

        known = Known(weakref.ref(optimizer, gone), self.ticks, name)
        last = last_parameter(optimizer)
        known.settings = [describing.settings(group) for group in optimizer.param_groups]
        known.last = None if last is None else weakref.ref(last)
        known.reset = any(
            training.parameter is not None
            and training.parameter() is last
            and not training.untouched(last)
            for training in self.open
        )
        self.optimizers[key] = known
        return known

    def known(self, optimizer: Any) -> Known:
        """What is known of an optimizer."""
        known = self.optimizers.get(id(optimizer))
        if known is None or known.optimizer() is not optimizer:
            known = self.born(optimizer, "optimizer")
        return known

    # -- trainings -------------------------------------------------------------------------

    def first_step(
        self, known: Known, optimizer: Any, scene: Scene, frame: FrameType | None
    ) -> Training | None:
        """The training that an optimizer's first step belongs to; None for no module's."""
        roots = self.owners.roots(parameters(optimizer))
        silent = workers.silent(self.integration.options.ranks)
        if not roots or silent or not self.integration.wants(unwrapped(roots[0])):
            known.foreign = True
            return None
        with self._lock:
            return self._found(roots, known, optimizer, scene, frame)

    def _found(
        self,
        roots: list[nn.Module],
        known: Known,
        optimizer: Any,
        scene: Scene,
        frame: FrameType | None,
    ) -> Training:
        self.open = [training for training in self.open if not training.over]
        training = self._shared(roots, known) or self._companion(scene, known)
        if training is None:
            self._end_before(scene, known)
            if scene.training is not None and scene.loop is not None and scene.loop.over:
                scene.loop = None  # of the training before
            training = self._begin(roots, optimizer, known, scene, frame)
            training.run.state["training"] = partial(_where, weakref.ref(training), scene)
        self._join(training, roots, optimizer, known)
        following.trains_here(training.run)
        return training

    def _shared(self, roots: list[nn.Module], known: Known) -> Training | None:
        if known.reset or known.training is not None:
            return None
        for training in self.open:
            if any(training.has(root) for root in roots):
                return training
        return None

    def _companion(self, scene: Scene, known: Known) -> Training | None:
        """The training in this thread, if the optimizer was built for it too."""
        here = scene.training
        if here is None or here.over or known.training is not None or known.born >= here.begun:
            return None
        if here.evaluated or here.epoch > 1 or here.step > TOGETHER:
            return None
        return here

    def _end_before(self, scene: Scene, known: Known) -> None:
        before = scene.training
        if before is not None and not before.over and (known.born >= before.last or known.reset):
            self.end(before)

    def _begin(
        self,
        roots: list[nn.Module],
        optimizer: Any,
        known: Known,
        scene: Scene,
        frame: FrameType | None,
    ) -> Training:
        site = find_site(frame)
        training = Training(self.ticks + 1, site)
        training.code = frame.f_code if frame is not None else None
        together = self._companions(known)
        models = [*roots]
        for other in together:
            models += [one for one in self._roots_of(other) if all(one is not m for m in models)]
        training.run = self.integration.standing.open(
            training, site, describing.title(models), "torch", partial(self._ending, training)
        )
        if self.integration.options.checkpoint:
            training.keeper = best.Keeper(self.integration.options.checkpoint)
        self.open.append(training)
        several = any(self._roots_of(other) for other in together)
        training.alone = not several
        describing.opened(training, self.integration.options, scene, models)
        if self.integration.options.settings:
            training.told = configs.settings(frame, known.birth)
            training.run.log_params(training.told)
        checkpoints.resumed(training.run, scene, [unwrapped(one) for one in models])
        return training

    def _companions(self, known: Known) -> list[Known]:
        """Other optimizers that have made no step yet: as a rule they are the same training's.

        One of the very same tensors is no other: it stands round this one (accelerate's).
        """
        last = known.last() if known.last is not None else None
        others = [
            other
            for other in self.optimizers.values()
            if other is not known
            and other.training is None
            and not (last is not None and other.last is not None and other.last() is last)
        ]
        alike = (o for o in others if not (o.foreign or o.steps) and o.thread == known.thread)
        return sorted(alike, key=lambda o: o.born)

    def _roots_of(self, known: Known) -> list[nn.Module]:
        optimizer = known.optimizer()
        return [] if optimizer is None else self.owners.roots(parameters(optimizer))

    def _join(
        self, training: Training, roots: list[nn.Module], optimizer: Any, known: Known
    ) -> None:
        known.training = training
        known.steps = 0
        known.rates = []
        training.optimizers.append(known)
        for root in roots:
            if not training.has(root):
                self._hold(training, root)
        describing.joined(training, optimizer, known)
        schedules.joined(known)

    def _hold(self, training: Training, root: nn.Module) -> None:
        """Know when a model dies; what is needed to save it is held in its stead."""
        self.stands_in(training, root)
        remains = weights.Remains(root)
        training.kept.append(remains)
        options = self.integration.options
        told = partial(forwards.told, weakref.ref(training), weakref.ref(remains), options)
        self.awaited.next_call(root, told)

    def stands_in(self, training: Training, root: nn.Module) -> None:
        """A training goes on as long as such a model lives."""
        held = weakref.ref(training)

        def gone(reference: Any) -> None:
            training = held()
            if training is not None and all(one() is None for one in training.roots):
                self.end(training)

        training.roots.append(weakref.ref(root, gone))

    # -- the end ---------------------------------------------------------------------------

    def end(self, training: Training) -> None:
        """End a training now."""
        self.integration.standing.end(training)

    def _ending(self, training: Training, run: Run) -> None:
        self.awaited.forget()
        losses.late(self.scene.devices.read(wait=True))
        if training in self.open:
            self.open.remove(training)
        if self.scene.training is training:
            passes.close(self.scene)
            run.overhead, self.scene.spent = run.overhead + self.scene.spent, 0
        readings.finish(training)
        error = self.integration.standing.closing_error
        if error is not None and run.trouble is None and through(error, training.code):
            run.troubled(error)
        kept, training.kept = training.kept, []
        moment = training.states.best(training)
        if moment is not None:
            best.tell(training, moment)
        if self.integration.options.models:
            also = "best" if moment is not None and training.keeper is None else ""
            weights.save(run, kept, also=also)
        if self.integration.options.export:
            weights.export(run, kept)


def _where(held: weakref.ref[Training], scene: Scene) -> tuple[int | None, str]:
    """How far a training is, and which part of the data is gone through: for other libraries."""
    training = held()
    loop = scene.loop
    part = "" if loop is None else loop.part or ("train" if loop.steps else "eval")
    return (None if training is None else training.step), part


def through(error: BaseException, code: Any) -> bool:
    """Whether an error left the function in which the training's steps are made."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return True
        trace = trace.tb_next
    return code is None


def parameters(optimizer: Any) -> list[Any]:
    """All tensors that an optimizer changes."""
    return [one for group in optimizer.param_groups for one in group["params"]]


def last_parameter(optimizer: Any) -> Any:
    """The last of them."""
    groups = optimizer.param_groups
    return groups[-1]["params"][-1] if groups and groups[-1]["params"] else None
