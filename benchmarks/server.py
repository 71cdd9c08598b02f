"""What a server carries: points over HTTP into a database, and many clients at once.

`python -m benchmarks.server sqlite|postgresql|URI [POINTS]` starts a real server process, sends to
it as a shipper does, and prints one JSON object. `… lasting STORE [MINUTES]` loads it and prints
its memory each minute; `… upload STORE [MEGABYTES]` sends one large file. Client, server and
database share the machine's cores.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import psutil

from autolog.backend import Backend
from autolog.opening import open_backend
from autolog.query import Query
from autolog.records import Record
from autolog.search import answer
from autolog.store import Store

from .serving import Peak, cpu, megabytes, served

BATCH = 5000
SMALL = 10
"""Points of a small write, as a program sends that has just reported a few metrics."""
PAUSE = 0.05
"""Seconds between a client's calls under lasting load."""
CROWDS = (1, 16, 64)
FILTER = "metrics.loss > 2"
Figures = dict[str, float]


def main(store: str, points: str = "500000") -> None:
    """Run all and print the figures."""
    with served(store) as (address, process):
        found = ingest(address, process, int(points))
        for clients in CROWDS:
            found |= crowd(address, clients, int(points) // 1000)
        found |= crowd(address, CROWDS[-1], CROWDS[-1] * 10, pause=1.0)
        found["server_mb"] = megabytes(process)
    print(json.dumps(found))


# -- points ------------------------------------------------------------------------------------


def batches(points: int) -> Iterator[list[Record]]:
    """One run's points of ten metrics, as a shipper cuts them."""
    chance, run, writer = random.Random(0), secrets.token_hex(16), secrets.token_hex(16)
    yield [Record(run, writer, 0, time.time(), "run", "", {"name": "load"})]
    for start in range(1, points + 1, BATCH):
        yield [
            Record(run, writer, i, 1.7e9 + i / 50, "metric", f"m{i % 10}", chance.random(), i)
            for i in range(start, min(start + BATCH, points + 1))
        ]


def ingest(address: str, process: psutil.Process, points: int) -> Figures:
    """Points a second from one client, and where the CPU time went."""
    backend, made = open_backend(address), list(batches(points))
    wall, own, other = time.perf_counter(), time.process_time(), cpu(process)
    for batch in made:
        backend.write(batch)
    wall = time.perf_counter() - wall
    backend.close()
    return {
        "points_per_s": points / wall,
        "client_us_per_point": (time.process_time() - own) / points * 1e6,
        "server_us_per_point": (cpu(process) - other) / points * 1e6,
    }


# -- many clients ------------------------------------------------------------------------------


def crowd(address: str, clients: int, calls: int, pause: float = 0.0) -> Figures:
    """How long small writes and searches take, in ms, where so many make one after another.

    With a `pause` in seconds between a client's calls: a shipper's is one.
    """
    each = max(calls // clients, 2)
    found: Figures = {}
    for name, work in (("write", writes), ("search", searches)):
        began = time.perf_counter()
        took = sorted(together(address, clients, work, each, pause))
        wall = time.perf_counter() - began
        case = f"{name}_{clients}{'_paced' if pause else ''}"
        for part in (50, 95, 99):
            found[f"{case}_p{part}_ms"] = 1e3 * took[len(took) * part // 100]
        found[f"{case}_per_s"] = len(took) / wall
    return found


Work = Callable[[Backend, int], Iterator[None]]


def together(address: str, clients: int, work: Work, each: int, pause: float = 0.0) -> list[float]:
    """The seconds of all calls of that many threads, each with connections of its own."""
    took: list[float] = []
    failed: list[BaseException] = []

    def one() -> None:
        backend = open_backend(address)
        calls = work(backend, each)
        try:
            while True:
                time.sleep(random.uniform(0, 2 * pause))
                began = time.perf_counter()
                next(calls)
                took.append(time.perf_counter() - began)
        except StopIteration:
            backend.close()  # all calls are done
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return took


def writes(backend: Backend, calls: int) -> Iterator[None]:
    """Small writes into a run of its own."""
    run, writer = secrets.token_hex(16), secrets.token_hex(16)
    for turn in range(calls):
        batch = [
            Record(run, writer, i, time.time(), "metric", "loss", i / 7, i)
            for i in range(turn * SMALL, (turn + 1) * SMALL)
        ]
        backend.write(batch)
        yield


def searches(backend: Backend, calls: int) -> Iterator[None]:
    """The newest runs that match a filter."""
    for _ in range(calls):
        answer(Store(backend), Query(FILTER, None, (), 20))
        yield


# -- for long ----------------------------------------------------------------------------------


def lasting(store: str, minutes: str = "10", clients: str = "8") -> None:
    """Writes, searches and histories for so long; the server's memory each minute."""
    with served(store) as (address, process):
        over = threading.Event()
        threads = [
            threading.Thread(target=_load, args=(address, over, i)) for i in range(int(clients))
        ]
        for thread in threads:
            thread.start()
        for minute in range(int(minutes) + 1):
            print(json.dumps({"minute": minute, **held(process)}), flush=True)
            over.wait(60 if minute < int(minutes) else 0)
        over.set()
        for thread in threads:
            thread.join()


def held(process: psutil.Process) -> Figures:
    """What the server holds: memory, threads, files and connections; and the CPU so far."""
    return {
        "rss_mb": round(megabytes(process), 1),
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "connections": len(process.net_connections()),
        "cpu_s": round(cpu(process), 1),
    }


def _load(address: str, over: threading.Event, number: int) -> None:
    """Runs that come one after another, each of 50,000 points, asked for now and then."""
    backend = open_backend(address)
    for batch in itertools.chain.from_iterable(batches(50_000) for _ in itertools.count()):
        backend.write(batch)
        if over.wait(PAUSE):
            break
        run = batch[0].run
        if number % 2:
            answer(Store(backend), Query(FILTER, None, (), 20))
            Store(backend).summary(run)
    backend.close()


# -- a large file ------------------------------------------------------------------------------


def upload(store: str, megabytes_: str = "5000") -> None:
    """Send one file of so many MB; how long it took, and the most that both sides held."""
    size = int(megabytes_) * 1_000_000
    with served(store) as (address, process), tempfile.TemporaryFile() as file:
        digest = hashlib.sha256()
        for _ in range(size // 1_000_000):
            piece = secrets.token_bytes(1_000_000)
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        backend, run = open_backend(address), secrets.token_hex(16)
        before = {
            "server_mb_before": megabytes(process),
            "client_mb_before": megabytes(psutil.Process()),
        }
        with Peak(process) as server, Peak(psutil.Process()) as client:
            wall, own, other = time.perf_counter(), time.process_time(), cpu(process)
            backend.send_artifact(run, "large.bin", file)
            wall = time.perf_counter() - wall
        found = {
            **before,
            "mb_per_s": size / 1e6 / wall,
            "client_cpu_s": time.process_time() - own,
            "server_cpu_s": cpu(process) - other,
            "server_mb_most": server.most,
            "client_mb_most": client.most,
        }
        assert backend.artifact_digests(run) == {"large.bin": digest.hexdigest()}
        backend.close()
    print(json.dumps(found))


if __name__ == "__main__":
    acts = {"lasting": lasting, "upload": upload}
    act = acts.get(sys.argv[1], main)
    act(*sys.argv[1 if act is main else 2 :])
