"""The final weights: kept for as long as the model lives, saved when it dies or its run ends."""

from __future__ import annotations

from typing import Any

from torch import nn

from autolog.live import Run

from . import structure
from .owners import unwrapped

STATE = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")


class Remains:
    """What is left of a model when it is gone: its class and its parts, not itself.

    A model that is made in a function is gone before the program ends; to hold it would hold its
    device's memory. Its dictionaries live as long as its run does, which ends when it dies.

    Attributes:
        signature: MLflow's form of what one call of it took and gave back, when that was seen.
        inputs: Tensors without values of the shapes and types that it took; `placed` of the
            first were given by their place.
    """

    def __init__(self, root: nn.Module) -> None:
        model = unwrapped(root)
        self.signature: dict[str, str | None] | None = None
        self.inputs: dict[str, Any] = {}
        self.placed = 0
        self.kind = type(model)
        held = vars(model)
        self.state = {name: held[name] for name in STATE if name in held}
        self.plain = {
            key: value
            for key, value in held.items()
            if key not in self.state and structure.holds_nothing(value)
        }  # fmt: skip

    def model(self) -> nn.Module | None:
        """The model again, of its class and with its parts; its constructor is not called."""
        if hasattr(self.kind, "__del__"):
            return None  # the program's own code would run when this copy dies
        again: nn.Module = object.__new__(self.kind)
        nn.Module.__init__(again)
        vars(again).update(self.plain)
        vars(again).update(self.state)
        return again


def save(
    run: Run, kept: list[Remains], title: str = "model", *, also: str = "", once: bool = True
) -> None:
    """Save the models of a training; several under their classes' names.

    `also` is a second name for the same files. What is saved again and again takes its own place
    (`once` false).
    """
    for remains in kept:
        model = remains.model()
        if model is None:
            continue
        end = "" if len(kept) == 1 else f"_{remains.kind.__qualname__}".replace("<locals>", "")
        name = run.unique("model", title + end) if once else title + end
        details = {"also": also + end} if also else {}
        run.log_model(name, model, flavor="torch", signature=remains.signature, **details)


def export(run: Run, kept: list[Remains]) -> None:
    """Export the models of a training."""
    from . import exporting

    for remains in kept:
        model = remains.model()
        if model is not None:
            exporting.export(run, remains, model)
