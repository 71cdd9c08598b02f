"""Notes of processes that have ended, kept with the store for `autolog doctor`."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from . import redact
from .codec import to_wire
from .reporting import Note, guarded, notes

FILE = "notes.jsonl"
LARGEST = 1_000_000
"""Bytes of the file beyond which no more is added."""
SHOWN = 20

_kept: set[tuple[Path, str, str]] = set()


def keep(root: Path, program: str) -> None:
    """Add this process's notes to the store's file, a line each; nothing where there are none."""
    found = [note for note in notes() if (root, note.place, note.text) not in _kept]
    if found:
        # That a store fails has been said by then.
        with guarded("keeping notes"), contextlib.suppress(OSError):
            _append(root / FILE, program, found)
            _kept.update((root, note.place, note.text) for note in found)


def _append(path: Path, program: str, found: list[Note]) -> None:
    if not path.parent.is_dir() or (path.exists() and path.stat().st_size > LARGEST):
        return
    lines = [
        json.dumps(to_wire(redact.redact("", [time.time(), program, *note]))).encode()
        for note in found
    ]
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(fd, b"\n".join(lines) + b"\n")
    finally:
        os.close(fd)


def latest(root: Path) -> list[dict[str, Any]]:
    """The newest notes that are kept: when, program, place, text, how often."""
    try:
        with (root / FILE).open("rb") as file:
            lines = deque(file, SHOWN)
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            when, program, place, text, times = json.loads(line)
        except (ValueError, TypeError):
            continue  # a torn line
        found.append(
            {"time": when, "program": program, "place": place, "text": text, "times": times}
        )
    return found
