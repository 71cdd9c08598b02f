"""`DataLoader`: which data a loop goes through, how they are called, and in what batches."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from autolog.following import datasets
from autolog.following.naming import Given

from .names import part_of

if TYPE_CHECKING:
    from .training import Training


class Loop:
    """One iteration over a loader.

    Attributes:
        name: What the program calls the loader.
        number: Counts the iterations of this thread.
        steps: Whether a training made steps while it lasted.
        part: Which part of the data it goes over, as far as its name says.
        shared: Whether the same place of the program goes over several parts.
        iterator: torch's own iterator, held weakly; its death ends the loop.
    """

    def __init__(self, loader: Any, name: str, number: int, shared: bool) -> None:
        self.loader = weakref.ref(loader)
        self.name = name
        self.number = number
        self.steps = False
        self.shared = shared
        self.part = part_of(name)
        self.iterator: weakref.ref[Any] | None = None

    @property
    def over(self) -> bool:
        """Whether its iterator is gone."""
        return self.iterator is not None and self.iterator() is None


def settings(loader: Any) -> dict[str, Any]:
    """What a loader was told."""
    sampler = getattr(loader, "sampler", None)
    found = {
        "batch_size": getattr(loader, "batch_size", None),
        "shuffle": type(sampler).__name__ == "RandomSampler",
        "sampler": type(sampler).__name__,
        "num_workers": getattr(loader, "num_workers", None),
        "drop_last": getattr(loader, "drop_last", None),
    }
    return {key: value for key, value in found.items() if value is not None}


def length_of(value: Any) -> int | None:
    """The length of a dataset of torch's own, or of a list; else what its `__len__` says."""
    try:
        return len(value)
    except Exception:  # a stream, or the program's own `__len__` that fails
        return None


def train(training: Training, loop: Loop, kept: datasets.Kept) -> None:
    """The data that a training goes through first, and in what batches."""
    loader = loop.loader()
    if loader is None:
        return
    told = settings(loader)
    training.run.log_params(
        {k: told[k] for k in ("batch_size", "shuffle", "num_workers") if k in told}
    )
    dataset = loader.dataset
    data, target = contents(dataset)
    extra = {"dataset": type(dataset).__qualname__, "loader": told}
    if data is None:
        facts: dict[str, Any] = {
            "name": loop.name,
            "role": "train",
            "kind": type(dataset).__qualname__,
        }
        length = length_of(dataset)
        if length is not None:
            facts["shape"] = [length]
        if kept.described and training.run.wants("dataset", loop.name):
            training.run.dataset({**facts, "loader": told})
        return
    given = Given(data, loop.name)
    datasets.trained_on(training.run, given, kept, target=target, extra=extra)


def contents(dataset: Any) -> tuple[Any, Any]:
    """The data and the target of a dataset in memory (`TensorDataset`); None for all others."""
    if isinstance(dataset, torch.Tensor) or type(dataset).__name__ == "ndarray":
        return dataset, None
    tensors = vars(dataset).get("tensors") if type(dataset).__name__ == "TensorDataset" else None
    if not isinstance(tensors, tuple) or not tensors:
        return None, None
    return tensors[0], tensors[1] if len(tensors) > 1 else None
