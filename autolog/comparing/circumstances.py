"""The circumstances of runs against each other: command line, packages, variables, machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..rendering.facts import library, mapping
from ..view import RunView
from .differences import Comparison, note_mappings

PROGRAM = ("name", "arguments", "options", "folder", "executable")
HOST = ("name", "system", "cpu", "cpus", "cpus_usable", "memory", "gpus")
JOBS = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "PBS_JOBID", "LSB_JOBID")
"""Variables that merely number the jobs of a cluster."""
THREADS = ("THREADS", "CPU", "_SCHEDULE", "_DYNAMIC", "_BIND", "_CBWR", "_CORETYPE", "_NTASKS")
"""What stands in the names of variables that say how many threads compute, and where."""


def home(run: RunView) -> RunView:
    """The run that holds the code and circumstances of `run`: itself, or one of its process.

    Light runs have none of their own; the first runs of their process have.
    """
    if _told(run.system):
        return run
    own = _process(run)
    if own is None:
        return run
    for one in run.store.summaries():
        other = RunView(run.store, one.id)
        same = _brief(other) == _brief(run) and _process(other) == own
        if same and _told(other.folded.values("system")):
            return other
    return run


def _told(system: Mapping[str, Any]) -> bool:
    return any(place in system for place in ("versions", "packages"))


def _brief(run: RunView) -> tuple[Any, ...]:
    """As much of `_process` as is known without reading the run."""
    facts = run.line[-1].summary.facts
    return facts.get("pid"), facts.get("process_start")


def _process(run: RunView) -> tuple[Any, ...] | None:
    """What tells the run's process from all others; None where that is not known."""
    facts = run.line[-1].folded.facts
    told = tuple(facts.get(key) for key in ("host", "boot", "pid", "process_start"))
    return None if None in (facts.get("pid"), facts.get("process_start")) else told


def note_circumstances(comparison: Comparison, homes: Sequence[RunView]) -> None:
    """Note what differs of the circumstances; `homes` are the runs that hold them."""
    known = [run for run in homes if _told(run.system)]
    if len(known) < len(homes):
        ids = zip(comparison.runs, homes, strict=True)
        comparison.unknown["environment"] = [r.id for r, h in ids if h not in known]
    if len(known) < 2:
        return
    note_mappings(comparison, "program", [_program(run) for run in homes])
    note_mappings(comparison, "environment", _ordered(homes))
    note_mappings(comparison, "host", [_host(run) for run in homes])


def _program(run: RunView) -> dict[str, Any]:
    """The command line; a fact that was empty was not written, so what is absent is empty."""
    facts = mapping(run.system.get("program"))
    return {key: facts[key] for key in PROGRAM if key in facts}


def _host(run: RunView) -> dict[str, Any]:
    facts = mapping(run.system.get("host"))
    return {key: facts[key] for key in HOST if key in facts}


def _ordered(homes: Sequence[RunView]) -> list[dict[str, Any]]:
    """Versions and variables of each run: first the library that trained, then Python."""
    rows = [_environment(run) for run in homes]
    first = [(library(run) or "").partition(" ")[0] for run in homes]
    order = dict.fromkeys([*first, "python", *(key for row in rows for key in sorted(row))])
    return [{key: row[key] for key in order if key in row} for row in rows]


def _environment(run: RunView) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in ("packages", "versions"):
        facts = mapping(run.system.get(place))
        found |= {key: value for key, value in facts.items() if isinstance(value, str)}
    variables = mapping(run.system.get("variables"))
    return found | {f"${key}": value for key, value in variables.items() if key not in JOBS}


def threading_variable(key: str) -> bool:
    """Whether a key of the environment is a variable about threads and processors."""
    return key.startswith("$") and any(word in key for word in THREADS)
