"""`DataLoader`: which data a loop goes through, how they are called, and in what batches."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any

from torch.utils.data import RandomSampler

from autolog.following import datasets
from autolog.following.naming import Given
from autolog.live import Run

from . import contents
from .names import part_of

if TYPE_CHECKING:
    from .training import Training

MOST = 20
"""Datasets that one run describes."""


class Loop:
    """One iteration over a loader.

    Attributes:
        name: What the program calls the loader.
        number: Counts the iterations of this thread.
        steps: Whether a training made steps while it lasted.
        part: Which part of the data it goes over, as far as its name says.
        shared: Whether the same place of the program goes over several parts.
        iterator: torch's own iterator, held weakly; its death ends the loop.
        began: When it began, until its time is told.
    """

    def __init__(self, loader: Any, name: str, number: int, shared: bool) -> None:
        self.loader = weakref.ref(loader)
        self.name = name
        self.number = number
        self.steps = False
        self.shared = shared
        self.part = part_of(name)
        self.began: float | None = time.perf_counter()
        self.iterator: weakref.ref[Any] | None = None

    @property
    def over(self) -> bool:
        """Whether its iterator is gone."""
        return self.iterator is not None and self.iterator() is None


def settings(loader: Any) -> dict[str, Any]:
    """What a loader was told; of one with a sampler of whole batches what that was told."""
    batches = getattr(loader, "batch_sampler", None)
    sampler = getattr(batches, "sampler", None) or getattr(loader, "sampler", None)
    size = getattr(loader, "batch_size", None) or getattr(batches, "batch_size", None)
    generator = getattr(loader, "generator", None)
    collate = getattr(loader, "collate_fn", None)
    found = {
        "batch_size": size,
        "shuffle": isinstance(sampler, RandomSampler),
        "sampler": type(sampler).__name__,
        "num_workers": getattr(loader, "num_workers", None),
        "drop_last": getattr(loader, "drop_last", None),
        "pin_memory": getattr(loader, "pin_memory", None) or None,
        "persistent_workers": getattr(loader, "persistent_workers", None) or None,
        "prefetch_factor": getattr(loader, "prefetch_factor", None),
        "seed": generator.initial_seed() if generator is not None else None,
        "collate_fn": None if _is_default(collate) else contents.transform(collate),
    }
    return {key: value for key, value in found.items() if value is not None}


def _is_default(collate: Any) -> bool:
    return collate is None or getattr(collate, "__module__", "").startswith("torch.utils.data.")


def train(training: Training, loop: Loop, kept: datasets.Kept) -> None:
    """The data that a training goes through first, and in what batches."""
    loader = loop.loader()
    if loader is None:
        return
    told = settings(loader)
    training.run.log_params(
        {k: told[k] for k in ("batch_size", "shuffle", "num_workers") if k in told}
    )
    loop.steps = True
    seen(training, loop, kept)


ROLES = {"val": "validation", "eval": "validation", "test": "test", "train": "train"}


def seen(training: Training, loop: Loop, kept: datasets.Kept) -> None:
    """Describe the data of a loop over a loader, once for each dataset; as the training's where
    steps were made in it, else as their name says.
    """
    loader = loop.loader()
    dataset = getattr(loader, "dataset", None)
    if dataset is None or len(training.data) >= MOST:
        return
    if not _first_time(training, dataset, loop.name):
        return
    role = "train" if loop.steps else ROLES.get(loop.part, "validation")
    found = record(training.run, loader, loop.name or role, role, kept)
    if found is not None and role == "train" and training.first_data is None:
        training.first_data = found


def record(
    run: Run, loader: Any, name: str, role: str, kept: datasets.Kept
) -> tuple[str, dict[str, Any]] | None:
    """Describe the data behind a loader by the name that the program has for them.

    Gives the key and the facts of those that do not lie in memory.
    """
    if not kept.described or run.light or not run.wants("dataset", name):
        return None
    dataset = loader.dataset
    told = contents.told(dataset)
    kind = told.pop("kind")
    extra = {"dataset": kind, "loader": settings(loader)}
    if kind != "TensorDataset":
        extra["kind"] = kind
    rows = told.pop("rows", None)
    extra |= told
    data, target = contents.in_memory(dataset)
    if data is None:
        form = contents.form(dataset, rows)
        facts = {"name": name, "role": role, "kind": kind, **form, **extra}
        key = run.unique("dataset", name)
        run.fact("dataset", key, facts)
        return key, facts
    if role == "train" and not datasets.of(run).train:
        datasets.trained_on(run, Given(data, name), kept, target=target, extra=extra)
    else:
        datasets.key_of(run, Given(data, name), kept, target, role=role, extra=extra)
    return None


def _first_time(training: Training, dataset: Any, name: str) -> bool:
    """Whether a dataset is met first; lists cannot be told apart but by their names."""
    try:
        reference: Any = weakref.ref(dataset)
    except TypeError:
        known, training.data[name] = training.data.get(name), True
        return known is None
    known = training.data.get(id(dataset))
    training.data[id(dataset)] = reference
    return known is None or known() is not dataset
