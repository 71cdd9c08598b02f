"""One process of a pair: `python -m benchmarks.worker CASE plain|autolog|mlflow FOLDER`."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from typing import Any

from .cases import CASES


def main(case: str, mode: str, folder: str) -> None:
    """Time the case's first round and its later ones in CPU seconds of the whole process."""
    make, rounds = CASES[case]
    one_round = make()
    before = peak()
    began = time.process_time()
    enable(mode, folder)
    enabling = time.process_time() - began
    first = timed(one_round)
    later = [timed(one_round) for _ in range(rounds)]
    found = {
        "enable": enabling,
        "first": first,
        "later": statistics.median(later) if later else first,
        "peak_added": peak() - before,
    }
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


def timed(one_round: Any) -> float:
    """CPU seconds of one round, all threads of the process together."""
    began = time.process_time()
    one_round()
    return time.process_time() - began


def peak() -> int:
    """The process's greatest resident size so far, in bytes (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
