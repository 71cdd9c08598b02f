"""Metric points by hand: `python -m benchmarks.points autolog|mlflow FOLDER [COUNT]`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Log = Callable[[str, float, int], Any]


def main(mode: str, folder: str, count: int = 50_000) -> None:
    """Log `count` points one by one; median and p99 of a call in µs of CPU, and points a second."""
    log, close = loggers(mode, folder)
    for step in range(500):
        log("warm", 0.5, step)
    spent = sorted(one_by_one(log, count))
    began = time.thread_time()
    for step in range(count):
        log("again", 1.0 / (step + 1), step)
    whole = time.thread_time() - began
    close()
    found = {
        "median_us": spent[count // 2] / 1e3,
        "p99_us": spent[count * 99 // 100] / 1e3,
        "points_per_second": count / whole,
    }
    print(json.dumps(found))


def one_by_one(log: Log, count: int) -> list[int]:
    """Nanoseconds of CPU that each call took in this thread."""
    clock = time.thread_time_ns
    spent = [0] * count
    for step in range(count):
        before = clock()
        log("loss", 1.0 / (step + 1), step)
        spent[step] = clock() - before
    return spent


def loggers(mode: str, folder: str) -> tuple[Log, Callable[[], Any]]:
    """The function that logs one point, and the one that closes the run."""
    if mode == "mlflow":
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{folder}.db")
        mlflow.start_run()
        return lambda key, value, step: mlflow.log_metric(key, value, step=step), mlflow.end_run
    import autolog

    autolog.autolog(backend=folder)
    run = autolog.start_run("points")
    run.__enter__()
    return (
        lambda key, value, step: autolog.log_metric(key, value, step=step),
        lambda: run.__exit__(None, None, None),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
