"""PyTorch: one run for each training that a program's own loop makes."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from autolog import following
from autolog.integration import (
    Call,
    Captured,
    Integration,
    around,
    function,
    method,
    option,
    subclasses,
)
from autolog.live import Run

from .captures import CAPTURES, INSTALLED

if TYPE_CHECKING:
    from .watch import Watch


@dataclasses.dataclass
class TorchOptions:
    """What is captured of torch; each also a variable `AUTOLOG_TORCH__<OPTION>`."""

    models: bool = option(True, "Save the final weights with the run.")
    checkpoint: str = option(
        "", "`best:<metric>` keeps the weights at its best value as the model `best`."
    )
    copies: bool = option(False, "Copy the checkpoints that the program saves into the run.")
    export: bool = option(
        False, "Keep the model as `torch.export` makes it too, which traces its `forward`."
    )
    ranks: bool = option(
        False, "Record every process of a distributed training, not the first alone."
    )
    datasets: bool = option(True, "Describe the training data: shape, types, digests.")
    settings: bool = option(
        True,
        "Record the program's settings: `argparse` results, configuration objects, constants.",
    )
    statistics: bool = option(True, "Add statistics and class counts to datasets in memory.")
    reports: bool = option(
        False, "Record the fractions that the program prints, logs, or shows in tqdm's postfix."
    )


class Torch(Integration):
    """One run for each training in a loop of the program's own, from its first optimizer step."""

    library: ClassVar[str] = "torch>=2.2"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    installed: ClassVar[Mapping[str, tuple[Captured, ...]]] = INSTALLED
    options: TorchOptions
    watch: Watch

    @around(method("torch.optim.optimizer", "Optimizer", "__init__"))
    def optimizer(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the base class's constructor, which all optimizers call: the order in which
        they are built tells where one training ends and the next begins (torch 2.2 to 2.13).
        """
        yield
        self.watch.built(call)

    @around(method("torch.utils.data.dataloader", "DataLoader", "__iter__"))
    def loop(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where an iteration over the data begins, so that batches cost nothing: what it
        gives back is torch's own iterator (torch 2.2 to 2.13).
        """
        yield
        from autolog.callsite import user_frame

        self.watch.loop(call.instance, call.result, user_frame(sys._getframe(1)))

    @around(subclasses("torch.optim.lr_scheduler", "LRScheduler", "__init__"))
    def scheduler(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the constructors of all schedulers, since few of them keep what they were told
        (torch 2.2 to 2.13).
        """
        self.watch.scheduled(call)
        yield

    @around(function("torch.serialization", "save"), only="saves")
    def save(self, call: Call, run: Run | None) -> Iterator[None]:
        """The program's own checkpoints; wrapped in place, for they are saved by any name. Into
        memory everything is saved that is pickled with a tensor (torch 2.2 to 2.13).
        """
        yield
        self.watch.saved(call.arg("obj"), call.arg("f"))

    @around(function("torch.serialization", "load"), only="loads")
    def load(self, call: Call, run: Run | None) -> Iterator[None]:
        """What a training goes on from: noted here, told when a model was given it and is trained.
        A model that the training saved as a whole stands for its own from here on, since the
        program puts it in its place (torch 2.2 to 2.13).
        """
        yield
        self.watch.loaded(call.arg("f"), call.result)

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """torch's own hooks for optimizers and for modules that are put together, and lean ones on
        `torch.autograd.backward`, which `Tensor.backward` calls, on the loss functions, which the
        loss modules call, on `clip_grad_norm_`, `GradScaler.scale`, `Module.load_state_dict`,
        `Module.state_dict` and `Module.eval` (torch 2.2 to 2.13); and where Python gathers what a
        spawned process, or one of the fork server, is prepared by, which runs no line of the
        program that says `if __name__ == "__main__"` (Python 3.11 to 3.13).
        """
        from autolog.wrapping import Ledger

        from .watch import Watch

        self.watch = Watch(self)
        yield following.forget
        yield from self.watch.install(Ledger())
        if self.options.reports:
            from .reports import Reports

            ledger = Ledger()
            yield from Reports(self.watch.scene).install(ledger)
            yield ledger.undo

    def saves(self, instance: Any, args: tuple[Any, ...]) -> bool:
        """Whether a call of `torch.save` goes to a file."""
        return len(args) > 1 and names_file(args[1])

    def loads(self, instance: Any, args: tuple[Any, ...]) -> bool:
        """Whether a call of `torch.load` reads a file."""
        return bool(args) and names_file(args[0])

    def wants(self, model: Any) -> bool:
        """Whether the settings let trainings of such a model be recorded."""
        return self.standing.wants(model)


def names_file(target: Any) -> bool:
    """Whether something is a path, or an open file that has one."""
    return isinstance(_name(target), str | os.PathLike)


def _name(target: Any) -> Any:
    return target if isinstance(target, str | os.PathLike) else getattr(target, "name", None)
