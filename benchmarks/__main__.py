"""Runs every benchmark in interleaved pairs of processes and prints the tables.

`python -m benchmarks [--rounds N] [--only CASE] [--mlflow PYTHON] [--json FILE]`. Figures are
medians of CPU seconds: wall time and single runs mean little on a shared machine. Numerical
libraries get one thread, since waiting threads burn CPU that nobody asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import stores
from .cases import CASES

ROOT = Path(__file__).parent.parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Figures = dict[str, float]


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join([*CASES, *OTHERS])
    parser.add_argument("--rounds", type=int, default=5, help="pairs of processes for each case")
    parser.add_argument(
        "--only", action="append", metavar="CASE", choices=[*CASES, *OTHERS], help=f"one of {names}"
    )
    parser.add_argument("--mlflow", metavar="PYTHON", help="an interpreter that has MLflow")
    parser.add_argument("--store", action="append", help="sqlite or postgresql; both if not given")
    parser.add_argument("--size", type=float, default=1.0, help="of what stores are filled with")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name in options.only or [*CASES, *OTHERS]:
        found[name] = OTHERS[name](options) if name in OTHERS else fits(name, options)
        print(f"{name}: {shown(found[name])}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def fits(case: str, options: argparse.Namespace) -> Figures:
    """Added CPU milliseconds and ratio of a case, over alternating processes."""
    modes = ["plain", "autolog", *(["mlflow"] if options.mlflow and CASES[case].peers else [])]
    results: dict[str, list[Figures]] = {mode: [] for mode in modes}
    for index in range(options.rounds):
        for mode in modes:
            if mode != "mlflow" or index < 2:
                results[mode].append(worker(mode, case, options))
    plain = medians(results["plain"])
    found = {"plain_ms": 1e3 * plain["later"]}
    for mode in modes[1:]:
        found |= added(mode, plain, medians(results[mode]))
    return found


def added(mode: str, plain: Figures, with_it: Figures) -> Figures:
    """What `with_it` has more than `plain`, in milliseconds, megabytes, and as a ratio."""
    found = {
        "added_ms": 1e3 * (with_it["later"] - plain["later"]),
        "ratio": with_it["later"] / plain["later"],
        "wall_added_ms": 1e3 * (with_it["wall"] - plain["wall"]),
        "first_added_ms": 1e3 * (with_it["first"] - plain["first"]),
        "enable_ms": 1e3 * with_it["enable"],
        "peak_added_mb": (with_it["peak_added"] - plain["peak_added"]) / 1e6,
    }
    if "own" in with_it:
        found["own_ms"] = 1e3 * with_it["own"]
    return {f"{mode}_{name}": figure for name, figure in found.items()}


def points(options: argparse.Namespace) -> Figures:
    """Metric points by hand."""
    ours = [child(sys.executable, "points", "autolog", "{store}") for _ in range(options.rounds)]
    found = {f"autolog_{name}": figure for name, figure in medians(ours).items()}
    if options.mlflow:
        peer = child(options.mlflow, "points", "mlflow", "{store}", "2000")
        found |= {f"mlflow_{name}": figure for name, figure in peer.items()}
    return found


def steps(options: argparse.Namespace) -> dict[str, Figures]:
    """Loops of torch: what a step and a batch of an evaluation take, in µs of CPU."""
    pairs = str(4 * options.rounds)
    return {loop: child(sys.executable, "steps", loop, "{store}", pairs) for loop in LOOPS}


def points_read(options: argparse.Namespace) -> Figures:
    """A run of a million points, read in processes of their own, and shown by the command."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store"
        asked("million", "autolog", store, 1_000_000)
        found = [asked("points", "autolog", store) for _ in range(options.rounds)]
        show = [wall("show", "--backend", store) for _ in range(options.rounds)]
    return {**medians(found), "show_process_ms": statistics.median(show)}


