"""The form of a comparison, and how two values are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..codec import to_wire
from ..filters import text_of
from ..view import RunView

SECTIONS = ("params", "metrics", "data", "code", "program", "environment", "host")

NOTHING: Mapping[str, Any] = {}


class Difference(NamedTuple):
    """One thing that is not the same in all runs.

    Attributes:
        section: One of `SECTIONS`.
        key: The param, metric, dataset, column, file or package.
        values: What each run has, in the order of the runs; None where it has nothing.
        note: What else is to be said, as `+2 −1` of a source file.
        detail: More about it, by section; lists are in the order of the runs.
        parts: What differs within it: the columns of a dataset.
    """

    section: str
    key: str
    values: tuple[Any, ...]
    note: str = ""
    detail: Mapping[str, Any] = NOTHING
    parts: tuple[Any, ...] = ()

    def name(self, place: int) -> str:
        """What the run at `place` calls it."""
        names = self.detail.get("names")
        return (names[place] if names else None) or self.key


@dataclass
class Comparison:
    """The differences of `runs`.

    Attributes:
        runs: What is compared; changes are told against the first.
        differences: What is not the same in all of them, section by section.
        same: How many things are equal, by section.
        unknown: Ids of the runs that do not tell, by section.
    """

    runs: Sequence[RunView]
    differences: list[Difference] = field(default_factory=list)
    same: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)

    def of(self, section: str) -> list[Difference]:
        """The differences of one section."""
        return [difference for difference in self.differences if difference.section == section]

    def equal(self, section: str, count: int = 1) -> None:
        """Note that `count` more things of the section are the same."""
        if count:
            self.same[section] = self.same.get(section, 0) + count


def note_mappings(
    comparison: Comparison,
    section: str,
    rows: Sequence[Mapping[str, Any]],
    detail: Callable[[str], Mapping[str, Any]] = lambda key: NOTHING,
) -> None:
    """Note the keys whose values are not the same in all `rows`, and count the others."""
    for key in dict.fromkeys(key for row in rows for key in row):
        values = tuple(row.get(key) for row in rows)
        if all(key in row for row in rows) and alike(values):
            comparison.equal(section)
            continue
        told = dict(detail(key))
        if None in values:
            told["has"] = [key in row for row in rows]
        comparison.differences.append(Difference(section, key, values, "", told))


def alike(values: Sequence[Any]) -> bool:
    """Whether all are the same; 1, 1.0 and True are not, NaN is the same as itself."""
    return len({exact(value) for value in values}) == 1


def exact(value: Any) -> str:
    """A text that is equal for equal values of one type alone."""
    try:
        return f"{type(value).__name__} {text_of(to_wire(value))}"
    except (TypeError, RecursionError):
        return text_of(value)
