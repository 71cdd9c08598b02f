"""The filter language: text → a small tree, and whether a run matches it (`docs/filters.md`).

The grammar is MLflow's search grammar with OR, NOT, parentheses and typed params. The tree is
plain data, so that a backend may answer it in its own way; `matches` is the meaning.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .view import RunView

Entity = Literal["attribute", "metric", "param", "tag", "dataset"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Constant = str | int | float | bool
"""Text stands for a quoted literal; times of attributes are Unix seconds."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared: an attribute of the run, or the metric, param, … named `key`."""

    entity: Entity
    key: str


@dataclass(frozen=True, slots=True)
class Compare:
    """`field operator value`; false where the run has no such field."""

    field: Field
    operator: Operator
    value: Constant


@dataclass(frozen=True, slots=True)
class In:
    """`field IN (values)` or NOT IN; both are false where the run has no such field."""

    field: Field
    values: tuple[Constant, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """`field LIKE pattern` or NOT LIKE; `%` any text, `_` one character, `\\` before either."""

    field: Field
    pattern: str
    ignore_case: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """`field IS NULL` or IS NOT NULL: whether the run lacks the field, or it is None."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of `parts`; true for none, which is the empty filter."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of `parts`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Whatever `part` does not match, runs that lack its fields among them."""

    part: Node


Node = Compare | In | Like | IsNull | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an ordering."""

    field: Field
    descending: bool = False


# -- meaning -----------------------------------------------------------------------------------


def matches(node: Node, run: RunView, *, include_probable: bool = False) -> bool:
    """Whether `run` matches; metrics whose link is only probable count as absent by default."""
    match node:
        case And(parts):
            return all(matches(part, run, include_probable=include_probable) for part in parts)
        case Or(parts):
            return any(matches(part, run, include_probable=include_probable) for part in parts)
        case Not(part):
            return not matches(part, run, include_probable=include_probable)
    values = field_values(node.field, run, include_probable=include_probable)
    match node:
        case Compare(_, operator, constant):
            return any(_compare(value, operator, constant) for value in values)
        case In(_, constants, negated):
            return any(any(_equal(v, c) for c in constants) != negated for v in values)
        case Like(_, pattern, ignore_case, negated):
            fits = like_pattern(pattern, ignore_case).match
            return any((fits(text_of(value)) is not None) != negated for value in values)
        case IsNull(_, negated):
            return bool(values) == negated


def field_values(field: Field, run: RunView, *, include_probable: bool = False) -> list[Any]:
    """What the run has under `field`: nothing, one value, or one for each dataset; never None."""
    found = _READERS[field.entity](field.key, run, include_probable)
    return [value for value in found if value is not None]


def _attribute(key: str, run: RunView, _: bool) -> list[Any]:
    return [_ATTRIBUTES[key](run)]


def _metric(key: str, run: RunView, include_probable: bool) -> list[Any]:
    return [] if key in run.probable and not include_probable else [run.metrics.get(key)]


def _dataset(key: str, run: RunView, _: bool) -> list[Any]:
    return [
        name if key == "name" else facts.get(key)
        for name, facts in run.brief_datasets.items()
        if isinstance(facts, dict)
    ]


_READERS: dict[Entity, Callable[[str, RunView, bool], list[Any]]] = {
    "attribute": _attribute,
    "metric": _metric,
    "param": lambda key, run, _: [run.params.get(key)],
    "tag": lambda key, run, _: [run.tags.get(key)],
    "dataset": _dataset,
}

_ATTRIBUTES: dict[str, Callable[[RunView], Any]] = {
    "id": lambda run: run.id,
    "name": lambda run: run.name,
    "experiment": lambda run: run.experiment,
    "status": lambda run: run.status,
    "parent": lambda run: run.parent,
    "started": lambda run: run.summary.started,
    "ended": lambda run: run.summary.ended,
    "duration": lambda run: run.duration,
}


def _compare(value: Any, operator: Operator, constant: Constant) -> bool:
    if operator == "=":
        return _equal(value, constant)
    if operator == "!=":
        return not _equal(value, constant)
    if isinstance(constant, str) != isinstance(value, str) or not _ordered(value):
        return False
    return bool(_ORDERINGS[operator](value, constant))


def _equal(value: Any, constant: Constant) -> bool:
    if isinstance(constant, str):
        return text_of(value) == constant
    if isinstance(constant, bool) or isinstance(value, bool):
        return value is constant
    if not isinstance(value, int | float):
        return False
    return value == constant or (value != value and constant != constant)


def _ordered(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


_ORDERINGS: dict[Operator, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def text_of(value: Any) -> str:
    """The exact text of a value, for quoted literals: `0.1`, `True`, `[1, 2]`."""
    if isinstance(value, str):
        return value
    try:
        if value is None or isinstance(value, bool | int | float):
            return str(value)
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return hex(value) if isinstance(value, int) else "…"


@functools.lru_cache(maxsize=64)
def like_pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """The pattern as a regular expression that backtracks over one `%` at most."""
    pieces = [""]
    for escaped, plain in re.findall(r"\\([%_\\])|(.)", pattern, re.DOTALL):
        if plain == "%":
            pieces.append("")
        else:
            pieces[-1] += "." if plain == "_" else re.escape(escaped or plain)
    first, *middle = pieces
    last = ".*" + middle.pop() if middle else ""
    text = first + "".join(f"(?>.*?{piece})" for piece in middle) + last
    return re.compile(text + r"\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


# -- order -------------------------------------------------------------------------------------


def sort_runs(
    runs: Iterable[RunView], order: Sequence[Order], *, include_probable: bool = False
) -> list[RunView]:
    """The runs by `order`, then newest first, then by id.

    Runs without the field come last in both directions, before them those whose value is NaN.
    Numbers stand before text, text before anything else.
    """
    found = sorted(runs, key=lambda run: (-run.summary.first_seen, run.summary.id))
    for term in reversed(order):
        found = _sorted_by(found, term, include_probable)
    return found


def _sorted_by(runs: list[RunView], term: Order, include_probable: bool) -> list[RunView]:
    present: list[tuple[tuple[int, Any], RunView]] = []
    last: list[tuple[bool, RunView]] = []
    for run in runs:
        values = field_values(term.field, run, include_probable=include_probable)
        if not values or values[0] != values[0]:
            last.append((not values, run))
        else:
            present.append((_rank(values[0]), run))
    # `reverse` keeps the order of equals, so that earlier terms stay in force.
    present.sort(key=lambda item: item[0], reverse=term.descending)
    last.sort(key=lambda item: item[0])
    return [run for _, run in present] + [run for _, run in last]


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, text_of(value))
