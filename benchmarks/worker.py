"""One process of a pair: `python -m benchmarks.worker CASE plain|autolog|mlflow FOLDER ROUNDS`."""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from .cases import CASES


def main(case: str, mode: str, folder: str, rounds: str) -> None:
    """Time the case's first round and `rounds` later ones in CPU seconds."""
    one_round = CASES[case].make()
    gc.collect()  # what the imports left is no debt of whoever allocates next
    before = peak()
    began = cpu()
    enable(mode, folder)
    enabling = cpu() - began
    first = timed(one_round)
    later = [timed(one_round) for _ in range(int(rounds))]
    found = {
        "enable": enabling,
        "first": first[0],
        "later": statistics.median(cpu for cpu, _ in later),
        "wall": statistics.median(wall for _, wall in later),
        "peak_added": peak() - before,
    }
    if mode == "autolog":
        found["own"] = own_time(folder)
    print(json.dumps(found))


def enable(mode: str, folder: str) -> None:
    """Switch on what `mode` names."""
    if mode == "autolog":
        from autolog import autolog

        autolog(backend=folder)
    elif mode == "mlflow":
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{folder}.db")
        mlflow.autolog(silent=True)


def timed(one_round: Any) -> tuple[float, float]:
    """CPU seconds of one round, and seconds by the clock."""
    began, clock = cpu(), time.perf_counter()
    one_round()
    return cpu() - began, time.perf_counter() - clock


def cpu() -> float:
    """CPU seconds so far of the process, all threads together, and of the children it awaited."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def own_time(folder: str) -> float:
    """The median of what the runs say that autolog's own code took, in CPU seconds."""
    import autolog

    runs = autolog.search_runs(backend=folder)
    return float(statistics.median(run.system["autolog.overhead"] for run in runs))


def peak() -> int:
    """The process's greatest resident size so far, in bytes.

    Not `ru_maxrss`, which on Linux begins with the size of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
