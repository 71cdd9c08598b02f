"""Where the milliseconds of a fit go: `python -m benchmarks.parts [CASE [FITS]]`.

Every second fit is paused, so that what is added comes out of one process. The parts overlap:
one that calls another counts its time too.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

PARTS = (
    ("autolog.engine", "Engine._begin", "before the call"),
    ("autolog.recorder", "Recorder.open_run", "· opening the run"),
    ("autolog.recorder", "Recorder._circumstances", "· · code, host, versions"),
    ("autolog.integrations.sklearn", "Sklearn.describe", "· params and tags"),
    ("autolog.integrations.sklearn", "Sklearn.training_data", "· the data set"),
    ("autolog.data", "describe", "· · reading the data"),
    ("autolog.engine", "Begun.finish", "after the call"),
    ("autolog.integrations.sklearn.results", "report", "· metrics and tables"),
    ("autolog.saving", "save_model", "· the model"),
    ("autolog.saving", "_signature", "· · signature of its inputs"),
    ("autolog.models.pickling", "_dump_with", "· · pickle, with its file"),
    ("autolog.models.directory", "_Folder.put", "· · five more files"),
    ("autolog.models.signing", "sign", "· · Ed25519"),
    ("autolog.models.directory", "_Folder.__exit__", "· · all six onto the disk"),
    ("autolog.recorder", "Recorder.end", "· ending the run"),
    ("autolog.spill", "ResilientWriter.append", "all records"),
)

spent: Counter[str] = Counter()


def main(case: str = "small_fit", fits: str = "40") -> None:
    """Print the parts in microseconds of CPU for each fit."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    import autolog

    from .cases import CASES

    fit = CASES[case].make()
    autolog.autolog(backend=tempfile.mkdtemp())
    for _ in range(3):
        fit()
    for module, path, name in PARTS:
        watch(module, path, name)
    with_us, without, parts = [], [], []
    for _ in range(int(fits)):
        spent.clear()
        with_us.append(timed(fit))
        parts.append(dict(spent))
        with autolog.paused():
            without.append(timed(fit))
    show("added to each fit", statistics.median(with_us) - statistics.median(without))
    for _, _, name in PARTS:
        show(name, statistics.median(part.get(name, 0) for part in parts))


def show(name: str, nanoseconds: float) -> None:
    """One line of the table."""
    print(f"{name:30} {nanoseconds / 1e3:6.0f} µs")


def watch(module: str, path: str, name: str) -> None:
    """Have the time counted that a function takes."""
    owner: Any = import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    function: Callable[..., Any] = getattr(owner, last)

    def counted(*args: Any, **kwargs: Any) -> Any:
        began = time.thread_time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name] += time.thread_time_ns() - began

    setattr(owner, last, counted)


def timed(fit: Callable[[], Any]) -> int:
    """Nanoseconds of CPU that one fit takes in this thread."""
    began = time.thread_time_ns()
    fit()
    return time.thread_time_ns() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
