"""Datasets against each other: which changed, and in which of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..rendering.facts import mapping
from .data_columns import VECTORS, columns, group_parts
from .data_groups import Facts, Group, comparable, length
from .differences import Comparison, Difference, alike

SHOWN = ("kind", "shape", "dtype", "digest", "rule")
"""Of a dataset; its columns are told apart."""
QUIET = {"renamed": "renamed", "retyped": "of another type"}
"""Changes of columns that leave their values as they were, in words."""


def note_data(comparison: Comparison, groups: Sequence[Group]) -> None:
    """Note the datasets that differ, with their columns, and count the others.

    Of runs that tell of no data at all nothing is known.
    """
    silent = [run.id for run in comparison.runs if not run.datasets]
    for group in groups:
        pairs = zip(group.held, comparison.runs, strict=True)
        telling = [one for one, run in pairs if run.id not in silent]
        parts = group_parts(group)
        states = [_state_against(group.first, one) for one in group.held]
        if not parts and None not in telling and {*states} <= {None, "same"}:
            comparison.equal("data", int(len(telling) > 1))
            continue
        shown = [None if one is None else _shown(one[1]) for one in group.held]
        name, facts = group.first
        key = f"{facts.get('role') or ''} {name}".strip()
        detail = {"names": group.names(), "states": states}
        found = Difference("data", key, tuple(shown), _note(group, parts), detail, tuple(parts))
        comparison.differences.append(found)
    if silent:
        comparison.unknown["data"] = silent


def _shown(facts: Facts) -> dict[str, Any]:
    return {key: facts[key] for key in SHOWN if facts.get(key) is not None}


def _state_against(first: tuple[str, Facts], one: tuple[str, Facts] | None) -> str | None:
    """How the data are against the first run that has them.

    `values` where they differ, `names` where only names or types do, `unknown` where the digests
    cannot be compared, `same` else; None for the first, and where they are absent.
    """
    if one is None or one is first:
        return None
    before, after = first[1], one[1]
    pairs = [(before, after)]
    for part in VECTORS:
        if part in before or part in after:
            pairs.append((mapping(before.get(part)), mapping(after.get(part))))
    states = {_state(*pair) for pair in pairs}
    if states & {"values", "unknown"}:
        return "values" if "values" in states else "unknown"
    plain = alike([_shown(before), _shown(after)]) and first[0] == one[0]
    return "same" if plain and _names(before) == _names(after) else "names"


def _state(before: Facts, after: Facts) -> str:
    if not alike([before.get("shape"), after.get("shape")]) or bool(before) != bool(after):
        return "values"
    if not comparable(before, after):
        return "same" if alike([before, after]) else "unknown"
    return "same" if before["digest"] == after["digest"] else "values"


def _names(facts: Facts) -> list[str]:
    return [str(column.get("name")) for column in columns(facts)]


# -- in words ----------------------------------------------------------------------------------


def _note(group: Group, parts: Sequence[Difference]) -> str:
    """Of two runs, in a few words: `−26 rows, +1 column, 3 of 29 changed`."""
    if len(group.held) != 2 or group.held[0] is None or group.held[1] is None:
        return ""
    (name, before), (other, after) = group.held[0], group.held[1]
    state = _state_against((name, before), (other, after))
    found = [f"{'now' if state == 'values' else 'renamed'} {other}"] if name != other else []
    if before.get("kind") != after.get("kind"):
        found.append(f"{before.get('kind')} → {after.get('kind')}")
    found += [*_more_rows(before, after), *_counts(parts, before, after)]
    too = " too" if any(p.detail["part"] == "column" for p in parts) else " changed"
    found += [part + too for part in VECTORS if any(p.detail["part"] == part for p in parts)]
    said = {"unknown": "digests of different rules", "same": "same values", "names": "same values"}
    return ", ".join([*found, *([said[state]] if state in said else [])])


def _more_rows(before: Facts, after: Facts) -> list[str]:
    counts = length(before), length(after)
    if counts[0] is None or counts[1] is None or counts[0] == counts[1]:
        return []
    more = counts[1] - counts[0]
    return [f"{'+' if more > 0 else '−'}{abs(more):,} row{'s' if abs(more) != 1 else ''}"]


def _counts(parts: Sequence[Difference], before: Facts, after: Facts) -> list[str]:
    """How many columns came, went and changed."""
    changes = [p.detail["change"] for p in parts if p.detail["part"] == "column"]
    added, removed = changes.count("added"), changes.count("removed")
    found = []
    if added or removed:
        signs = [f"{sign}{count}" for sign, count in (("+", added), ("−", removed)) if count]
        found.append(f"{' '.join(signs)} column{'s' if added + removed != 1 else ''}")
    both = len(columns(before)) - removed
    moved = sum(change not in QUIET for change in changes) - added - removed
    if moved:
        of = f"all {both}" if moved == both else f"{moved} of {both}"
        whole = "its column" if moved == both == 1 else f"{of}{'' if found else ' columns'}"
        found.append(f"{whole} changed")
    for change, word in QUIET.items():
        if count := changes.count(change):
            noun = "" if found else f" column{'s' if count != 1 else ''}"
            found.append(f"{count}{noun} {word}")
    if not changes and _names(before) != _names(after) and {*_names(before)} == {*_names(after)}:
        found.append("columns in another order")
    return found
