"""Files that the program saves and loads itself: which, when, and whose they are."""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

import autolog
from autolog.live import Run

from .scene import Scene
from .training import Training

MOST = 200
LARGEST = 1 << 28
"""Bytes of a file that is digested; it has just been written, or read, by the program."""
SEARCHED = 50
"""Newest runs of the store in which the maker of a file is sought."""


class Loaded(NamedTuple):
    """A file that the program has loaded."""

    path: str
    digest: str | None


_makers: dict[str, str] = {}
_living: weakref.WeakValueDictionary[str, Run] = weakref.WeakValueDictionary()


def path_of(target: Any) -> Path | None:
    """The file that is saved to or loaded from; None for what is in memory."""
    name = target if isinstance(target, str | os.PathLike) else getattr(target, "name", None)
    if not isinstance(name, str | os.PathLike):
        return None
    path = Path(os.fsdecode(name))
    return path if path.is_file() else None


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, unless it is large."""
    if path.stat().st_size > LARGEST:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def saved(training: Training, value: Any, target: Any, *, copied: bool = False) -> None:
    """The program has saved something: note the file with the step, and what it holds.

    A copy is kept with the run where that is asked for, one for each step.
    """
    path = path_of(target)
    columns = training.checkpoints
    if path is None or len(columns["file"]) >= MOST:
        return
    if hasattr(target, "flush") and not getattr(target, "closed", True):
        digest = None  # still being written: its bytes are not all there
    else:
        digest = digest_of(path)
    row = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "sha256": digest,
        "step": training.step,
        "epoch": training.epoch or None,
        "holds": _content(value),
    }
    for key, one in row.items():
        columns[key].append(one)
    if digest is not None:
        made(digest, training.run)
    training.run.log_table("checkpoints", columns)
    if copied:
        training.run.log_artifact(path, f"checkpoints/{training.step}/{path.name}")


def made(digest: str, run: Run) -> None:
    """Note whose a file of that digest is."""
    _makers[digest] = run.id
    _living[digest] = run


def maker(digest: str | None) -> Run | None:
    """The run of this process that saved a file, as long as somebody has it."""
    return _living.get(digest or "")


def maker_id(run: Run, digest: str | None) -> str | None:
    """The run that saved a file, in this process or before it."""
    return _makers.get(digest or "") or _sought(run, digest)


def _content(value: Any) -> str:
    if isinstance(value, dict):
        keys = [str(key) for key in list(value)[:12]]
        return ", ".join(keys)
    return type(value).__qualname__


def loaded(scene: Scene, source: Any) -> None:
    """The program has loaded a file."""
    path = path_of(source)
    if path is not None:
        scene.loaded = Loaded(str(path.resolve()), digest_of(path))


def is_from(training: Training, scene: Scene) -> bool:
    """Whether the file that was loaded last is one that the training saved.

    One that was saved into an open file has no digest: its name tells.
    """
    file: Loaded | None = scene.loaded
    if file is None:
        return False
    names = (str(Path(name).resolve()) for name in training.checkpoints["file"])
    return maker(file.digest) is training.run or file.path in names


def models_in(value: Any) -> list[nn.Module]:
    """What was saved as a whole: a model by itself, or in a dictionary."""
    held = value.values() if isinstance(value, dict) else (value,)
    return [one for one in held if isinstance(one, nn.Module)]


def filled(scene: Scene, model: Any) -> None:
    """A model was given the state that was loaded last."""
    if scene.loaded is not None:
        scene.filled[id(model)] = weakref.ref(model), scene.loaded


def resumed(run: Run, scene: Scene, models: list[Any]) -> None:
    """Name the file that a training goes on from, and the run that made it."""
    for model in models:
        known = scene.filled.pop(id(model), None)
        if known is None or known[0]() is not model:
            continue
        file = known[1]
        run.set_tag("resumed_file", file.path)
        before = maker_id(run, file.digest)
        if before is not None:
            run.set_tag("resumed_from", before)
        return


def _sought(run: Run, digest: str | None) -> str | None:
    """The run of an earlier process that saved a file."""
    if digest is None:
        return None
    with contextlib.suppress(Exception):
        for one in autolog.search_runs(limit=SEARCHED):
            table = one.tables.get("checkpoints") if one.id != run.id else None
            if table and digest in table["columns"]["sha256"]:
                return str(one.id)
    return None
