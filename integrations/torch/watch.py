"""What is heard of a program that trains with torch, and what is made of it."""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import spawn
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import clip_grad
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.optimizer import register_optimizer_step_post_hook

from autolog.callsite import user_frame
from autolog.following import datasets
from autolog.wrapping import external_caller, wrap_function

from . import (
    active,
    best,
    byhand,
    checkpoints,
    configs,
    describing,
    devices,
    loaders,
    losses,
    norms,
    pace,
    parts,
    passes,
    readings,
    reckoning,
    saying,
    schedules,
    sources,
    workers,
)
from .boundaries import Boundaries
from .driving import after_call, before_call, clock, quietly, silent
from .loaders import Loop
from .names import part_of
from .owners import Counted, Owners
from .saying import Streams
from .scene import Scene

if TYPE_CHECKING:
    from autolog.integration import Call

    from . import Torch
    from .training import Known, Training

LOSSES = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
    "cross_entropy", "ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss",
    "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
)  # fmt: skip
"""Functions of `torch.nn.functional` that compute a loss; torch's loss modules call them."""


class Watch:
    """All that one enabling knows of the trainings in this process."""

    def __init__(self, integration: Torch) -> None:
        self.owners = Owners()
        self.scene = Scene()
        self._scheduler: weakref.ref[Any] | None = None
        self.boundaries = Boundaries(integration, self.owners, self.scene)
        self.streams = Streams(quietly("torch.said", partial(saying.heard, self.scene)))

    def install(self, ledger: Any) -> Iterator[Callable[[], object]]:
        """Put the hooks on; each undo is yielded, or noted in `ledger`."""
        active.put_on(self)
        yield active.taken_off
        counted = Counted()
        yield counted.put_back
        yield from self.owners.install()
        yield self.boundaries.awaited.forget
        yield self.streams.forget
        yield register_optimizer_step_post_hook(quietly("torch.step", self.stepped)).remove
        counted.note()
        scene = self.scene
        backward = before_call("torch.backward", scene, self.backward, self.failed)
        wrap_function(torch.autograd.backward, backward, ledger)
        for name in LOSSES:
            function = getattr(torch.nn.functional, name, None)
            told = partial(self.loss, name)
            drive = after_call("torch.loss", scene, told, self.failed, partial(scene.knows, name))
            wrap_function(function, drive, ledger)
        scaler = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler
        wrap_function(scaler.update, before_call("torch.update", scene, self.updated), ledger)
        plateau = before_call("torch.plateau", scene, self.plateau)
        wrap_function(ReduceLROnPlateau.step, plateau, ledger)
        for hooked, note in (
            (clip_grad.clip_grad_norm_, self.clipped),
            (scaler.scale, self.scaled),
            (torch.nn.Module.load_state_dict, self.filled),
            (torch.nn.Module.state_dict, self.asked),
            (torch.nn.Module.eval, self.evaluating),
            (spawn.get_preparation_data, self.spawning),
        ):
            wrap_function(hooked, after_call(f"torch.{hooked.__name__}", scene, note), ledger)
        yield ledger.undo

    # -- what is heard ---------------------------------------------------------------------

    def built(self, call: Call) -> None:
        """An optimizer was built."""
        frame = user_frame(sys._getframe(1))
        name = sources.made_as(frame) if frame is not None else ""
        self.scene.begin_terms()
        known = self.boundaries.born(call.instance, name or "optimizer")
        known.birth = configs.birth(frame)

    def scheduled(self, call: Call) -> None:
        """A scheduler is being built; its subclasses' constructors call each other."""
        known = self._scheduler
        if known is not None and known() is call.instance:
            return
        self._scheduler = weakref.ref(call.instance)
        optimizer = schedules.optimizer_of(call)
        if optimizer is not None and hasattr(optimizer, "param_groups"):
            owner = self.boundaries.known(optimizer)
            owner.schedules.append(schedules.described(call))
            schedules.joined(owner)

    def saved(self, value: Any, target: Any) -> None:
        """`torch.save` has saved something."""
        saying.noticed(self.scene, sys._getframe(1))
        training = self.scene.training
        if training is not None and not training.over:
            copied = self.boundaries.integration.options.copies
            checkpoints.saved(training, value, target, copied=copied)

    def loaded(self, source: Any, value: Any) -> None:
        """The program has loaded a file."""
        checkpoints.loaded(self.scene, source)
        training = self.scene.training
        if training is not None and not training.over and checkpoints.is_from(training, self.scene):
            for model in checkpoints.models_in(value):
                self.boundaries.stands_in(training, model)

    def loop(self, loader: Any, iterator: Any, frame: FrameType | None) -> None:
        """A loader is gone through once more, from the program's `frame`."""
        scene = self.scene
        passes.close(scene)
        self.gone_through(scene.loop)
        number = scene.loop.number + 1 if scene.loop is not None else 1
        training = scene.training
        if training is not None and not training.over:
            self._listen()
            readings.read(training, frame, stepped=False)
        name, shared = sources.gone_through(frame) if frame is not None else ("", False)
        loop = scene.loop = Loop(loader, name, number, shared)
        watch = weakref.ref(self)

        def gone(reference: Any) -> None:
            here = watch()
            if here is not None:
                here.looped(loop, sys._getframe(1))

        with contextlib.suppress(TypeError):
            loop.iterator = weakref.ref(iterator, quietly("torch.loop", gone))

    def gone_through(self, loop: Loop | None) -> None:
        """A loop over data is over, or another begins: what it went over is known now."""
        training = self.scene.training
        if loop is not None and training is not None and not (training.over or silent()):
            options = self.boundaries.integration.options
            loaders.seen(training, loop, datasets.Kept(options.datasets, options.statistics))

    def looped(self, loop: Loop, frame: FrameType | None) -> None:
        """The iterator of a loop has died, in what the program's frame is just doing."""
        now = perf_counter()
        self.gone_through(loop)
        frame = user_frame(frame)
        training = self.scene.training
        if frame is None or silent() or training is None or training.over:
            return
        pace.ended(training, loop, frame, now)
        current = self.scene.evaluation
        for result in reckoning.reckoned(frame):
            key = self._title(result.name, loop, training)
            if key != result.name:
                training.renamed.add(result.name)
            if current is not None:
                current.told.append(result.value)
                current.keys.add(key)
            training.point(key, result.value, training.step, f"as reckoned: {result.text}", None)

    def _title(self, name: str, loop: Loop, training: Training) -> str:
        """The name of a result in the run, with what its loop went over if it does not say so."""
        part = loop.part if loop.shared or not loop.steps else ""
        taken = training.series.get(name)
        if part_of(name) or not part:
            return f"{name}_mean" if taken is not None and taken.of_losses else name
        return f"{part}_{name}"

    def plateau(self, args: Any, kwargs: Any) -> None:
        """A scheduler is told the number that it watches, which is the program's own."""
        training = self.scene.training
        value = args[1] if len(args) > 1 else kwargs.get("metrics")
        if training is not None and not training.over:
            readings.given(training, user_frame(sys._getframe(1)), value)

    def evaluating(self, args: Any, kwargs: Any, result: Any) -> None:
        """A model was put into evaluation."""
        passes.close(self.scene)
        self.scene.evaluating += 1

    def clipped(self, args: Any, kwargs: Any, result: Any) -> None:
        """Gradients were clipped; their norm is what was given back."""
        value = losses.number_in(result)
        scene = self.scene
        if value is None:
            return
        norms.noted(scene, value, user_frame(sys._getframe(2)))
        if scene.hand is not None:  # the step has been counted already
            norms.record(scene.hand.training, scene, scene.hand.known)

    def scaled(self, args: Any, kwargs: Any, result: Any) -> None:
        """A loss was scaled for half precision: what it was before is the loss."""
        if len(args) > 1:
            value = losses.number_in(args[1])
            self.scene.unscaled[id(result)] = value
            if value is None and devices.kept(args[1]):
                self.scene.scaled[id(result)] = args[1].detach()

    def updated(self, args: Any, kwargs: Any) -> None:
        """A step is over, also where it was left out since gradients were infinite."""
        self.scene.pending.clear()

    def spawning(self, args: Any, kwargs: Any, result: Any) -> None:
        """A process is about to be spawned."""
        workers.carry(result, sys._getframe(1))

    def filled(self, args: Any, kwargs: Any, result: Any) -> None:
        """A model was given a state."""
        saying.noticed(self.scene, sys._getframe(1))
        checkpoints.filled(self.scene, args[0])
        best.given(self.scene.training, args, kwargs)

    def asked(self, args: Any, kwargs: Any, result: Any) -> None:
        """A model was asked for its state; its parts add theirs to the same `destination`."""
        if len(args) == 1 and kwargs.get("destination") is None:
            best.asked(self.scene.training, args, kwargs, result, user_frame(sys._getframe(2)))

    def backward(self, args: Any, kwargs: Any) -> None:
        """`backward` is about to be called; `Tensor.backward` calls it by way of this function."""
        scene = self.scene
        if scene.evaluation is not None:
            passes.close(scene)
        losses.noted(scene, args[0])
        if scene.moved is not None or scene.hand is not None:
            self._by_hand(scene, user_frame(sys._getframe(1)))

    def _by_hand(self, scene: Scene, frame: FrameType | None) -> None:
        """A `backward` is a step where the weights are updated without an optimizer."""
        hand = scene.hand
        if hand is not None and (hand.training.over or scene.training is not hand.training):
            hand = scene.hand = None
        if hand is None and scene.moved is not None and frame is not None:
            found = scene.moved[0]
            hand = scene.hand = byhand.begin(self.boundaries, scene, frame)
            if hand is not None:
                scene.training = hand.training
                losses.replay(hand.training, hand.known, scene, found)
                self._begun(hand.training, frame)
        if hand is not None:
            hand.stepping(frame)
            self._made(hand.training, hand.known, hand.optimizer, frame)

    def loss(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """A loss function was called."""
        if type(result) is not torch.Tensor:
            return
        scene = self.scene
        if result.requires_grad:
            scene.loss = name
            if scene.terms is not None:
                frame = user_frame(sys._getframe(1))
                parts.note(scene.terms, frame, losses.number_in(result))
        else:
            passes.evaluated(scene, name, args, kwargs, result)

    def failed(self, error: BaseException) -> None:
        """A loss function or `backward` raised; it is the training's end unless it goes on."""
        training = self.scene.training
        if training is not None and not training.over:
            training.run.troubled(error)

    def stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """An optimizer has made a step."""
        if silent():
            return
        began = clock()
        scene = self.scene
        known = self.boundaries.known(optimizer)
        training = known.training
        if training is None or training.run.ended:
            training = self._first(known, optimizer, scene)
        if training is not None:
            scene.hand = None
            again = any(one is not None for one in (*args[1:], *kwargs.values()))
            self._made(training, known, optimizer, sys._getframe(1), again=again)
            training.run.overhead += scene.spent + clock() - began
        scene.spent = 0

    def _first(self, known: Known, optimizer: Any, scene: Scene) -> Training | None:
        """The training that an optimizer's first step belongs to, or one after a training's end."""
        training = None
        if not known.foreign:
            caller = user_frame(external_caller(sys._getframe()))
            training = self.boundaries.first_step(known, optimizer, scene, caller)
        if training is None:
            scene.pending.clear()
            scene.devices.stepped(None, known, again=False)
            scene.unscaled.clear()
            scene.scaled.clear()
            scene.norms.clear()
        else:
            training.parameter = known.last
            self._begun(training, caller)
        return training

    def _begun(self, training: Training, frame: FrameType | None) -> None:
        """A training begins with the step that is made in `frame`."""
        readings.begun(training, frame)
        passes.begun(self.scene, training)
        self._listen()

    def _listen(self) -> None:
        if self.boundaries.integration.options.settings:
            self.streams.listen()

    def _made(
        self,
        training: Training,
        known: Known,
        optimizer: Any,
        frame: FrameType | None,
        *,
        again: bool = False,
    ) -> None:
        """One more step of a training."""
        scene, boundaries = self.scene, self.boundaries
        boundaries.ticks = training.last = boundaries.ticks + 1
        known.steps = step = known.steps + 1
        if step > training.step:
            training.step = step
        if training.run.trouble is not None:
            training.run.trouble = None
        scene.training = training
        parameter = training.parameter() if training.parameter is not None else None
        if parameter is not None:
            training.mark = parameter._version
        if scene.evaluation is not None:
            passes.close(scene)
        losses.record(training, known, scene.pending, again=again)
        if scene.devices.used:
            losses.late(scene.devices.stepped(training, known, again=again))
        if scene.unscaled:
            scene.unscaled.clear()
            scene.scaled.clear()
        if scene.terms:
            scene.terms.clear()
        if scene.norms:
            norms.record(training, scene, known)
        describing.rates(training, optimizer, known, step)
        loop = scene.loop
        if loop is None:
            if boundaries.integration.options.settings:
                readings.read(training, frame, stepped=True)
        elif training.loop != loop.number:
            self._epoch(training, loop)

    def _epoch(self, training: Training, loop: Loop) -> None:
        loop.steps = True
        training.loop = loop.number
        training.epoch += 1
        training.point("epoch", training.epoch, training.step, "iterations of the loader")

    def after_fork(self) -> None:
        """The trainings of the parent are its own."""
        self.boundaries.open = []
        for known in self.boundaries.optimizers.values():
            known.training = None
        self.scene.__init__()  # type: ignore[misc]
