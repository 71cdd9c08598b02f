"""What differs between runs, and what is the same: params, metrics, data, code, environment."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .codec import to_wire
from .errors import BackendError, NotFound
from .filters import text_of
from .view import RunView

LARGEST_SOURCE = 1_000_000
"""Bytes of a recorded source beyond which its lines are not compared."""

SECTIONS = ("params", "metrics", "data", "code", "environment")


class Difference(NamedTuple):
    """One thing that is not the same in all runs.

    Attributes:
        section: One of `SECTIONS`.
        key: The param, metric, dataset, file or package.
        values: What each run has, in the order of the runs; None where it has nothing.
        note: What else is to be said, as `+2 −1` of a source file.
    """

    section: str
    key: str
    values: tuple[Any, ...]
    note: str = ""


@dataclass
class Comparison:
    """The differences of `runs`; `same` counts the equal things by section."""

    runs: Sequence[RunView]
    differences: list[Difference] = field(default_factory=list)
    same: dict[str, int] = field(default_factory=dict)

    def of(self, section: str) -> list[Difference]:
        """The differences of one section."""
        return [difference for difference in self.differences if difference.section == section]


def compare(runs: Sequence[RunView]) -> Comparison:
    """How `runs` differ; a param or metric that a run lacks is a difference."""
    comparison = Comparison(runs)
    _mappings(comparison, "params", [run.params for run in runs])
    _mappings(comparison, "metrics", [_last_values(run) for run in runs])
    _mappings(comparison, "data", [_datasets(run) for run in runs])
    _code(comparison, runs)
    _mappings(comparison, "environment", [_environment(run) for run in runs])
    return comparison


def _mappings(
    comparison: Comparison,
    section: str,
    rows: Sequence[Mapping[str, Any]],
    note: Callable[[str], str] = lambda key: "",
) -> None:
    """Note the keys whose values are not the same in all `rows`, and count the others."""
    for key in dict.fromkeys(key for row in rows for key in row):
        values = tuple(row.get(key) for row in rows)
        # The wire form tells 1 from 1.0 and True, and NaN is the same as itself.
        if all(key in row for row in rows) and len({_exact(value) for value in values}) == 1:
            comparison.same[section] = comparison.same.get(section, 0) + 1
        else:
            comparison.differences.append(Difference(section, key, values, note(key)))


def _exact(value: Any) -> str:
    try:
        return f"{type(value).__name__} {text_of(to_wire(value))}"
    except (TypeError, RecursionError):
        return text_of(value)


def _datasets(run: RunView) -> dict[str, Any]:
    """Each dataset's shape and digest with its rule, since digests compare under one rule only."""
    found = {}
    for name, facts in run.datasets.items():
        if isinstance(facts, dict):
            kept = ("shape", "dtype", "digest", "rule")
            shown = {key: facts[key] for key in kept if facts.get(key) is not None}
            found[f"{facts.get('role') or ''} {name}".strip()] = shown
    return found


def _code(comparison: Comparison, runs: Sequence[RunView]) -> None:
    git = [run.system.get("git") for run in runs]
    commits = [{"git": g["commit"]} if isinstance(g, dict) and g.get("commit") else {} for g in git]
    _mappings(comparison, "code", commits)
    files = [_sources(run) for run in runs]
    _mappings(
        comparison, "code", files, lambda key: _lines_changed([row.get(key) for row in files])
    )


def _sources(run: RunView) -> dict[str, str]:
    """The recorded sources by name; too large ones are left out."""
    found = {}
    for path in run.artifacts:
        if path.startswith("code/"):
            try:
                with run.artifact(path).open() as stream:
                    content = stream.read(LARGEST_SOURCE + 1)
            except (NotFound, BackendError):
                continue
            if len(content) <= LARGEST_SOURCE:
                found[path.removeprefix("code/")] = content.decode("utf-8", "replace")
    return found


def _lines_changed(texts: Sequence[str | None]) -> str:
    """`+2 −1`: the lines that the second of two texts has more, and less."""
    if len(texts) != 2 or None in texts:
        return ""
    before, after = ((text or "").splitlines() for text in texts)
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    more = sum(line.startswith("+") for line in lines)
    return f"+{more} −{sum(line.startswith('-') for line in lines)}"


def _environment(run: RunView) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in ("packages", "versions"):
        facts = run.system.get(place)
        if isinstance(facts, dict):
            found |= {key: value for key, value in facts.items() if isinstance(value, str)}
    return found


def _last_values(run: RunView) -> dict[str, int | float]:
    return {key: series.value for key, series in run.measures.items()}
