"""The data of a training: its loaders, by the name that the program has for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from autolog.following import datasets
from autolog.live import Run

from ..torch import loaders

NAMES = {
    "train": "train_dataloaders",
    "validation": "val_dataloaders",
    "test": "dataloaders",
    "predict": "dataloaders",
}
"""The parameter of the Trainer's method that takes the data of each role."""


def named(call: Any, role: str) -> str:
    """How the program calls what it hands over; empty where that is no name."""
    name = str(call.variable(NAMES[role]))
    return name if name != "unknown" and re.fullmatch(r"[\w.]+(\[[^\]]*\])?", name) else ""


def listed(given: Any) -> Iterator[tuple[str, Any]]:
    """The loaders in a loader, a list or a mapping of them, or Lightning's own combination."""
    inner = getattr(given, "iterables", given)
    if isinstance(inner, Mapping):
        for key, one in inner.items():
            yield f"[{key!r}]", one
    elif isinstance(inner, list | tuple):
        for i, one in enumerate(inner):
            yield (f"[{i}]" if len(inner) > 1 else ""), one
    elif inner is not None:
        yield "", inner


def record(
    run: Run, given: Any, role: str, name: str, datamodule: Any, kept: datasets.Kept
) -> None:
    """Describe the data of one role."""
    for suffix, loader in listed(given):
        dataset = getattr(loader, "dataset", None)
        if dataset is None:
            continue
        known = f"{name}{suffix}" if name else _held(datamodule, dataset) or role + suffix
        loaders.record(run, loader, known, role, kept)
        if role == "train" and not suffix:
            told = loaders.settings(loader)
            names = ("batch_size", "shuffle", "num_workers")
            run.log_params({k: told[k] for k in names if k in told}, chosen=("batch_size",))


def _held(datamodule: Any, dataset: Any) -> str:
    """Under what name a data module has a dataset."""
    held = vars(datamodule) if datamodule is not None else {}
    return next((name for name, value in held.items() if value is dataset), "")
