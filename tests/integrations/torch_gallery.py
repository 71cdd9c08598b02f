"""The torch gallery: training scripts as people write them, and what they would have logged.

Facts stand in `programs/torch/<program>.facts`, one in a line, written before anything was
captured: run (its number or `*`), kind, name, and the value as an expression over the program's own
variables and over what it printed. Run as a program, with names of programs if not all are wanted,
this prints the score.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import autolog
from autolog.view import RunView

HERE = Path(__file__).parent / "programs"
NAMES = tuple(sorted(path.stem for path in (HERE / "torch").glob("*.facts")))
FOUND, WRONG, MISSING = "found", "wrong", "missing"


class Played(NamedTuple):
    """What could be seen of a program: its end, what it said, the files that it left."""

    code: str
    out: str
    err: str
    files: dict[str, str]


def play(folder: Path, way: str, names: tuple[str, ...]) -> dict[str, Played]:
    """Run programs plainly or recorded (`line`), always at the same place below `folder`."""
    place = folder / "programs"
    shutil.rmtree(place, ignore_errors=True)
    for name in names:
        (place / name).mkdir(parents=True)
        shutil.copy(HERE / "torch" / f"{name}.py", place / name)
    environment = {
        **os.environ, "AUTOLOG_STRICT": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(HERE / "torch_nursery.py"),
        str(place),
        way,
        *names,
    ]
    subprocess.run(command, check=True, timeout=500, env=environment)
    shutil.copytree(place, folder / way)
    return {name: _seen(folder / way, name) for name in names}


def _seen(folder: Path, name: str) -> Played:
    files = {
        str(path.relative_to(folder / name)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }
    code, out, err = ((folder / f"{name}.{kind}").read_text() for kind in ("code", "out", "err"))
    return Played(code, out, err, files)


def runs_of(folder: Path, name: str) -> list[RunView]:
    """What a program recorded, oldest first."""
    return list(autolog.search_runs(backend=folder / "line" / "stores" / name))[::-1]


def check(folder: Path, name: str) -> list[tuple[list[Any], str, Any]]:
    """Each fact of a program, what became of it, and what is recorded in its place."""
    runs = runs_of(folder, name)
    facts = json.loads((folder / "plain" / f"{name}.json").read_text())
    return [(fact, *checked(fact, runs)) for fact in facts]


def checked(fact: list[Any], runs: list[RunView]) -> tuple[str, Any]:
    """Whether one fact is found, and what is there."""
    number, kind, name, value = fact
    tolerance = 1e-12
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], list):
        value, tolerance = value
    if number == "*":
        names = [run.name for run in runs]
        return (FOUND if names == value else WRONG), names
    if int(number) >= len(runs):
        return MISSING, None
    recorded = recorded_of(runs, runs[int(number)], kind, name)
    if kind.startswith("any"):
        return (
            FOUND if any(same(one, value, tolerance) for one in recorded.values()) else MISSING
        ), recorded
    if kind == "every":
        value, recorded = _every(name, value, recorded)
    if recorded is None:
        return MISSING, None
    return (FOUND if same(recorded, value, tolerance) else WRONG), recorded


def _every(name: str, value: list[Any], recorded: Any) -> tuple[Any, Any]:
    """Values that were printed at every so many batches of so many in an epoch."""
    _, _, gap, _, whole = name.split()
    picked = None
    if recorded is not None:
        starts = range(0, len(recorded), int(whole))
        picked = [recorded[s + i] for s in starts for i in range(0, int(whole), int(gap))]
    return value, picked


def recorded_of(runs: list[RunView], run: RunView, kind: str, name: str) -> Any:
    """What stands in a run at a fact's place; None for nothing."""
    path = [key.strip() for key in name.split(">")]
    try:
        if kind == "status":
            return run.status
        if kind == "parent":
            return next(
                (i for i, other in enumerate(runs) if other.id == run.tags.get("resumed_from")),
                None,
            )
        if kind in ("history", "values", "steps", "every"):
            points = run.history(path[0].split(" @ ")[0])
            return len(points) if kind == "steps" else [point.value for point in points]
        if kind == "anyhistory":
            return {k: [p.value for p in run.history(k)] for k in run.series if path[0] in k}
        if kind == "anymetric":
            return {k: v for k, v in run.metrics.items() if path[0] in k}
        if kind == "artifact":
            return _checkpoint(run, path[0])
        value: Any = getattr(run, kind)
        for i, key in enumerate(path):
            if kind == "tables" and i == 1:
                value = value["columns"]
            value = value[int(key) if isinstance(value, list) else key]
        return value
    except (KeyError, IndexError, TypeError, autolog.errors.NotFound):
        return None


def _checkpoint(run: RunView, name: str) -> Any:
    """The step at which a checkpoint was saved last."""
    table = run.tables.get("checkpoints")
    if table is None:
        return None
    columns = table["columns"]
    steps = [
        s for f, s in zip(columns["file"], columns["step"], strict=True) if Path(f).name == name
    ]
    return steps[-1] if steps else None


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Whether they are equal; printed numbers as far as their digits go."""
    if isinstance(other, dict) and "printed" in other:
        if not isinstance(one, int | float):
            return False
        text = other["printed"]
        if "e" in text:
            return math.isclose(one, float(text), rel_tol=1e-6)
        digits = len(text.partition(".")[2])
        return f"{one * other['scale']:.{digits}f}" == text or math.isclose(
            one, float(text), rel_tol=1e-12
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)


def main(*asked: str) -> int:
    """Print the score, and each fact that was not found."""
    names, whole = asked or NAMES, Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seen = {way: play(folder, way, names) for way in ("plain", "line")}
        for name in names:
            count = Counter[str]()
            if seen["plain"][name] != seen["line"][name]:
                print(f"DIFFERENT {name}")
                print(seen["plain"][name].err[-2000:], seen["line"][name].err[-3000:])
            if seen["plain"][name].code == "0":
                for fact, outcome, recorded in check(folder, name):
                    count[outcome] += 1
                    if outcome != FOUND:
                        print(f"  {outcome}: {name}: {fact} recorded {recorded}"[:600])
            whole += count
            print(f"{name:12} {sum(count.values()):3} facts", dict(count))
    print("all", sum(whole.values()), dict(whole))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
