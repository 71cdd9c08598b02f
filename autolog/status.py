"""Whether a run without an `end` is still running: asked of the operating system, or of time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import process
from .fold import Folded
from .records import Status

SILENCE = 300.0
"""Seconds without a record after which a run on another machine counts as lost."""


def status_of(folded: Folded, root: Path | None, now: float | None = None) -> Status:
    """The run's status at `now` (Unix seconds, by default the present).

    An `end` decides. Else the processes of the newest attempt are asked for: one that lives is
    enough for `running`; where none can be asked, the age of the newest record decides. `root`
    is the folder of a local store, below which the marks of signals lie; None elsewhere.
    """
    if folded.end is not None:
        return _ended(folded.end.value)
    writers = [fact.value for fact in folded.openings if fact.order[0] == folded.attempts[-1]]
    answers = [process.is_alive(facts) for facts in writers]
    if any(answers):
        return "running"
    if None in answers or not answers:
        age = (time.time() if now is None else now) - folded.newest
        if age < SILENCE:
            return "running"
    killed = root is not None and any(_marked(root, facts) for facts in writers)
    return "killed" if killed else "lost"


def _ended(value: Any) -> Status:
    given = value.get("status") if isinstance(value, dict) else None
    for known in ("failed", "killed"):
        if given == known:
            return known
    return "finished"


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
