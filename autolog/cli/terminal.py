"""The terminal: which store is meant, and how lines are printed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rich.console import Console
from rich.text import Text

from ..opening import open_backend, open_default
from ..rendering.text import clean
from ..settings import resolve
from ..store import Store

Item = TypeVar("Item")

MANY = 100
"""Items from which on it is worth showing how far they are."""

PIPE_WIDTH = 120
"""Columns where there is no terminal and `COLUMNS` is not set."""


def width() -> int:
    """The columns of the terminal."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def open_store(backend: str | None) -> Store:
    """The store that the option names, else the settings; raises UsageError or BackendError."""
    return Store(open_backend(backend) if backend else open_default(resolve()["backend"]))


def place(store: Store) -> str:
    """How to name the store: relative to the working directory where it lies below that."""
    root = store.root
    if root is not None and root.is_relative_to(Path.cwd()):
        return f"./{root.relative_to(Path.cwd()).as_posix()}"
    return clean(store.backend.uri)


def console(stream: TextIO | None = None) -> Console:
    """A console that takes text as it is; colours only on a terminal, none under `NO_COLOR`."""
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width())


def print_lines(lines: Iterable[Text]) -> None:
    """Print without wrapping."""
    out = console()
    for line in lines:
        line.rstrip()
        out.print(line, soft_wrap=True)


def progress(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """The items; where they are many and stderr is a terminal, with a bar there that goes again."""
    if total < MANY or not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as bar:
        yield from bar.track(items, total, description=what)


def print_json(value: Any) -> None:
    """Print JSON in pure ASCII, so that no text of a store reaches the terminal as it is."""
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


def print_notes(store: Store) -> None:
    """Say on stderr what of the store could not be read."""
    for note in [*store.notes, *store.backend.notes()][:5]:
        print(f"autolog: {clean(note, 300)}", file=sys.stderr)
