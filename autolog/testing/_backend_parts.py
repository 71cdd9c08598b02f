"""What the backend suite is made of: hard values, bad paths, writers in other processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from autolog.backend import Backend
from autolog.codec import escape_text, to_wire
from autolog.records import Kind, Record

Opener = Callable[[str], Backend]

HARD_VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "one": 1,
    "one as float": 1.0,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "-0.0": -0.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "tenth": 0.1,
    "max int": 2**63 - 1,
    "min int": -(2**63),
    "beyond 64 bits": 2**63,
    "beyond unsigned": -(2**64) - 1,
    "googol": 10**100,
    "empty": "",
    "U+0000": "a\x00b",
    "surrogate": "\ud800 and \udfff",
    "escape": "\x1a001a",
    "line ends": "a\nb\r\nc\u2028d\u0085e",
    "quotes": "'; drop table records; -- \" \\",
    "emoji": "👩‍🔬 ñ",
    "megabyte": "x" * 1_000_000,
    "bytes": bytes(range(256)),
    "dollar keys": {"$float": "nan", "$$": 1, "": 2},
    "nested": {"a": [1, [2.0, {"b": [None, {"c": float("nan")}]}]], "d": {}, "e": []},
}
"""Values that stores have been known to lose."""

HARD_KEYS = ("loss", "a/b c", "%_'\"\\", "ключ", "x" * 1000, "a\x00b", "\udc80", "$x", "..", "CON")
"""Names of params and metrics that are as good as any other."""

BAD_PATHS = (
    "",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a/..",
    "a/./b",
    ".",
    "./a",
    "a//b",
    "a/",
    "//server/share",
    "\\\\server\\share",
    "a\\..\\..\\x",
    "..\\x",
    "C:/x",
    "c:x",
    "C:\\x",
    "a\x00b",
    "a/\x00",
    "\ud800",
)
"""Paths that would leave the run, here or on another system, or that no system can hold."""

ODD_PATHS = (
    "a.txt",
    "b/c/d.bin",
    "with space/and ümlaut.txt",
    "%2e%2e/x",
    "100%.txt",
    "a#b?c",
    "colon: no drive",
    "star*<>|\"'",
    "CON",
    "nul.txt",
    "trailing.",
    "trailing ",
    "...",
    "-rf",
    ".hidden",
    "line\nbreak",
    "👩‍🔬",
)
"""Paths that are legal, if not everywhere easy."""


def record(
    run: str,
    writer: str,
    seq: int,
    value: Any = None,
    *,
    kind: Kind = "metric",
    key: str = "loss",
    step: int | float | None = None,
    info: dict[str, Any] | None = None,
) -> Record:
    """A record whose key, value and info are brought into wire form."""
    wire_info = None if info is None else to_wire(info)
    time = 1.7e9 + seq / 7
    return Record(run, writer, seq, time, kind, escape_text(key), to_wire(value), step, wire_info)


def series(run: str, writer: str, start: int, stop: int) -> list[Record]:
    """Metric records `start` to `stop - 1`, whose content follows from their seq."""
    return [record(run, writer, seq, seq * 0.1, step=seq) for seq in range(start, stop)]


def light_series(run: str, writer: str, stop: int) -> list[Record]:
    """A light run's opening and metric records up to seq `stop - 1`."""
    opening = record(run, writer, 0, {"light": True}, kind="run", key="")
    return [opening, *series(run, writer, 1, stop)]


def exact(records: Iterable[Record]) -> list[bytes]:
    """Records in a form that compares what `==` does not tell apart: 1 and 1.0, 0.0 and -0.0."""
    ordered = sorted(records, key=lambda one: (one.run, one.writer, one.seq))
    return [msgspec.json.encode(one, order="sorted") for one in ordered]


def write_series(opener: Opener, uri: str, run: str, writer: str, count: int) -> None:
    """In another process: write `count` records one by one."""
    backend = opener(uri)
    for one in series(run, writer, 0, count):
        backend.write([one])
    backend.close()


def write_for_ever(opener: Opener, uri: str, run: str, writer: str, told: Connection) -> None:
    """In another process: write records, and tell the count of those whose write has returned."""
    backend = opener(uri)
    seq = 0
    while True:
        batch = series(run, writer, seq, seq + 1 + seq % 3)
        backend.write(batch)
        seq += len(batch)
        told.send(seq)


def fork_writes(backend: Backend, records: Sequence[Record], patience: float) -> int:
    """Exit code of a forked child that writes `records`; -14 if it took `patience` seconds."""
    import signal

    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, patience)
        code = 1
        try:
            backend.write(records)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Background:
    """A thread that calls `step(0)`, `step(1)`, ... while the `with` block runs."""

    def __init__(self, step: Callable[[int], None]) -> None:
        self._step = step
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self.count = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._step(self.count)
                self.count += 1
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
