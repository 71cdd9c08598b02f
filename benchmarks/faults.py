"""What a failing remote store costs a training: `python -m benchmarks.faults [STORE] [ROUNDS]`.

A program of 3,000 points, 150 naps of 10 ms and 10 files trains with no autolog, without a remote
store, with a healthy one, and with one that fails as the tests in `tests/faults` have it fail, from
the time when the training is under way. Its own seconds by the clock, those of them within calls
of autolog, and of CPU (all threads of the process), without the start of Python and the wait at
exit; medians, and the slowest by the clock, printed as a table for Markdown. STORE is what stands
behind the server: local, sqlite (the default) or postgresql.
"""

from __future__ import annotations

import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent / "tests"
sys.path += [str(TESTS / "backends"), str(TESTS / "faults")]

import fault_site as parts  # noqa: E402

Figures = tuple[float, float, float]


def bad(mode: str) -> Callable[[Any], None]:
    """The way to the server does that until the end."""

    def begin(site: Any) -> None:
        site.way.mode = mode

    return begin


def dead(site: Any) -> None:
    """Killed, half a second later back."""
    site.server.kill()
    time.sleep(0.5)
    site.server.start()


def full(site: Any) -> None:
    """No file may grow beyond 20 kB."""
    import resource

    pid = site.server.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (20_000, -1))


FAULTS: dict[str, Callable[[Any], object]] = {
    "healthy": lambda site: None,
    "refuses": lambda site: site.server.kill(),
    "hangs": bad("hang"),
    "answers 500": bad("500"),
    "answers 429, `Retry-After: 1`": bad("429"),
    "answers garbage": bad("garbage"),
    "answers with a lie (200, no JSON)": bad("lies"),
    "cuts each connection after 3 kB": bad("cut"),
    "is killed and comes back": dead,
    "is emptied and comes back": lambda site: site.empty(),
    "has a full disk": full,
}
"""What happens to the server."""
DATABASE = {"has lost its database": lambda site: site.stored.cluster.stop(signal.SIGQUIT)}
"""With PostgreSQL."""


def main(kind: str = "sqlite", rounds: str = "3") -> None:
    """Measure in turns, since other programs come and go; print the table."""
    found: dict[str, list[Figures]] = {}
    for _ in range(int(rounds)):
        found.setdefault("no autolog", []).append(alone(AUTOLOG="0"))
        found.setdefault("no remote store", []).append(alone())
        for name, fault in (FAULTS | (DATABASE if kind == "postgresql" else {})).items():
            found.setdefault(f"the server {name}", []).append(measured(kind, fault))
            print(name, found[f"the server {name}"][-1], file=sys.stderr)
    print(
        "| | seconds | slowest | in calls of autolog | slowest | CPU |\n|---|---|---|---|---|---|"
    )
    for name, rows in found.items():
        clocks, calls, spent = zip(*rows, strict=True)
        shown = [statistics.median(clocks), max(clocks), statistics.median(calls), max(calls)]
        shown.append(statistics.median(spent))
        print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in shown)} |")


def alone(**env: str) -> Figures:
    """The training without a remote store."""
    with tempfile.TemporaryDirectory() as name:
        user = parts.User(Path(name), None, "")
        program = user.begin(**{"AUTOLOG_BACKEND": str(user.store), **env})
        return figures(user.told(program))


def measured(kind: str, fault: Callable[[Any], object]) -> Figures:
    """The training while the server fails."""
    with tempfile.TemporaryDirectory() as name:
        folder, cluster = Path(name), None
        if kind == "postgresql":
            cluster = parts.stores.Cluster()
            store = parts.stores.PostgresqlStore(cluster, "runs")
        else:
            kinds = {"local": parts.stores.LocalStore, "sqlite": parts.stores.SqliteStore}
            store = kinds[kind](folder)
        site = parts.Site(folder, store)
        try:
            return figures(site.trained(lambda: fault(site)))
        finally:
            site.way.close()
            site.server.kill()
            if cluster is not None:
                cluster.remove()


def figures(told: dict[str, str]) -> Figures:
    """Seconds by the clock, those of them in the calls that log, and of CPU."""
    return float(told["SECONDS"]), float(told["CALLS"]), float(told["CPU"])


if __name__ == "__main__":
    main(*sys.argv[1:])
