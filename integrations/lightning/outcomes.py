"""What the callbacks that watch a training know of it: what was best, why it stopped, its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from autolog.live import Run

from ..torch import checkpoints

MOST = 200
COLUMNS = ("file", "bytes", "sha256", "step", "epoch", "score", "kept")


class Saved:
    """The checkpoints of one fit: each file with its size, digest, step, and how good it was."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rows: list[dict[str, Any]] = []

    def file(self, trainer: Any, target: Any) -> None:
        """Lightning has saved a checkpoint."""
        path = checkpoints.path_of(target)
        if len(self._rows) >= MOST or not isinstance(target, str | os.PathLike):
            return
        digest = None if path is None else checkpoints.digest_of(path)
        row = {
            "file": os.fspath(target),
            "bytes": None if path is None else path.stat().st_size,
            "sha256": digest,
            "step": trainer.global_step,
            "epoch": trainer.current_epoch,
            "score": _score(trainer, target),
            "kept": True,
        }
        if digest is not None:
            checkpoints.made(digest, self._run)
        self._rows = [one for one in self._rows if one["file"] != row["file"]]
        self._rows.append(row)
        self._tell()

    def over(self, trainer: Any) -> None:
        """Say which of the files are still there, and how good each was."""
        for row in self._rows:
            row["kept"] = os.path.exists(row["file"])  # noqa: PTH110 - it may be a URL
            row["score"] = _score(trainer, row["file"]) if row["score"] is None else row["score"]
            path = checkpoints.path_of(row["file"])
            if row["sha256"] is None and path is not None:  # it was still being written
                row["sha256"], row["bytes"] = checkpoints.digest_of(path), path.stat().st_size
        if self._rows:
            self._tell()

    def _tell(self) -> None:
        columns = {name: [row[name] for row in self._rows] for name in COLUMNS}
        self._run.log_table("checkpoints", columns)


def _score(trainer: Any, target: Any) -> float | None:
    for callback in trainer.callbacks:
        known = getattr(callback, "best_k_models", None)
        if isinstance(known, dict) and target in known:
            return _number(known[target])
    return None


def _number(value: Any) -> float | None:
    """What a callback holds of a monitored metric; Lightning has compared it, so it is known."""
    item = getattr(value, "item", None)
    found = item() if item is not None else value
    return float(found) if isinstance(found, int | float) else None


def told(run: Run, callbacks: Any) -> None:
    """Record what early stopping and checkpoints have come to, of whichever package they are."""
    for callback in callbacks:
        kinds = {base.__name__ for base in type(callback).__mro__}
        facts: Iterator[tuple[str, Any]] = iter(())
        if "EarlyStopping" in kinds:
            facts = _stopping(callback)
        elif "ModelCheckpoint" in kinds:
            facts = _checkpoint(callback)
        said = f"{type(callback).__qualname__}, when the fit was over"
        for name, value in facts:
            if isinstance(value, str):
                run.set_tag(run.unique("lightning", name), value)
            else:
                run.point(run.unique("lightning", name), value, None, {"call": said})


def _stopping(callback: Any) -> Iterator[tuple[str, Any]]:
    held = vars(callback)
    best = _number(held.get("best_score"))
    if best is not None and abs(best) != float("inf"):
        yield "best_score", best
    yield "wait_count", held.get("wait_count", 0)
    if held.get("stopped_epoch"):
        yield "stopped_epoch", held["stopped_epoch"]
    reason = held.get("stopping_reason_message")
    if reason:
        yield "stopping_reason", str(reason)


def _checkpoint(callback: Any) -> Iterator[tuple[str, Any]]:
    held = vars(callback)
    best = _number(held.get("best_model_score"))
    if best is not None:
        yield "best_model_score", best
    kth = _number(held.get("kth_value")) if held.get("kth_best_model_path") else None
    if kth is not None and len(held.get("best_k_models") or ()) > 1:
        yield "kth_value", kth
    for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
        if held.get(name) and not (name == "kth_best_model_path" and kth == best):
            yield name, str(held[name])
