"""Datasets against each other: which are the same ones, and which columns of them changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..view import RunView
from .differences import Comparison, Difference, alike, mapping
from .figures import same_figures, shifts

Facts = Mapping[str, Any]

SHOWN = ("kind", "shape", "dtype", "digest", "rule")
"""Of a dataset; its columns are told apart."""


class Group(NamedTuple):
    """One dataset as each run has it: its name there and its facts, None where it is absent."""

    held: list[tuple[str, Facts] | None]

    @property
    def first(self) -> tuple[str, Facts]:
        """The one that the others are compared with."""
        return next(one for one in self.held if one is not None)

    def names(self) -> list[str | None]:
        """What each run calls it."""
        return [None if one is None else one[0] for one in self.held]


# -- which are the same ones -------------------------------------------------------------------


def matched(runs: Sequence[RunView]) -> list[Group]:
    """The datasets of the runs, each with its like.

    By role and name; else by digest, so that a new name hides nothing; else the only ones of
    their role that are left.
    """
    groups: list[Group] = []
    for place, run in enumerate(runs):
        left = {name: mapping(facts) for name, facts in run.datasets.items()}
        for same in (_same_name, _same_digest):
            for name, facts in list(left.items()):
                free = (group for group in groups if len(group.held) == place)
                found = next((group for group in free if same(group, name, facts)), None)
                if found is not None:
                    found.held.append((name, left.pop(name)))
        _pair_the_rest(groups, left, place)
        for group in groups:
            if len(group.held) == place:
                group.held.append(None)
        groups += [Group([None] * place + [one]) for one in left.items()]
    return groups


def _same_name(group: Group, name: str, facts: Facts) -> bool:
    return group.first[0] == name and group.first[1].get("role") == facts.get("role")


def _same_digest(group: Group, name: str, facts: Facts) -> bool:
    return comparable(group.first[1], facts) and group.first[1]["digest"] == facts["digest"]


def _pair_the_rest(groups: list[Group], left: dict[str, Facts], place: int) -> None:
    roles = [str(facts.get("role")) for facts in left.values()]
    for name, facts in list(left.items()):
        role = str(facts.get("role"))
        free = [g for g in groups if len(g.held) == place and str(g.first[1].get("role")) == role]
        if len(free) == 1 and roles.count(role) == 1:
            free[0].held.append((name, left.pop(name)))


def renamed(groups: Sequence[Group], runs: int) -> list[dict[str, str]]:
    """For each run its datasets that the first run which has them calls otherwise."""
    found: list[dict[str, str]] = [{} for _ in range(runs)]
    for group in groups:
        for row, one in zip(found, group.held, strict=True):
            if one is not None and one[0] != group.first[0]:
                row[one[0]] = group.first[0]
    return found


def comparable(before: Facts, after: Facts) -> bool:
    """Whether the digests are made by one rule of as many rows."""
    rows = before.get("rows_read"), after.get("rows_read")
    same = before.get("rule"), before.get("rows_read")
    if not isinstance(before.get("digest"), str) or not isinstance(after.get("digest"), str):
        return False
    # Of other numbers of rows whole data are different anyhow.
    return same == (after.get("rule"), rows[1]) or (
        before.get("rule") == after.get("rule") and str(before.get("rule")).startswith("full")
    )


# -- what changed in them ----------------------------------------------------------------------


def note_data(comparison: Comparison, groups: Sequence[Group]) -> None:
    """Note the datasets that differ, with their columns, and count the others."""
    for group in groups:
        parts = _parts(group)
        shown = [None if one is None else _shown(one[1]) for one in group.held]
        if not parts and None not in group.held and alike(shown) and alike(group.names()):
            comparison.equal("data")
            continue
        name, facts = group.first
        key = f"{facts.get('role') or ''} {name}".strip()
        detail = {"names": group.names(), "changes": [_change(group, one) for one in group.held]}
        found = Difference("data", key, tuple(shown), _note(group, parts), detail, tuple(parts))
        comparison.differences.append(found)
    light = [run.id for run in comparison.runs if not run.datasets]
    if light:
        comparison.unknown["data"] = light


def _shown(facts: Facts) -> dict[str, Any]:
    return {key: facts[key] for key in SHOWN if facts.get(key) is not None}


def _change(group: Group, one: tuple[str, Facts] | None) -> str | None:
    """How the data are against the first run that has them.

    `values` where they differ, `names` where only names or types do, `unknown` where the digests
    cannot be compared, `same` else; None for the first, and where they are absent.
    """
    if one is None or one is group.first:
        return None
    before, after = group.first[1], one[1]
    pairs = [(before, after)] + [
        (mapping(before.get(part)), mapping(after.get(part)))
        for part in ("target", "weight")
        if part in before or part in after
    ]
    states = {_state(*pair) for pair in pairs}
    if states & {"values", "unknown"}:
        return "values" if "values" in states else "unknown"
    plain = alike([_shown(before), _shown(after)]) and group.first[0] == one[0]
    return "same" if plain and not _columns_differ(before, after) else "names"


def _state(before: Facts, after: Facts) -> str:
    if before.get("shape") != after.get("shape") or bool(before) != bool(after):
        return "values"
    if not comparable(before, after):
        return "unknown"
    return "same" if before["digest"] == after["digest"] else "values"


def _columns_differ(before: Facts, after: Facts) -> bool:
    return [c.get("name") for c in columns(before)] != [c.get("name") for c in columns(after)]


def _note(group: Group, parts: Sequence[Difference]) -> str:
    """Of two runs, in a few words: `−26 rows, +1 column, 3 of 29 columns changed`."""
    if len(group.held) != 2 or None in group.held:
        return ""
    (name, before), (other, after) = (one for one in group.held if one is not None)
    found = [f"renamed {other}"] if name != other else []
    if before.get("kind") != after.get("kind"):
        found.append(f"{before.get('kind')} → {after.get('kind')}")
    found += [*_rows(before, after), *_counts(parts, columns(before), columns(after))]
    state = _change(group, group.held[1])
    if state == "unknown":
        found.append("digests of different rules")
    elif state in ("same", "names"):
        found.append("same values")
    return ", ".join(found)


def _rows(before: Facts, after: Facts) -> list[str]:
    more = (_length(after) or 0) - (_length(before) or 0)
    return [plural(more, "row")] if more and None not in (_length(before), _length(after)) else []


def _length(facts: Facts) -> int | None:
    shape = facts.get("shape")
    length = shape[0] if isinstance(shape, list) and shape else None
    return length if isinstance(length, int) else None


def plural(count: int, noun: str) -> str:
    """`+1 row`, `−26 rows`."""
    return f"{'+' if count > 0 else '−'}{abs(count):,} {noun}{'s' if abs(count) != 1 else ''}"


def _counts(
    parts: Sequence[Difference], before: Sequence[Facts], after: Sequence[Facts]
) -> list[str]:
    changes = [p.detail["change"] for p in parts if p.detail["part"] == "column"]
    added, removed = changes.count("added"), changes.count("removed")
    found = []
    if added or removed:
        signs = [f"{sign}{count}" for sign, count in (("+", added), ("−", removed)) if count]
        found.append(f"{' '.join(signs)} column{'s' if added + removed != 1 else ''}")
    both = len(before) - removed
    moved = len(changes) - added - removed - changes.count("renamed")
    if moved:
        found.append(
            f"{moved} of {both} columns changed" if moved < both else "all columns changed"
        )
    names = [[str(c.get("name")) for c in some] for some in (before, after)]
    if not changes and names[0] != names[1] and sorted(names[0]) == sorted(names[1]):
        found.append("columns in another order")
    return found + [f"{p.key} changed" for p in parts if p.detail["part"] in ("target", "weight")]


# -- parts -------------------------------------------------------------------------------------


def _parts(group: Group) -> list[Difference]:
    facts = [None if one is None else one[1] for one in group.held]
    if sum(one is not None for one in facts) < 2:
        return []
    found = _columns(facts)
    for part in ("target", "weight"):
        found += _vector(part, [None if one is None else mapping(one.get(part)) for one in facts])
    for part in ("lineage", "rows_shared"):
        values = tuple(None if one is None else one.get(part) for one in facts)
        told = [value for value, one in zip(values, facts, strict=True) if one is not None]
        if not alike(told):
            found.append(Difference("data", part, values, "", {"part": part}))
    return found


def columns(facts: Facts | None) -> list[Facts]:
    """The columns that are described of a dataset."""
    held = None if facts is None else facts.get("columns")
    return [one for one in held if isinstance(one, Mapping)] if isinstance(held, list) else []


def _columns(facts: Sequence[Facts | None]) -> list[Difference]:
    """The columns that are not the same in all runs, matched by name, else by place."""
    rows = [None if one is None else _by_name(one) for one in facts]
    if any(row is not None and None in row for row in rows):
        rows = [None if one is None else _by_place(one) for one in facts]
    keys = dict.fromkeys(key for row in rows if row for key in row)
    pairs = _new_names(rows, facts)
    found = []
    for key in keys:
        if key in pairs.values():
            continue
        held = [None if row is None else row.get(key) for row in rows]
        if key in pairs:
            held[-1] = (rows[-1] or {})[pairs[key]]
        part = _part("column", key, held, facts)
        if part is not None:
            found.append(part)
    return sorted(found, key=lambda part: -part.detail["size"])


def _by_name(facts: Facts) -> dict[Any, Facts]:
    """The columns by name; the second of a name is `x #2`, and without a name it is None."""
    found: dict[Any, Facts] = {}
    for column in columns(facts):
        name = column.get("name")
        key = None if name is None else str(name)
        count = sum(str(other).partition(" #")[0] == key for other in found) if key in found else 0
        found[f"{key} #{count + 1}" if count else key] = column
    return found


def _by_place(facts: Facts) -> dict[Any, Facts]:
    return {f"column {i}": column for i, column in enumerate(columns(facts))}


def _new_names(
    rows: Sequence[dict[Any, Facts] | None], facts: Sequence[Facts | None]
) -> dict[Any, Any]:
    """Of two runs: columns that are gone, and under which name their values came back."""
    before, after = (rows[0], rows[1]) if len(rows) == 2 else (None, None)
    if before is None or after is None or not comparable(facts[0] or {}, facts[1] or {}):
        return {}
    new = {c.get("digest"): key for key, c in after.items() if key not in before}
    gone = {key: c.get("digest") for key, c in before.items() if key not in after}
    return {key: new[d] for key, d in gone.items() if isinstance(d, str) and d in new}


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
    kind: str, key: Any, held: Sequence[Facts | None], whole: Sequence[Facts | None]
) -> Difference | None:
    """One column; None where it is the same in all runs that have the dataset."""
    told = [(one, of) for one, of in zip(held, whole, strict=True) if of is not None]
    first, of_first = told[0]
    changes = [_column_change(first, one, of_first, of) for one, of in told[1:]]
    if not any(changes):
        return None
    change = next(filter(None, changes))
    moved = [shift for one, _ in told[1:] if one and first for shift in shifts(first, one)]
    moved.sort(key=lambda shift: -shift.size)
    name = next((one for one in told[1:] if one[0]), (None, None))[0]
    texts = [shift.text for shift in moved[:2]] or _words(change, first, name)
    size = moved[0].size if moved else float(change in ("added", "removed", "type"))
    if change == "type":
        texts = _words(change, first, name) + texts[: len(moved)]
    detail: dict[str, Any] = {"part": kind, "change": change, "size": min(size, 1e300)}
    if first and name and first.get("name") != name.get("name"):
        detail["names"] = [None if one is None else one.get("name") for one in held]
    if first and name and not moved:
        detail["like"] = same_figures(first, name)
    return Difference("data", str(key), tuple(held), ", ".join(texts), detail)


def _column_change(
    before: Facts | None, after: Facts | None, of_before: Facts | None, of_after: Facts | None
) -> str:
    """`added`, `removed`, `renamed`, `type`, `values`, `figures`; empty where nothing changed."""
    if before is None or after is None:
        return "" if before is after else "added" if before is None else "removed"
    known = comparable(of_before or {}, of_after or {})
    same = known and before.get("digest") == after.get("digest")
    if before.get("dtype") != after.get("dtype"):
        return "type"
    if same:
        return "renamed" if before.get("name") != after.get("name") else ""
    return "values" if known else "figures" if shifts(before, after) else ""


def _words(change: str, before: Facts | None, after: Facts | None) -> list[str]:
    if change == "type" and before and after:
        same = before.get("digest") == after.get("digest")
        return [f"{before.get('dtype')} → {after.get('dtype')}{', same values' if same else ''}"]
    if change == "renamed" and before and after:
        return [f"renamed {after.get('name')}"]
    if change == "values":
        same = before and after and same_figures(before, after)
        return ["other values or order, same figures" if same else "other values"]
    return [change]
