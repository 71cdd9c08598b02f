"""Which datasets of several runs are the same one, and whether their digests tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..rendering.facts import mapping
from ..view import RunView

Facts = Mapping[str, Any]


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
    """Whether the digests of the two tell if they are equal: made by one rule, of as many rows.

    Data that were read whole differ anyhow where their numbers of rows do.
    """
    if not isinstance(before.get("digest"), str) or not isinstance(after.get("digest"), str):
        return False
    rule = before.get("rule")
    same_rows = before.get("rows_read") == after.get("rows_read")
    return rule == after.get("rule") and (same_rows or str(rule).startswith("full"))


def length(facts: Facts | None) -> int | None:
    """How many rows a dataset has; None where that is not known."""
    shape = None if facts is None else facts.get("shape")
    rows = shape[0] if isinstance(shape, list) and shape else None
    return rows if isinstance(rows, int) else None
