"""`tail`: a run's newest records, and those that come; on a terminal with how far it has come."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from rich.live import Live
from rich.text import Text

from ..codec import from_wire
from ..records import Record
from ..rendering.jsonform import record_json
from ..rendering.progress import live_line
from ..rendering.text import clean, date, value_text
from ..search import find_run
from ..status import status_of
from ..store import Store
from ..view import PROGRESS, TOTAL, RunView
from .terminal import console, open_store, place, print_notes, width

PAUSE = 0.5
"""Seconds between two looks; more where reading the run takes long itself."""


def tail(
    backend: str | None, name: str, *, follow: bool = False, lines: int = 20, as_json: bool = False
) -> None:
    """Print the last `lines` records, and with `follow` each new one until the run ends."""
    store = open_store(backend)
    try:
        if follow and name == "@latest":
            _await_run(store)
    except KeyboardInterrupt:
        return
    view = find_run(store, name)
    run = view.id
    seen: dict[str, int] = {}
    newest = sorted(_new(store, run, seen, max(0, lines)), key=lambda record: record.time)
    with Screen(live=follow and not as_json, as_json=as_json) as screen:
        screen.counted = TOTAL in view.system
        screen.print(newest[-lines:] if lines > 0 else ())
        try:
            while follow and not _look(store, run, seen, screen):
                pass
        except KeyboardInterrupt:
            return
    print_notes(store)


def _await_run(store: Store) -> None:
    """Wait for the first run of a store that has none yet."""
    if not Store(store.backend).summaries():
        print(f"autolog: no runs in {place(store)} yet; waiting for one", file=sys.stderr)
        while not Store(store.backend).summaries():
            time.sleep(PAUSE)


class Screen:
    """Where records are printed; on a terminal with a line below them that is drawn anew.

    Attributes:
        counted: Whether that line counts what is done, so that the records need not.
    """

    counted = False

    def __init__(self, *, live: bool, as_json: bool) -> None:
        self._json = as_json
        self._console = console()
        self._live: Live | None = None
        self._stack = ExitStack()
        if live and self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._stack.enter_context(self._live)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def print(self, records: Iterable[Record]) -> None:
        for record in records:
            if self._live is not None and self.counted and record.key == PROGRESS:
                continue
            if self._json:
                sys.stdout.write(json.dumps(record_json(record)) + "\n")
            else:
                self._console.print(_line(record), soft_wrap=True)
        sys.stdout.flush()

    def show(self, run: RunView) -> None:
        if self._live is not None:
            # The last column stays free: terminals differ on what follows a full line.
            self._live.update(live_line(run, width() - 1, time.time()), refresh=True)


def _look(store: Store, run: str, seen: dict[str, int], screen: Screen) -> bool:
    """Print what came since the last look; whether the run was over before this one."""
    began = time.monotonic()
    view = RunView(Store(store.backend), run)
    over = status_of(view.folded, store.root) != "running"
    screen.counted = TOTAL in view.system
    screen.print(sorted(_new(store, run, seen), key=lambda record: record.time))
    if not over:
        screen.show(view)
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
