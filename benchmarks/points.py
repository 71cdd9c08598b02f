"""Metric points by hand: microseconds each in the caller, and points a second."""

from __future__ import annotations

import json
import sys
import time


def main(mode: str, folder: str, count: int = 50_000) -> None:
    """Log `count` points one by one and print median, p99 and rate of the calls."""
    log, close = loggers(mode, folder)
    for step in range(500):
        log("warm", 0.5, step)
    spent = [0] * count
    began = time.thread_time()
    clock = time.thread_time_ns
    for step in range(count):
        before = clock()
        log("loss", 1.0 / (step + 1), step)
        spent[step] = clock() - before
    total = time.thread_time() - began
    began = time.thread_time()
    for step in range(count):
        log("again", 1.0 / (step + 1), step)
    plain = time.thread_time() - began
    close()
    spent.sort()
    found = {
        "median_us": spent[count // 2] / 1e3,
        "p99_us": spent[count * 99 // 100] / 1e3,
        "points_per_second": count / plain,
        "with_clock_per_second": count / total,
    }
    print(json.dumps(found))


def loggers(mode: str, folder: str):  # type: ignore[no-untyped-def]
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
