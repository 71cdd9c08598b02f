"""What SQL stores cost: points written, runs searched, histories read.

`python -m benchmarks.sql write|single|fill|ask|read URI [AMOUNT]` prints one JSON object.
"""

from __future__ import annotations

import json
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from autolog.backend import Backend
from autolog.opening import open_backend
from autolog.query import Query, Window
from autolog.records import Record
from autolog.search import answer
from autolog.store import Store

RUN, WRITER = "a" * 32, "b" * 32
BATCH = 5000
FILTER = "metrics.accuracy > 0.5 and metrics.loss < 0.4"


def main(what: str, uri: str, amount: str = "1000000") -> None:
    """Do one thing and print its figures."""
    backend = open_backend(uri)
    work: dict[str, Callable[[Backend, int], Any]] = {
        "write": write,
        "single": single,
        "fill": fill,
        "ask": ask,
        "read": read,
    }
    print(json.dumps(work[what](backend, int(amount))))


def measured(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock and of CPU, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def points(count: int) -> Iterator[Record]:
    """One run's points of one metric."""
    chance = random.Random(0)
    yield Record(RUN, WRITER, 0, 1.7e9, "run", "", {"name": "points"})
    for i in range(1, count + 1):
        value = chance.gauss(1.0, 0.1)
        yield Record(RUN, WRITER, i, 1.7e9 + i / 50, "metric", "loss", value, i)


def write(backend: Backend, count: int) -> dict[str, float]:
    """Points of one run, in batches as a shipper sends them."""
    records = list(points(count))

    def send() -> None:
        for i in range(0, len(records), BATCH):
            backend.write(records[i : i + BATCH])

    wall, cpu, _ = measured(send)
    return {"points_per_s": count / wall, "points_per_cpu_s": count / cpu}


def single(backend: Backend, count: int) -> dict[str, float]:
    """Writes of one point each into one run; the median."""
    run, writer = secrets.token_hex(16), secrets.token_hex(16)
    backend.write([Record(run, writer, 0, 1.7e9, "run", "", {"name": "single"})])
    took = []
    for i in range(1, count + 1):
        point = Record(run, writer, i, 1.7e9 + i, "metric", "loss", 1 / i, i)
        took.append(measured(lambda p=point: backend.write([p]))[:2])
    wall, cpu = (1e3 * statistics.median(column) for column in zip(*took, strict=True))
    return {"single_ms": wall, "single_cpu_ms": cpu}


def fill(backend: Backend, count: int) -> dict[str, float]:
    """Runs with two params, two metrics and an end."""
    chance = random.Random(1)

    def send() -> None:
        for start in range(0, count, 500):
            batch: list[Record] = []
            for number in range(start, min(start + 500, count)):
                batch += one_run(number, chance)
            backend.write(batch)

    wall, cpu, _ = measured(send)
    return {"runs_per_s": count / wall, "runs_per_cpu_s": count / cpu}


def one_run(number: int, chance: random.Random) -> list[Record]:
    """A short run that ended."""
    facts: list[tuple[Any, ...]] = [
        ("run", "", {"name": f"run {number}", "experiment": "wine", "integration": "sklearn"}),
        ("param", "C", chance.random()),
        ("param", "model", chance.choice(("Ridge", "Lasso", "Tree"))),
        ("metric", "accuracy", chance.random(), 1),
        ("metric", "loss", chance.random(), 1),
        ("end", "", {"status": "finished"}),
    ]
    run = f"{number:032x}"
    return [
        Record(run, WRITER, seq, 1.7e9 + number, *fact[:3], *fact[3:])
        for seq, fact in enumerate(facts)
    ]


def ask(backend: Backend, count: int) -> dict[str, float]:
    """A filter on two metrics with order and limit, among all runs of the store."""
    best, newest = ("metrics.accuracy DESC",), ()
    few, some = (f"metrics.accuracy > {least} and metrics.loss < 0.4" for least in (0.9999, 0.98))
    text = "params.model = 'Ridge' and metrics.loss < 0.4"
    spread = "metrics.accuracy > 0.9 and metrics.loss < 0.1 and params.C < 0.1"
    queries = {
        "by_metric": Query(FILTER, None, best, 100),
        "newest": Query(FILTER, None, newest, 100),
        "few": Query(few, None, newest, 100),
        "few_by_metric": Query(few, None, best, 100),
        "fiftieth": Query(some, None, newest, 100),
        "three_tenths": Query(spread, None, newest, 100),
        "text": Query(text, None, ("metrics.loss DESC",), 100),
    }
    found: dict[str, float] = {}
    for name, query in queries.items():
        answer(Store(backend), query)
        turns = sorted(measured(lambda q=query: answer(Store(backend), q))[:2] for _ in range(5))
        found |= {f"{name}_ms": 1e3 * turns[2][0], f"{name}_cpu_ms": 1e3 * turns[2][1]}
    return found


def read(backend: Backend, count: int) -> dict[str, float]:
    """The history of `write`'s metric, thinned out and whole."""
    found: dict[str, float] = {}
    for name, window in (("thinned", Window(limit=1000)), ("whole", Window())):
        turns = [measured(lambda w=window: backend.history(RUN, "loss", w)) for _ in range(3)]
        wall, cpu, _ = min(turns, key=lambda turn: turn[1])
        found |= {f"{name}_ms": 1e3 * wall, f"{name}_cpu_ms": 1e3 * cpu}
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
