"""The guard round all our own work: an error of ours is told once and never reaches the program."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import NamedTuple

from .errors import AutologError, BackendError


class Note(NamedTuple):
    """One error or remark of ours, kept for `autolog doctor`."""

    place: str
    text: str
    times: int


_notes: dict[tuple[str, str], int] = {}
_said: set[str] = set()

RECORDS = "storing records"
"""The place of the error that tells what becomes of records whose store fails."""


def strict() -> bool:
    """Whether our errors are raised instead of kept (`AUTOLOG_STRICT=1`, for tests)."""
    return os.environ.get("AUTOLOG_STRICT", "") not in ("", "0")


def silent() -> bool:
    """Whether our lines on stderr are withheld (`AUTOLOG_SILENT=1`)."""
    return os.environ.get("AUTOLOG_SILENT", "") not in ("", "0")


def counted(number: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {what}{'s' * (number != 1)}"


def notes() -> list[Note]:
    """What this process has had to report so far, oldest first."""
    return [Note(place, text, times) for (place, text), times in _notes.items()]


def clear_notes() -> None:
    """Forget all notes and what was said (a new session, or the next test)."""
    _notes.clear()
    _said.clear()


def say(line: str, *, once: str | None = None) -> None:
    """Print one line of ours on stderr; with `once` only the first time under that name."""
    if silent() or (once is not None and once in _said):
        return
    if once is not None:
        _said.add(once)
    if sys.stderr is not None:  # else there is none, and descriptor 2 may be some other file
        with _Quiet():
            sys.stderr.write(f"autolog: {line}\n")


def note(place: str, text: str) -> None:
    """Keep a remark for `doctor` without printing it."""
    _notes[(place, text)] = _notes.get((place, text), 0) + 1


def report(place: str, error: BaseException) -> None:
    """Keep an error of ours, and say it once for each place.

    Of a store only one error is said in all, and none after the line that says where records go.
    """
    ours = isinstance(error, AutologError)
    text = f"{error}" if ours else f"{type(error).__name__}: {error}"
    text = (text.splitlines() or [""])[0][:300]
    note(place, text)
    once = place
    if isinstance(error, BackendError) and place != RECORDS:
        once = RECORDS if RECORDS in _said else "the store"
    say(f"{place}: {text} (your program is not affected; see `autolog doctor`)", once=once)


class guarded:
    """`with guarded("saving the model"): ...` keeps an `Exception` of ours from the program.

    Only `Exception` is kept: Ctrl-C and `SystemExit` pass through. With `AUTOLOG_STRICT=1` the
    error is raised all the same. `failed` tells afterwards whether something was kept.
    """

    __slots__ = ("failed", "place")

    def __init__(self, place: str) -> None:
        self.place = place
        self.failed = False

    def __enter__(self) -> guarded:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self.failed = True
        try:
            with _Quiet():
                report(self.place, error)
            return not strict()
        except RecursionError:  # no stack is left, not even for these few calls
            return True


class _Quiet:
    """Swallows an error of the reporting itself (a closed stderr), the last line of defence."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        return isinstance(error, Exception)
