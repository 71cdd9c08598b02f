"""fastai: its optimizers make steps as torch's do, and its table of epochs is recorded."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from autolog.following import datasets
from autolog.integration import Call, Captured, Integration, around, method
from autolog.live import Run

if TYPE_CHECKING:
    from .torch.training import Training
    from .torch.watch import Watch

RULE = "fastai's Recorder, at the end of the epoch"


class Fastai(Integration):
    """A `Learner`'s training is a run of torch's integration, with the Recorder's table."""

    library: ClassVar[str] = "fastai>=2.8"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = {
        "epoch": (
            Captured("metric", "the Recorder's table: train_loss, valid_loss, metrics, by epoch"),
            Captured("metric", "epoch, epoch_time"),
            Captured("param", "epochs, batch_size, callbacks of the Learner"),
            Captured("dataset", "data of the loaders: class, length, form"),
        ),
    }

    @around(method("fastai.learner", "Recorder", "after_epoch"))
    def epoch(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where the row of the epoch is complete (fastai 2.8)."""
        yield
        watch = _watch()
        training = watch.scene.training if watch is not None else None
        if watch is not None and training is not None and not training.over:
            watch.scene.evaluation = None  # the Recorder's numbers are the same losses
            training.evaluated = True
            _tell(watch, training, call.instance)

    @around(method("fastai.callback.schedule", "Learner", "lr_find"), covers=True)
    def tuned(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked since its steps are undone afterwards: they are no training (as above)."""
        yield

    @around(method("fastai.optimizer", "Optimizer", "step"))
    def step(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on fastai's own optimizers, which are no torch optimizers; those that it wraps
        make their steps themselves (as above).
        """
        yield
        watch = _watch()
        if watch is not None:
            known = watch.boundaries.known(call.instance)
            known.kind = known.kind or _kind(call.instance)
            watch.stepped(call.instance, (), {})


def _watch() -> Watch | None:
    from .torch import active

    return active.current()


def _kind(optimizer: Any) -> str:
    """`RMSProp` of an optimizer whose last function is `rms_prop_step`."""
    name = getattr(optimizer.cbs[-1], "__name__", "") if len(optimizer.cbs) else ""
    stem = name.removesuffix("_step").replace("_", "")
    known = vars(sys.modules["fastai.optimizer"])
    return next((key for key in known if key.lower() == stem), stem)


def _tell(watch: Watch, training: Training, recorder: Any) -> None:
    """One row of the table; before the first what the Learner was told."""
    learn = recorder.learn
    if not learn.epoch:
        _begun(watch, training, learn)
    names, row = list(recorder.metric_names)[1:], list(recorder.values[-1])
    for name, value in zip(names, row, strict=False):
        if isinstance(value, int | float):
            training.point(str(name), float(value), training.step, RULE)
    training.epoch = learn.epoch + 1
    training.point("epoch", training.epoch, training.step, RULE)
    if recorder.add_time:
        training.point("epoch_time", time.time() - recorder.start_epoch, training.step, RULE)


def _begun(watch: Watch, training: Training, learn: Any) -> None:
    from .torch import loaders

    told = {"epochs": learn.n_epoch, "batch_size": getattr(learn.dls, "bs", None)}
    told["callbacks"] = [str(callback.name) for callback in learn.cbs]
    training.run.log_params({key: value for key, value in told.items() if value is not None})
    options = watch.boundaries.integration.options
    kept = datasets.Kept(options.datasets, options.statistics)
    for role, loader in zip(("train", "validation"), learn.dls.loaders, strict=False):
        if hasattr(loader, "dataset"):
            loaders.record(training.run, loader, role, role, kept)
