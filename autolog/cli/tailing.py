"""`tail`: a run's newest records, and those that come."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator

from rich.text import Text

from ..codec import from_wire
from ..records import Record
from ..rendering.text import clean, date, value_text
from ..search import find_run
from ..status import status_of
from ..store import Store
from .terminal import open_store, print_lines

PAUSE = 0.5
"""Seconds between two looks; more where reading the run takes long itself."""


def tail(backend: str | None, name: str, *, follow: bool = False, lines: int = 20) -> None:
    """Print the last `lines` records, and with `follow` each new one until the run ends."""
    store = open_store(backend)
    run = find_run(store, name).id
    seen: dict[str, int] = {}
    newest = sorted(_new(store, run, seen, max(0, lines)), key=lambda record: record.time)
    print_lines(_line(record) for record in newest[-lines:] if lines > 0)
    try:
        while follow and not _look(store, run, seen):
            pass
    except KeyboardInterrupt:
        return


def _look(store: Store, run: str, seen: dict[str, int]) -> bool:
    """Print what came since the last look; whether the run was over before this one."""
    began = time.monotonic()
    over = status_of(Store(store.backend).folded(run), store.root) != "running"
    fresh = sorted(_new(store, run, seen), key=lambda record: record.time)
    print_lines(_line(record) for record in fresh)
    sys.stdout.flush()
    if not over:
        time.sleep(max(PAUSE, 4 * (time.monotonic() - began)))
    return over


def _new(store: Store, run: str, seen: dict[str, int], most: int | None = None) -> Iterator[Record]:
    """Records that were not `seen` yet (next seq by writer), at most the last `most` of each."""
    kept: dict[str, deque[Record]] = {}
    for record in store.backend.records(run):
        if record.seq >= seen.get(record.writer, 0):
            seen[record.writer] = record.seq + 1
            kept.setdefault(record.writer, deque(maxlen=most)).append(record)
    for records in kept.values():
        yield from records


def _line(record: Record) -> Text:
    value = from_wire(record.value)
    line = Text(f"{date(record.time, '%H:%M:%S')}  ", style="dim")
    line.append(f"{record.kind:<8} ", style="cyan")
    line.append(f"{clean(from_wire(record.key), 48)}  " if record.key else "")
    if record.kind == "metric" and isinstance(value, int | float):
        line.append(value_text(value))
        line.append(f"  step {record.step}" if record.step is not None else "", style="dim")
    else:
        line.append(value_text(value, 100))
    return line
