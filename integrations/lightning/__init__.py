"""PyTorch Lightning, as `lightning` and as `pytorch_lightning`: one run for each `Trainer.fit`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from autolog import following
from autolog.following import datasets
from autolog.integration import (
    Call,
    Captured,
    Hook,
    Integration,
    around,
    function,
    method,
    option,
    subclasses,
)
from autolog.live import Run

from .captures import CAPTURES

if TYPE_CHECKING:
    from .watch import Watch


@dataclasses.dataclass
class LightningOptions:
    """What is captured of Lightning; each also a variable `AUTOLOG_LIGHTNING__<OPTION>`."""

    models: bool = option(True, "Save the module with its final weights.")
    datasets: bool = option(True, "Describe the data: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets in memory.")
    summary: bool = option(True, "Keep the model's layers as a table, Lightning's summary as text.")
    settings: bool = option(
        True,
        "Record the program's settings: `argparse` results, configuration objects, constants.",
    )
    log_every_n_steps: int = option(
        1,
        "Record what is logged by step at every so many steps; 0: as often as the Trainer tells "
        "its loggers. What lies on an accelerator is only read then.",
    )


PACKAGE = "lightning.pytorch"
TRAINER = f"{PACKAGE}.trainer.trainer"


class Lightning(Integration):
    """One run for each `Trainer.fit`; `validate`, `test` and `predict` belong to their model's."""

    library: ClassVar[str] = "lightning>=2.6"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    package: ClassVar[str] = PACKAGE
    name: ClassVar[str] = "lightning"
    options: LightningOptions
    watch: Watch

    @classmethod
    def hooks(cls) -> list[Hook]:
        """The hooks, on the package that this class is for: both are the same code."""
        return [
            dataclasses.replace(hook, target=dataclasses.replace(hook.target, module=module))
            for hook in super().hooks()
            for module in [hook.target.module.replace(PACKAGE, cls.package)]
        ]

    @around(method(TRAINER, "Trainer", "fit"), opens_run="leads", nested="join")
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked on the method that everybody calls, `LightningCLI` too; processes that it starts
        write to the same run (Lightning 2.6).
        """
        if not self.is_training(call):
            yield
            return
        fit = self.watch.begin(call, run)
        try:
            yield
        finally:
            self.watch.end(call, run, fit)

    @around(method(TRAINER, "Trainer", "_run_stage"), nested="join")
    def stage(self, call: Call, run: Run | None) -> Iterator[None]:
        """Where all is set up and nothing is trained yet, in the process that trains: model,
        optimizers, callbacks are what they will be (Lightning 2.6).
        """
        fit = self.watch.fit_of(run, call.instance)
        if fit is None or not call.instance.is_global_zero:
            yield
            return
        self.watch.starts(fit, call.instance)
        try:
            yield
        finally:
            self.watch.stops(fit, call.instance)

    @around(method(f"{PACKAGE}.loops.fit_loop", "_FitLoop", "on_run_start"), nested="join")
    def loaded(self, call: Call, run: Run | None) -> Iterator[None]:
        """Where Lightning has its loaders, whether they came as arguments, from the module or from
        a data module (Lightning 2.6).
        """
        fit = self.watch.fit_of(run, call.instance.trainer)
        if fit is not None and fit.tuning == 0:
            self.watch.describe_data(fit, call.instance.trainer)
        yield

    @around(method(TRAINER, "Trainer", "save_checkpoint"), nested="join")
    def saved(self, call: Call, run: Run | None) -> Iterator[None]:
        """All checkpoints go through it, a callback's and the program's (Lightning 2.6)."""
        yield
        self.watch.saved(call, run)

    @around(method(TRAINER, "Trainer", "validate", "test", "predict"), covers=True)
    def judge(self, call: Call, run: Run | None) -> Iterator[None]:
        """What they give back are the metrics that Lightning logged (Lightning 2.6)."""
        from .evaluating import Evaluation

        if not leading(call):
            yield
            return
        evaluation = Evaluation(self, call)
        try:
            yield
            evaluation.found()
        finally:
            evaluation.over()

    @around(method("torch.optim.optimizer", "Optimizer", "__init__"), nested="join")
    def optimizer(self, call: Call, run: Run | None) -> Iterator[None]:
        """What the program calls its optimizers; `configure_optimizers` builds them within `fit`,
        where the integration of torch is silent (torch 2.2 to 2.13).
        """
        yield
        self.watch.built(run, call)

    @around(subclasses("torch.optim.lr_scheduler", "LRScheduler", "__init__"), nested="join")
    def scheduler(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the constructors of all schedulers, since few of them keep what they were told
        (torch 2.2 to 2.13).
        """
        self.watch.scheduled(run, call)
        yield

    @around(method(f"{PACKAGE}.tuner.tuning", "Tuner", "lr_find", "scale_batch_size"), covers=True)
    def tuner(self, call: Call, run: Run | None) -> Iterator[None]:
        """Its short fits are no trainings: what it found is told by the next fit of its trainer
        (Lightning 2.6).
        """
        yield
        self.watch.tuned(call)

    @around(function(f"{PACKAGE}.tuner.lr_finder", "_lr_find"), nested="join")
    def rates_tried(self, call: Call, run: Run | None) -> Iterator[None]:
        """What `LearningRateFinder` tries within a fit is not what is trained; hooked on the
        function that callback and tuner share (Lightning 2.6).
        """
        yield from self.watch.aside(run, call)

    @around(function(f"{PACKAGE}.tuner.batch_size_scaling", "_scale_batch_size"), nested="join")
    def sizes_tried(self, call: Call, run: Run | None) -> Iterator[None]:
        """The same of `BatchSizeFinder` (Lightning 2.6)."""
        yield from self.watch.aside(run, call)

    @around(function(f"{PACKAGE}.core.saving", "_load_from_checkpoint"), nested="join")
    def restored(self, call: Call, run: Run | None) -> Iterator[None]:
        """`load_from_checkpoint` of modules and data modules comes here (Lightning 2.6)."""
        yield
        self.watch.restored(call)

    @around(
        function(f"{PACKAGE}.utilities.model_summary.model_summary", "summarize"), nested="join"
    )
    def summarized(self, call: Call, run: Run | None) -> Iterator[None]:
        """The summary that Lightning's own callback makes: none is made for us (Lightning
        2.6).
        """
        yield
        if run is not None and self.options.summary and not run.light:
            run.log_artifact(str(call.result).encode(), "model_summary.txt")

    @around(
        subclasses(f"{PACKAGE}.loggers.logger", "Logger", "log_metrics"), nested="join", only="own"
    )
    def logger(self, call: Call, run: Run | None) -> Iterator[None]:
        """What callbacks and the program tell a logger themselves; what Lightning tells it is read
        where it comes from (Lightning 2.6).
        """
        yield
        self.watch.told(run, call)

    @around(function("torch.multiprocessing.spawn", "start_processes"), nested="join")
    def launched(self, call: Call, run: Run | None) -> Iterator[None]:
        """Processes of `ddp_spawn` know nothing of their program's run: they are told; forked ones
        know it. Hooked where torch starts them (torch 2.2 to 2.13).
        """
        self.watch.launched(run, call)
        yield

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """Lean hooks on the logger connector's `update_train_step_metrics`, `log_metrics` and
        `on_batch_start` and on `_ResultCollection.metrics`: there Lightning has what was logged,
        and no callback of ours has to stand in the Trainer's list (Lightning 2.6).
        """
        from autolog.wrapping import Ledger

        from .watch import Watch

        self.watch = Watch(self)
        yield following.forget
        yield from self.watch.install(Ledger())

    # -- parts -----------------------------------------------------------------------------

    def leads(self, call: Call) -> bool:
        """Whether this process is the one of several that records."""
        return leading(call)

    def own(self, instance: Any, args: tuple[Any, ...]) -> bool:
        """Whether a logger is told something by another than Lightning's connector."""
        return self.watch.listening

    def is_training(self, call: Call) -> bool:
        """Whether this `fit` is what its run is about, and no part of one that is recorded."""
        owner = call.owner
        return call.principal and (
            owner is None or not isinstance(owner.entry.integration, Lightning)
        )

    def subject(self, call: Call) -> Any:
        """The module that is trained or judged."""
        model = call.arg("model") if call.instance is not None else None
        return getattr(model, "_orig_mod", model)

    def run_name(self, call: Call) -> str:
        """The class of the module."""
        return type(self.subject(call)).__qualname__.rpartition(".")[2]

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics)


class PytorchLightning(Lightning):
    """The same for the import name `pytorch_lightning`."""

    library: ClassVar[str] = "pytorch-lightning>=2.6"
    package: ClassVar[str] = "pytorch_lightning"
    name: ClassVar[str] = "pytorch_lightning"


def leading(call: Call) -> bool:
    """Whether this is rank zero, as far as the environment of the process says.

    A launcher sets the variables; Lightning reads the same ones.
    """
    zero = sys.modules["lightning_utilities.core.rank_zero"].rank_zero_only
    return not getattr(zero, "rank", 0)
