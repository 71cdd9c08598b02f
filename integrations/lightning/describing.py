"""What a run says of a model and of how it is trained, before the first step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from autolog import following
from autolog.live import Run

from ..torch import checkpoints
from ..torch import describing as modules
from . import params
from .fitting import Fit

LOGGED = "lightning.logged"
"""Under it a run's state holds the names of what was logged while it trained."""


def title(model: Any) -> str:
    """The name of the model's class."""
    return type(model).__qualname__.rpartition(".")[2]


def model(run: Run, module: Any, *, summary: bool) -> None:
    """Class, size, layers, device and versions of a module."""
    run.log_params(dict(modules.sizes(module, "model")), chosen=("model",))
    package = type(module).__mro__
    base = next((one for one in package if one.__name__ == "LightningModule"), type(module))
    top = sys.modules.get(base.__module__.partition(".")[0])
    run.set_tags(
        {
            **modules.placed([module]),
            "lightning_version": getattr(top, "__version__", "unknown"),
        }
    )
    if summary and not run.light:
        run.log_table("layers", modules.layers([module]))


def training(fit: Fit, trainer: Any) -> None:
    """All params; where two have one name and differ, the later is told by its full name.

    Hyperparameters first, then the optimizers' and the Trainer's settings.
    """
    found: dict[str, Any] = {}
    module = trainer.lightning_module
    _add(found, "hparams_", params.hyperparameters(trainer.datamodule, module))
    _add(found, "", params.configured(trainer))
    optimizers = list(trainer.optimizers)
    prefixes = params.prefixes(optimizers, fit.optimizers)
    for optimizer, prefix in zip(optimizers, prefixes, strict=True):
        _add(found, "optimizer_", dict(params.optimizer_params(optimizer, prefix)))
        fit.learners.append((optimizer, prefix, []))
    for i, config in enumerate(trainer.lr_scheduler_configs):
        owner = getattr(config.scheduler, "optimizer", None)
        prefix = next((p for o, p in zip(optimizers, prefixes, strict=True) if o is owner), "")
        prefix = prefix if i == 0 or prefix else f"{i + 1}_"
        told = fit.schedulers.get(id(config.scheduler), {})
        _add(found, "", dict(params.scheduler_params(config, told, prefix)))
    settings, told_settings = params.trainer_params(trainer)
    chosen = set(found)
    _add(found, "trainer_", settings)
    chosen |= {n for n in (*told_settings, *(f"trainer_{s}" for s in told_settings)) if n in found}
    callbacks = params.callback_params(trainer.callbacks)
    _add(found, "", callbacks)
    fit.run.log_params(found, chosen=chosen | callbacks.keys())


def _add(found: dict[str, Any], prefix: str, more: dict[str, Any]) -> None:
    for key, value in more.items():
        name = key if key not in found or _same(found[key], value) else f"{prefix}{key}"
        found.setdefault(name, value)


def _same(one: Any, other: Any) -> bool:
    return type(one) in (bool, int, float, str, type(None), list) and one == other


# -- what was before ---------------------------------------------------------------------------


def continued(run: Run, module: Any, ckpt_path: Any) -> None:
    """Name the run that trained this very module before, or that saved what it goes on from."""
    file = checkpoints.path_of(ckpt_path) if ckpt_path is not None else None
    if file is not None:
        resumed(run, file, "resumed")
        return
    before, link = following.maker(module)
    if before is not None and before is not run and link == "exact":
        run.set_tag("continued_from", before.id)


def resumed(run: Run, file: Path, word: str) -> None:
    """Name a file that weights come from, and the run that made it."""
    run.set_tag(f"{word}_file", str(file.resolve()))
    before = checkpoints.maker_id(run, checkpoints.digest_of(file))
    if before is not None:
        run.set_tag(f"{word}_from", before)
