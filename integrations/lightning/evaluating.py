"""`validate`, `test` and `predict`: what they found, on the run of the model that was judged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from autolog import following
from autolog.integration import Call
from autolog.live import Run

from ..torch import checkpoints
from . import data, describing
from .fitting import is_number

if TYPE_CHECKING:
    from . import Lightning

LARGEST = 8_000_000
"""Bytes of weights beyond which they are not digested."""

ROLES = {"validate": "validation", "test": "test", "predict": "predict"}


def model_of(call: Call) -> Any:
    """The module that a method of the Trainer is about; itself, where it came compiled."""
    model = call.arg("model")
    if model is None:
        return getattr(call.instance, "lightning_module", None)
    return getattr(model, "_orig_mod", model)


def likeness(model: Any) -> bytes | None:
    """A digest of all weights, which copies share; None for large ones, or on an accelerator."""
    found = hashlib.blake2b(digest_size=16)
    size = 0
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or not tensor.is_cpu:
            return None
        size += tensor.numel() * tensor.element_size()
        if size > LARGEST or tensor.layout != torch.strided:
            return None
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.digest() if size else None


class Evaluation:
    """One call that judges a model: the run that it belongs to, which may be one of its own."""

    def __init__(self, integration: Lightning, call: Call) -> None:
        self._integration = integration
        self._call = call
        self._how = call.function.__name__
        self._own: Evaluation | None = None
        self.run = self._known()
        if self.run is None and self._how != "predict":
            self._open()

    def _known(self) -> Run | None:
        """The run that trained the model, or saved the checkpoint that it is given."""
        path = self._call.arg("ckpt_path")
        file = checkpoints.path_of(path) if path not in (None, "best", "last") else None
        run = None if file is None else checkpoints.maker(checkpoints.digest_of(file))
        model = model_of(self._call)
        if run is None and model is not None:
            run, _ = following.maker(model, likeness)
        return run

    def _open(self) -> None:
        model, self._own = model_of(self._call), self
        if model is None:
            return
        integration = self._integration
        name = f"{describing.title(model)} {self._how}"
        self.run = integration.standing.open(
            self, self._call, name, integration.name, lambda run: None
        )
        describing.model(self.run, model, summary=True)
        path = self._call.arg("ckpt_path")
        file = None if path is None else checkpoints.path_of(path)
        if file is not None:
            describing.resumed(self.run, file, "checkpoint")

    def found(self) -> None:
        """Record what came out, by Lightning's names, and the data."""
        run, call = self.run, self._call
        if run is None:
            return
        trainer = call.instance
        numbers: dict[str, Any] = {}
        for part in call.result if self._how != "predict" else ():
            numbers.update({k: v for k, v in part.items() if is_number(v)})
        self._write(run, numbers)
        loaders = "val_dataloaders" if self._how == "validate" else f"{self._how}_dataloaders"
        given = getattr(trainer, loaders, None)
        name, role = data.named(call, ROLES[self._how]), ROLES[self._how]
        data.record(run, given, role, name, trainer.datamodule, self._integration.kept)

    def _write(self, run: Run, numbers: Mapping[str, Any]) -> None:
        """A name that the training itself has used gets the method's before it."""
        call = self._call
        weights = call.arg("ckpt_path")
        told = {
            "call": None if call.site is None else call.site.call_text(),
            "site": None if call.site is None else str(call.site),
            "weights": None if weights is None else str(weights),
        }
        info = {key: value for key, value in told.items() if value is not None}
        step = call.instance.fit_loop.epoch_loop._batches_that_stepped
        trained = run.state.get(describing.LOGGED, ())
        for name, value in numbers.items():
            key = f"{self._how}_{name}" if name in trained else name
            run.point(run.unique("lightning.judged", key), value, step, info)

    def over(self) -> None:
        """End the run that was opened for this call alone."""
        if self._own is not None:
            self._own = None
            self._integration.standing.end(self, self._call.error)
