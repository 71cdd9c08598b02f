"""Which model a training goes on from, and by what a copy of a booster is known."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from autolog import following
from autolog.live import Run

LARGEST = 64_000_000
"""Bytes of a model's file beyond which it is not read."""


def class_name(booster: Any) -> str:
    """`lightgbm.basic.Booster`."""
    return f"{type(booster).__module__}.{type(booster).__qualname__}"


def likeness(booster: Any) -> bytes | None:
    """A digest that copies of a booster share: of how many trees it has, and of the last.

    Each tree follows from all before it, and one is written in half a millisecond.
    """
    rounds = booster.current_iteration()
    if rounds < 1:
        return None
    text = booster.model_to_string(num_iteration=1, start_iteration=rounds - 1)
    return _digest(booster.num_trees(), text)


def likeness_of_text(text: str) -> bytes | None:
    """The same of a model's whole text."""
    count = text.count("\nTree=")
    return _digest(count, text) if count else None


def _digest(trees: int, text: str) -> bytes:
    body, _, _ = text.partition("\nend of trees")
    _, _, last = body.rpartition("\nTree=")
    _, _, tree = last.partition("\n")
    return hashlib.sha256(f"lightgbm {trees}\n{tree.strip()}".encode()).digest()


def named(model: Any) -> str | None:
    """A model that is gone on from: its file, or its class."""
    if model is None:
        return None
    return str(model) if isinstance(model, str | Path) else type(model).__qualname__


class _Asked:
    """Stands for a model that is a file."""


def continued(run: Run, model: Any) -> None:
    """Say which run's model a training goes on from, where that is known, and the model's digest.

    The digest is that of the text, as `Booster.save_model` writes it and as the other run has it
    among the files of its model.
    """
    if isinstance(model, str | Path):
        text = _read(Path(model))
        known = None if text is None else likeness_of_text(text)
        before = following.maker(_Asked(), lambda _: known)[0]
    elif hasattr(type(model), "model_to_string"):
        before, text = following.maker(model, likeness)[0], model.model_to_string()
    else:
        return
    if before is not None and before.id != run.id:
        run.set_tag("continued_from", before.id)
    if text is not None:
        run.set_tag("continued_from_model", hashlib.sha256(text.encode("utf-8")).hexdigest())


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8") if path.stat().st_size <= LARGEST else None
    except (OSError, ValueError):  # LightGBM will say so
        return None
