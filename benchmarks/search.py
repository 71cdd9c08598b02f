"""Large stores: `python -m benchmarks.search WHAT autolog|mlflow FOLDER [COUNT]`.

`fill` writes COUNT runs of 14 params, three metrics and a few facts; `ask` searches them once in
this process; `million` writes one run of COUNT points, and `points` reads it.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

FILTER = "metrics.score > 0.9 and params.p3 = '1'"
METRICS = ("score", "loss", "seconds")
RUN = "a" * 32
Figures = dict[str, float]


def main(what: str, mode: str, folder: str, amount: int = 10_000) -> None:
    """Do one of these and print how long it took, in milliseconds by the clock and of CPU."""
    os.environ["XDG_CACHE_HOME"] = f"{folder}-cache"
    began = time.perf_counter()
    acts = {
        ("fill", "autolog"): fill,
        ("ask", "autolog"): ask,
        ("million", "autolog"): million,
        ("points", "autolog"): points,
        ("fill", "mlflow"): fill_mlflow,
        ("ask", "mlflow"): ask_mlflow,
    }
    found = acts[what, mode](folder, amount)
    print(json.dumps(found or {"seconds": time.perf_counter() - began}))


def timed(name: str, act: Callable[[], Any]) -> Figures:
    """What `act` took."""
    began, cpu = time.perf_counter(), time.process_time()
    act()
    return {
        f"{name}_ms": 1e3 * (time.perf_counter() - began),
        f"{name}_cpu_ms": 1e3 * (time.process_time() - cpu),
    }


def fill(folder: str, amount: int) -> None:
    """Runs as a loop over scikit-learn's estimators leaves them, some kB each."""
    from autolog.opening import open_backend
    from autolog.records import Record

    backend = open_backend(folder)
    draw = random.Random(0)
    start = time.time() - amount
    for number in range(amount):
        run, writer = f"{draw.getrandbits(128):032x}", f"{draw.getrandbits(128):032x}"
        facts = {"name": f"Net {number % 7}", "experiment": "bench", "integration": "bench"}
        packages = {f"package-{i}": "1.2.3" for i in range(60)}
        rows: list[tuple[Any, ...]] = [
            ("run", "", {**facts, "site": f"a.py:{number}", "attempt": 1}),
            ("system", "packages", packages),
            *(("param", f"p{i}", draw.randrange(3), None, {"set": False}) for i in range(14)),
            *(("metric", name, draw.random()) for name in METRICS),
            ("tag", "who", "bench"),
            ("end", "", {"status": "finished"}),
        ]
        backend.write([Record(run, writer, i, start + number, *row) for i, row in enumerate(rows)])
    age(folder)


def age(folder: str) -> None:
    """As if written a minute ago: what has only just changed is read each time."""
    for path in Path(folder).rglob("journal-*"):
        os.utime(path, (time.time() - 60, time.time() - 60))


def ask(folder: str, _: int) -> Figures:
    """A search, the listing and a frame; what they import is loaded before."""
    import autolog
    from autolog.cli import reading, terminal
    from autolog.opening import open_backend

    open_backend(folder).run_ids()
    question = {"filter": "", "experiment": None, "order_by": None, "include_probable": False}
    found = timed("search", lambda: autolog.search_runs(FILTER, backend=folder))
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    found |= timed("ls", lambda: reading.ls(folder, question, limit=30))
    sys.stdout = sys.__stdout__
    assert terminal
    runs = autolog.search_runs(backend=folder)
    import pandas

    assert pandas
    return found | timed("pandas", runs.to_pandas)


def million(folder: str, amount: int) -> None:
    """One run with so many points."""
    from autolog.opening import open_backend
    from autolog.records import Record

    backend = open_backend(folder)
    seqs = count()

    def records() -> Iterator[Record]:
        start = time.time() - 100
        facts = {"name": "long", "experiment": "bench", "integration": "bench"}
        yield Record(RUN, RUN, next(seqs), start, "run", "", facts)
        for step in range(amount):
            when = start + step * 1e-4
            yield Record(RUN, RUN, next(seqs), when, "metric", "loss", 1 / (step + 1), step)
        yield Record(RUN, RUN, next(seqs), time.time(), "end", "", {"status": "finished"})

    batch = []
    for record in records():
        batch.append(record)
        if len(batch) == 10_000:
            backend.write(batch)
            batch = []
    backend.write(batch)
    age(folder)


def points(folder: str, _: int) -> Figures:
    """What a run of many points takes to be folded, and its history to be read."""
    import autolog

    found = timed("fold", lambda: autolog.get_run(RUN, backend=folder).series)
    run = autolog.get_run(RUN, backend=folder)
    assert run.series
    found |= timed("history", lambda: run.history("loss"))
    history = run.history("loss")
    return found | timed("sum", lambda: sum(point.value for point in history))


def fill_mlflow(folder: str, amount: int) -> None:
    """The same runs through MLflow's client into its SQLite store."""
    from mlflow.entities import Metric, Param, RunTag

    client = _client(folder)
    draw = random.Random(0)
    experiment = client.create_experiment("bench")
    for _ in range(amount):
        run = client.create_run(experiment).info.run_id
        client.log_batch(
            run,
            [Metric(name, draw.random(), int(1e3 * time.time()), 0) for name in METRICS],
            [Param(f"p{i}", str(draw.randrange(3))) for i in range(14)],
            [RunTag("who", "bench")],
        )
        client.set_terminated(run)


def ask_mlflow(folder: str, amount: int) -> Figures:
    """The same search, and all runs as a frame."""
    import mlflow

    client = _client(folder)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    found = timed("search", lambda: client.search_runs(ids, FILTER, max_results=amount))
    return found | timed("pandas", lambda: mlflow.search_runs(ids, max_results=amount))


def _client(folder: str) -> Any:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}.db")
    return mlflow.MlflowClient()


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
