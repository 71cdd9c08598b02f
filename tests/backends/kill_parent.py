"""Forks writers, kills each at a random moment, and prints what they had been promised.

`python kill_parent.py ROOT COUNT SEED` prints one JSON object for each killed child: its runs, and
for each the count of appends that had returned. It is a program of its own, so that children are
forked from a small process with one thread.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from autolog.backends.local import LocalBackend

from autolog.spill import Fact, ResilientWriter

RUNS = 3
BATCHES = (1, 1, 1, 4, 1, 30)


def fact(number: int) -> Fact:
    """The content of the fact of this number: long now and then, so that writes take time."""
    value: Any = number if number % 7 else "x" * (number % 50_000)
    return (1.7e9 + number, "metric", f"m{number}", value, number, None)


def write_for_ever(root: Path, child: int, promised: mmap.mmap) -> None:
    """Append to a plain, a light and a many-times-ended run; count what has returned."""
    writer = ResilientWriter(LocalBackend(root), lambda: None)
    runs = [run_id(child, index) for index in range(RUNS)]
    for index, run in enumerate(runs):
        opening = {"name": f"run {index}", "light": index == 1}
        writer.append(run, [(0.0, "run", "", opening, None, None)])
    done = 0
    while True:
        count = BATCHES[done % len(BATCHES)]
        facts = [fact(done + i) for i in range(count)]
        for index, run in enumerate(runs):
            if index == 2 and done % 40 == 0:
                facts = [*facts[:-1], (0.0, "end", "", {"status": "finished"}, None, None)]
            writer.append(run, facts)
            struct.pack_into("<q", promised, 8 * index, done + count)
        done += count


def run_id(child: int, index: int) -> str:
    """The id of a child's run."""
    return f"{child:08x}{index:024x}"


def main(root: Path, count: int, seed: int) -> None:
    """Keep two children going at a time; each is killed 0 to 20 ms after its first promise.

    Every fourth is killed 0 to 20 ms after it was forked, whatever it has done by then.
    """
    chance = random.Random(seed)
    alive: list[tuple[int, int, mmap.mmap, float]] = []
    started = 0
    while started < count or alive:
        if started < count and len(alive) < 2:
            promised = mmap.mmap(-1, 8 * RUNS)
            pid = os.fork()
            if pid == 0:
                write_for_ever(root, started, promised)
            alive.append((pid, started, promised, time.monotonic()))
            started += 1
            continue
        pid, child, promised, since = alive.pop(0)
        while child % 4 and not any(promised[:]) and time.monotonic() - since < 60:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.02)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        told = struct.unpack_from(f"<{RUNS}q", promised)
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({"child": child, "told": told, "signal": signalled}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
