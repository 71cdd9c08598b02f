"""Whether a run without an `end` is still running: asked of the operating system, or of time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from . import process
from .records import Status

SILENCE = 300.0
"""Seconds without a record after which a run on another machine counts as lost."""


class Standing(Protocol):
    """What the status is told by; a folded run has it, and so has its summary."""

    @property
    def outcome(self) -> Status | None: ...
    @property
    def processes(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def newest(self) -> float: ...


def status_of(run: Standing, root: Path | None, now: float | None = None) -> Status:
    """The run's status at `now` (Unix seconds, by default the present).

    An `end` decides. Else the processes of the newest attempt are asked for: one that lives is
    enough for `running`; where none can be asked, the age of the newest record decides. `root`
    is the folder of a local store, below which the marks of signals lie; None elsewhere.
    """
    if run.outcome is not None:
        return run.outcome
    answers = [process.is_alive(facts) for facts in run.processes]
    if any(answers):
        return "running"
    if None in answers or not answers:
        age = (time.time() if now is None else now) - run.newest
        if age < SILENCE:
            return "running"
    killed = root is not None and any(_marked(root, facts) for facts in run.processes)
    return "killed" if killed else "lost"


def _marked(root: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a signal left its mark; a path that leads out of the store is not looked at."""
    mark = facts.get("mark")
    if not isinstance(mark, str) or not mark:
        return False
    try:
        place = (root / mark).resolve()
        return place.is_relative_to(root.resolve()) and place.stat().st_size > 0
    except (OSError, ValueError):
        return False
