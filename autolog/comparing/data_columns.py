"""Columns of one dataset in several runs: added, removed, renamed, of another type, shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..rendering.facts import mapping
from .data_groups import Facts, Group, comparable, length
from .differences import Difference, alike
from .figures import chance, same_figures, shifts

VECTORS = ("target", "weight")
MOST_SHIFTS = 2
"""Figures of a column that are told, those that moved most."""


def columns(facts: Facts | None) -> list[Facts]:
    """The columns that are described of a dataset."""
    held = None if facts is None else facts.get("columns")
    return [one for one in held if isinstance(one, Mapping)] if isinstance(held, list) else []


def group_parts(group: Group) -> list[Difference]:
    """What differs within a dataset: columns, target, weights, lineage, rows shared with train."""
    facts = [None if one is None else one[1] for one in group.held]
    if sum(one is not None for one in facts) < 2:
        return []
    found = _columns(facts)
    for part in VECTORS:
        found += _vector(part, [None if one is None else mapping(one.get(part)) for one in facts])
    for part in ("lineage", "rows_shared"):
        values = tuple(None if one is None else one.get(part) for one in facts)
        told = [value for value, one in zip(values, facts, strict=True) if one is not None]
        if not alike(told):
            detail = {"part": part, "change": "values", "size": 0.0}
            found.append(Difference("data", part, values, "", detail))
    return found


def _columns(facts: Sequence[Facts | None]) -> list[Difference]:
    """The columns that are not the same in all runs, the most shifted first."""
    rows = _matched(facts)
    pairs = _new_names(rows, facts)
    found = []
    for key in dict.fromkeys(key for row in rows if row for key in row):
        if key in pairs.values():
            continue
        held = [None if row is None else row.get(key) for row in rows]
        if key in pairs:
            held[-1] = (rows[-1] or {})[pairs[key]]
        part = _part("column", key, held, facts)
        if part is not None:
            found.append(part)
    both = [key for key in rows[0] or () if all(key in row for row in rows if row is not None)]
    if sum(part.detail["change"] in ("values", "type") for part in found) < len(both):
        # Where some columns stayed as they were, no sampling made the others what they are.
        found = [p._replace(detail={**p.detail, "chance": False}) for p in found]
    return sorted(found, key=lambda part: -part.detail["size"])


def _matched(facts: Sequence[Facts | None]) -> list[dict[str, Facts] | None]:
    """The columns of each run by name; by place where one of the runs has no names.

    By place they go by the names of the first run that has as many.
    """
    given = [columns(one) for one in facts]
    if all(column.get("name") is not None for row in given for column in row):
        return [
            None if one is None else _by_name(row) for row, one in zip(given, facts, strict=True)
        ]
    named = next((row for row in given if row and row[0].get("name") is not None), [])
    names = [str(column.get("name")) for column in named]
    names += [f"column {i}" for i in range(len(names), max(map(len, given)))]
    return [
        None if one is None else dict(zip(names, row, strict=False))
        for row, one in zip(given, facts, strict=True)
    ]


def _by_name(row: Sequence[Facts]) -> dict[str, Facts]:
    """The columns by name; the second one of a name is `x #2`."""
    found: dict[str, Facts] = {}
    counts: dict[str, int] = {}
    for column in row:
        name = str(column.get("name"))
        counts[name] = counts.get(name, 0) + 1
        found[name if counts[name] == 1 else f"{name} #{counts[name]}"] = column
    return found


def _new_names(
    rows: Sequence[dict[str, Facts] | None], facts: Sequence[Facts | None]
) -> dict[str, str]:
    """Of two runs: columns that are gone, and under which name their values came back."""
    before, after = (rows[0], rows[1]) if len(rows) == 2 else (None, None)
    if before is None or after is None or not comparable(facts[0] or {}, facts[1] or {}):
        return {}
    new: dict[Any, str] = {}
    for key, column in after.items():
        if key not in before and isinstance(column.get("digest"), str):
            new.setdefault(column["digest"], key)
    gone = ((key, c.get("digest")) for key, c in before.items() if key not in after)
    return {key: new.pop(d) for key, d in gone if isinstance(d, str) and d in new}


def _vector(part: str, held: Sequence[Facts | None]) -> list[Difference]:
    """A target or weights: one column, or several."""
    given = [one or None for one in held]
    if any(columns(one) for one in given):
        found = [p._replace(key=f"{part} {p.key}") for p in _columns(given)]
    else:
        name = next((str(one["name"]) for one in given if one and one.get("name")), "")
        single = _part(part, f"{part} {name}".strip(), given, held)
        found = [single] if single is not None else []
    return [p._replace(detail={**p.detail, "part": part}) for p in found]


def _part(
    kind: str, key: str, held: Sequence[Facts | None], whole: Sequence[Facts | None]
) -> Difference | None:
    """One column; None where it is the same in all runs that have the dataset."""
    told = [(one, of) for one, of in zip(held, whole, strict=True) if of is not None]
    first, of_first = told[0]
    changes = [_change(first, one, of_first, of) for one, of in told[1:]]
    place = next((i for i, change in enumerate(changes, 1) if change), 0)
    if not place:
        return None
    change, other = changes[place - 1], told[place][0]
    others = [one for one, _ in told[1:] if one is not None]
    moved = [] if first is None else [shift for one in others for shift in shifts(first, one)]
    moved.sort(key=lambda shift: -shift.size)
    words = list(dict.fromkeys(shift.text for shift in moved))[:MOST_SHIFTS]
    if not words or change in ("type", "added", "removed"):
        words = [_words(change, first, other), *words]
    size = moved[0].size if moved else float(change in ("added", "removed", "type"))
    detail: dict[str, Any] = {"part": kind, "change": change, "size": min(size, 1e300)}
    names = [None if one is None else one.get("name") for one in held]
    if change == "renamed":
        detail["names"] = names
    if change == "values" and first is not None:
        rows = min(length(of) or 0 for _, of in told)
        detail["like"] = all(same_figures(first, one) for one in others)
        detail["chance"] = all(chance(first, one, rows) for one in others)
    return Difference("data", key, tuple(held), ", ".join(words), detail)


def _change(
    before: Facts | None, after: Facts | None, of_before: Facts | None, of_after: Facts | None
) -> str:
    """What became of a column; empty where nothing did.

    `added`, `removed`, `renamed` (the same values), `retyped` (the same values in another type),
    `type` (other values too), `values`, or `figures` where the digests do not tell.
    """
    if before is None or after is None:
        return "" if before is after else "added" if before is None else "removed"
    if alike([before, after]):
        return ""
    known = comparable(of_before or {}, of_after or {})
    same = known and before.get("digest") == after.get("digest")
    if before.get("dtype") != after.get("dtype"):
        return "retyped" if same else "type"
    if same:
        names = before.get("name"), after.get("name")
        return "renamed" if names[0] != names[1] and None not in names else ""
    return "values" if known else "figures" if shifts(before, after) else ""


def _words(change: str, before: Facts | None, after: Facts | None) -> str:
    if before is None or after is None:
        return change
    if change in ("type", "retyped"):
        same = ", same values" if change == "retyped" else ""
        return f"{before.get('dtype')} → {after.get('dtype')}{same}"
    if change == "renamed":
        return f"renamed {after.get('name')}"
    return "other values or order, same figures" if same_figures(before, after) else "other values"
