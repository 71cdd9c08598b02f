"""Runs every benchmark in interleaved pairs of processes and prints the tables.

`python -m benchmarks [--rounds N] [--only CASE] [--mlflow PYTHON] [--json FILE]`. Figures are CPU
seconds of whole processes and medians: wall time and single runs mean little on a shared machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .cases import CASES

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of processes for each case")
    parser.add_argument("--only", action="append", help="a case, `points` or `imports`")
    parser.add_argument("--mlflow", metavar="PYTHON", help="an interpreter that has MLflow")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    wanted = options.only or [*CASES, "points", "imports"]
    found: dict[str, Any] = {}
    for name in wanted:
        run = {"points": points, "imports": imports}.get(name)
        found[name] = run(options) if run else fits(name, options)
        print(f"{name}: {shown(found[name])}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def fits(case: str, options: argparse.Namespace) -> dict[str, float]:
    """Added CPU milliseconds and ratio of a case, over alternating processes."""
    modes = ["plain", "autolog", *(["mlflow"] if options.mlflow else [])]
    results: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    for index in range(options.rounds):
        for mode in modes:
            if mode != "mlflow" or index < 2:  # it is slow enough to be seen in two
                results[mode].append(child("worker", mode, options, case, mode))
    found: dict[str, float] = {}
    plain = medians(results["plain"])
    for mode in modes[1:]:
        with_it = medians(results[mode])
        found[f"{mode}_added_ms"] = 1e3 * (with_it["later"] - plain["later"])
        found[f"{mode}_ratio"] = with_it["later"] / plain["later"]
        found[f"{mode}_first_added_ms"] = 1e3 * (with_it["first"] - plain["first"])
        found[f"{mode}_enable_ms"] = 1e3 * with_it["enable"]
        found[f"{mode}_peak_added_mb"] = (with_it["peak_added"] - plain["peak_added"]) / 1e6
    found["plain_ms"] = 1e3 * plain["later"]
    return found


def points(options: argparse.Namespace) -> dict[str, float]:
    """Metric points by hand."""
    found = {}
    results = [child("points", "autolog", options, "autolog") for _ in range(options.rounds)]
    found.update({f"autolog_{k}": v for k, v in medians(results).items()})
    if options.mlflow:
        peer = child("points", "mlflow", options, "mlflow", "2000")
        found.update({f"mlflow_{k}": v for k, v in peer.items()})
    return found


def imports(options: argparse.Namespace) -> dict[str, float]:
    """CPU milliseconds and resident megabytes of `import` and enabling over bare Python."""
    programs = {
        "import": (sys.executable, "import autolog"),
        "enable": (sys.executable, "from autolog import autolog; autolog()"),
    }
    if options.mlflow:
        programs["mlflow"] = (options.mlflow, "import mlflow; mlflow.autolog(silent=True)")
    found: dict[str, float] = {}
    for name, (python, code) in programs.items():
        pairs = [(cost(python, "pass"), cost(python, code)) for _ in range(options.rounds)]
        found[f"{name}_ms"] = statistics.median(1e3 * (b[0] - a[0]) for a, b in pairs)
        found[f"{name}_mb"] = statistics.median((b[1] - a[1]) / 1e6 for a, b in pairs)
    return found


def cost(python: str, code: str) -> tuple[float, int]:
    """CPU seconds and peak bytes of a fresh interpreter that runs `code`."""
    tail = "\nimport resource as r, time; print(time.process_time(), r.getrusage(0).ru_maxrss)"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", code + tail], cwd=folder, capture_output=True, text=True, check=True
        )
    seconds, kib = done.stdout.split()[-2:]
    return float(seconds), int(kib) * 1024


def child(module: str, mode: str, options: argparse.Namespace, *words: str) -> dict[str, float]:
    """What one process of a pair printed."""
    python = options.mlflow if mode == "mlflow" else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store")
        arguments = [*words[:2], store, *words[2:]] if module == "worker" else [words[0], store]
        done = subprocess.run(
            [python, "-m", f"benchmarks.{module}", *arguments, *words[1:][: module == "points"]],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(words)} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def medians(results: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {key: statistics.median(r[key] for r in results) for key in results[0]}


def shown(figures: dict[str, float]) -> str:
    """Figures on one line."""
    return "  ".join(f"{key} {value:,.2f}" for key, value in figures.items())


if __name__ == "__main__":
    main()
