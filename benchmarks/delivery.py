"""What sending to a server costs the program that records: `python -m benchmarks.delivery`.

Pairs of processes log the same points, one into a folder alone and one to a healthy server too.
The difference of their CPU time, to the very end of the process, is what the sender cost.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from autolog.opening import open_backend

from .serving import served

ROOT = Path(__file__).parent.parent
PROGRAM = """
import sys, autolog
autolog.autolog(backend=sys.argv[2:])
with autolog.start_run("points") as run:
    for step in range(int(sys.argv[1])):
        autolog.log_metric("loss", 1 / (step + 1), step=step)
"""


def measure(points: int, pairs: int, store: str = "sqlite") -> dict[str, float]:
    """CPU seconds for so many points without and with a server, and what it took to send 100,000.

    Raises AssertionError where the server does not hold all in the end.
    """
    alone, sent = [], []
    with served(store) as (address, _), tempfile.TemporaryDirectory() as folder:
        for number in range(pairs):
            alone.append(spent(Path(folder, f"alone-{number}"), points))
            sent.append(spent(Path(folder, f"sent-{number}"), points, address))
        backend = open_backend(address)
        held = [sum(backend.acked(run).values()) for run in backend.run_ids()]
        backend.close()
    assert len(held) == pairs
    assert min(held) > points
    return {
        "alone_s": statistics.median(alone),
        "with_server_s": statistics.median(sent),
        "sending_s_per_100000": statistics.median(
            (b - a) * 1e5 / points for a, b in zip(alone, sent, strict=True)
        ),
    }


def spent(folder: Path, points: int, *remotes: str) -> float:
    """CPU seconds of a program that logs `points` into a folder, and to `remotes`."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    environ |= {
        "AUTOLOG_EXIT_TIMEOUT": "600",
        "XDG_STATE_HOME": f"{folder}-state",
        "XDG_CACHE_HOME": f"{folder}-cache",
    }
    words = [sys.executable, "-c", PROGRAM, str(points), str(folder), *remotes]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=ROOT, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:3] or (100_000, 5))))
