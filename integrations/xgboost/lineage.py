"""Models that are trained on from others: which run made the other, and what it was."""

from __future__ import annotations

import hashlib
import os
import sys
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any

from autolog import following
from autolog.live import Run

from .models import booster_of, raw

MOST = 256
PIECE = 1 << 20

_runs: OrderedDict[str, str] = OrderedDict()
"""Ids of runs by the digest of the model that they ended with."""
_digests: weakref.WeakKeyDictionary[Any, tuple[int, bytes]] = weakref.WeakKeyDictionary()
"""Of boosters that were trained here, as they were after so many rounds."""


def forget() -> None:
    """Forget all models, when the recording is switched off."""
    _runs.clear()
    _digests.clear()


def trained(booster: Any, run: Run) -> None:
    """Note whose the booster is: this object, what is loaded from its file, and its copies."""
    digest = hashlib.sha256(raw(booster)).digest()
    _digests[booster] = booster.num_boosted_rounds(), digest
    following.trained(booster, run, digest)
    _runs[digest.hex()] = run.id
    if len(_runs) > MOST:
        _runs.popitem(last=False)


def version() -> dict[str, str]:
    """The tag that names the library."""
    return {"xgboost_version": str(sys.modules["xgboost"].__version__)}


def likeness(booster: Any) -> bytes:
    """What copies of a booster share; of one that has just been trained it is known."""
    rounds, digest = _digests.get(booster) or (None, b"")
    if rounds is None or rounds != booster.num_boosted_rounds():
        digest = hashlib.sha256(raw(booster)).digest()
    return digest


def continued(run: Run, model: Any) -> None:
    """Record what a training goes on from: a booster, a model that holds one, a file, bytes.

    The digest is that of the model's file in ubj, as `models` names it in the other run.
    """
    if model is None:
        return
    digest, text = _digest(model)
    own = following.maker(booster_of(model))[0] if digest and not text else None
    parent = own.id if own is not None else _runs.get(digest or "")
    tags = {"continued_from": parent, "continued_from_model": digest}
    run.log_params({"xgb_model": text or type(model).__qualname__}, chosen=["xgb_model"])
    run.set_tags({name: value for name, value in tags.items() if value})


def _digest(model: Any) -> tuple[str | None, str]:
    """The SHA-256 of what is gone on from, and its path if it is a file."""
    if isinstance(model, str | os.PathLike):
        path = os.fsdecode(model)
        return _of_file(Path(path).expanduser()), str(path)
    if isinstance(model, bytes | bytearray):
        return hashlib.sha256(model).hexdigest(), f"{len(model)} bytes"
    return hashlib.sha256(raw(model)).hexdigest(), ""


def _of_file(path: Path) -> str | None:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
    except OSError:  # no such file, or one that xgboost alone can open
        return None
    return found.hexdigest()