def search(options: argparse.Namespace) -> Figures:
    """10,000 runs searched by fresh processes, the first of which finds no index.

    MLflow gets a tenth of them, since it takes minutes to write them.
    """
    found: Figures = {"start_ms": statistics.median(wall("--version") for _ in range(3))}
    peers = [(options.mlflow, "mlflow", 1000)] if options.mlflow else []
    for python, mode, runs in ((sys.executable, "autolog", 10_000), *peers):
        with tempfile.TemporaryDirectory() as folder:
            store = f"{folder}/store"
            asked("fill", mode, store, runs, python)
            first = asked("ask", mode, store, runs, python)
            later = [asked("ask", mode, store, runs, python) for _ in range(options.rounds)]
            found |= {f"{mode}_{runs}_cold_search_ms": first["search_ms"]}
            found |= {f"{mode}_{runs}_{name}": one for name, one in medians(later).items()}
    return found


def asked(
    what: str, mode: str, store: str, amount: int = 0, python: str = sys.executable
) -> Figures:
    """What a process of `benchmarks.search` printed."""
    command = [python, "-m", "benchmarks.search", what, mode, store, *[str(amount)] * bool(amount)]
    found: Figures = json.loads(run(command, ROOT).splitlines()[-1])
    return found


def wall(*words: str) -> float:
    """Milliseconds by the clock of the command `autolog`, its start among them."""
    began = time.perf_counter()
    run([sys.executable, "-m", "autolog", *words], ROOT)
    return 1e3 * (time.perf_counter() - began)


def imports(options: argparse.Namespace) -> Figures:
    """CPU milliseconds and resident megabytes of `import` and enabling over bare Python."""
    programs = {
        "import": (sys.executable, "import autolog"),
        "enable": (sys.executable, "from autolog import autolog; autolog()"),
    }
    if options.mlflow:
        programs["mlflow"] = (options.mlflow, "import mlflow; mlflow.autolog(silent=True)")
    found: Figures = {}
    for name, (python, code) in programs.items():
        pairs = [(cost(python, "pass"), cost(python, code)) for _ in range(options.rounds)]
        found[f"{name}_ms"] = statistics.median(1e3 * (b[0] - a[0]) for a, b in pairs)
        found[f"{name}_mb"] = statistics.median((b[1] - a[1]) / 1e6 for a, b in pairs)
    return found


def cost(python: str, code: str) -> tuple[float, int]:
    """CPU seconds and peak bytes of a fresh interpreter that runs `code`."""
    tail = (
        "\nimport time; spent = time.process_time()"
        f"\nimport sys; sys.path.insert(0, {str(ROOT)!r})"
        "\nfrom benchmarks.worker import peak; print(spent, peak())"
    )
    with tempfile.TemporaryDirectory() as folder:
        seconds, size = run([python, "-c", code + tail], Path(folder)).split()[-2:]
    return float(seconds), int(size)


def worker(mode: str, case: str, options: argparse.Namespace) -> Figures:
    """One process of a case; MLflow is slow enough to be seen in few rounds."""
    python = options.mlflow if mode == "mlflow" else sys.executable
    rounds = min(CASES[case].rounds, 3) if mode == "mlflow" else CASES[case].rounds
    return child(python, "worker", case, mode, "{store}", str(rounds))


def child(python: str, module: str, *words: str) -> Figures:
    """What one process printed; `{store}` among its words is a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        given = [word.format(store=Path(folder, "store")) for word in words]
        printed = run([python, "-m", f"benchmarks.{module}", *given], ROOT)
    found: Figures = json.loads(printed.splitlines()[-1])
    return found


def run(command: list[str], folder: Path) -> str:
    """The standard output of a program; ends this one where it fails."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    environ |= dict.fromkeys(THREADS, "1")
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles his imports anew each time
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def medians(results: list[Figures]) -> Figures:
    """The median of each figure."""
    return {key: statistics.median(r[key] for r in results) for key in results[0]}


def shown(figures: Any) -> str:
    """Figures on one line; of several things on a line each."""
    if any(isinstance(value, dict) for value in figures.values()):
        return "".join(f"\n  {key}: {shown(value)}" for key, value in figures.items())
    return "  ".join(f"{key} {value:,.2f}" for key, value in figures.items())


LOOPS = ("step_0.3ms", "step_1ms", "step_5ms", "step_gpt")
OTHERS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "points": points, "points_read": points_read, "steps": steps, "search": search,
    "imports": imports, "sql": stores.sql, "server": stores.server, "delivery": stores.delivery,
}  # fmt: skip

if __name__ == "__main__":
    main()
