"""How values stand in the table `latest`, so that a database compares them as `filters` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from autolog.codec import escape_text
from autolog.filters import text_of
from autolog.summary import Summary

from .schema import SHORT

EXACT = 2**53
"""Whole numbers from here on are not all floats."""


class Form(IntEnum):
    """What kind of value a row holds; those called LONG are not held whole."""

    INT = 0
    FLOAT = 1
    NAN = 2
    BOOL = 3
    TEXT = 4
    OTHER = 5
    LONG_INT = 6
    LONG_TEXT = 7
    LONG_OTHER = 8


NUMBERS = (Form.INT, Form.FLOAT, Form.LONG_INT)
"""Forms that stand in the column `num`, and compare with numbers."""
TEXTS = (Form.TEXT, Form.OTHER, Form.BOOL)
"""Forms whose whole text stands in the column `text`."""
LONG = (Form.LONG_INT, Form.LONG_TEXT, Form.LONG_OTHER)


class Value(NamedTuple):
    """A value as a row holds it."""

    form: Form
    num: float | None = None
    text: str | None = None


def value_of(value: Any) -> Value:
    """How `value`, which is not None, stands in a row."""
    if isinstance(value, bool):
        return Value(Form.BOOL, None, str(value))
    if isinstance(value, int):
        form = Form.INT if -EXACT < value < EXACT else Form.LONG_INT
        return Value(form, nearest(value))
    if isinstance(value, float):
        return Value(Form.NAN) if value != value else Value(Form.FLOAT, value)
    return _text(text_of(value), isinstance(value, str))


def _text(text: str, plain: bool) -> Value:
    short = short_text(text)
    if short == text:
        return Value(Form.TEXT if plain else Form.OTHER, None, text)
    return Value(Form.LONG_TEXT if plain else Form.LONG_OTHER, None, short)


def short_text(text: str) -> str:
    """The text if a column can hold it whole, else something like it."""
    return escape_text(text[:SHORT])[:SHORT]


def nearest(value: int) -> float:
    """The nearest float; infinity beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


class Entry(NamedTuple):
    """One row of a run: what is named, its place among those of the name, whether probable."""

    kind: str
    key: str
    place: int
    probable: bool
    value: Value


def entries_of(line: Sequence[Summary]) -> Iterator[Entry]:
    """What a run has for filters: its own values, and what only its only children have.

    `line` is the run, its only child, the child's only child, and so on.
    """
    yield from _merged("param", [one.params() for one in line])
    metrics = [one.metrics() for one in line]
    probable = [frozenset(one.probable) for one in line]
    owners = {key: i for i in reversed(range(len(line))) for key in metrics[i]}
    for entry in _merged("metric", metrics):
        yield entry._replace(probable=entry.key in probable[owners[entry.key]])
    yield from _merged("tag", [line[0].tags()])
    yield from _datasets(_first(one.datasets() for one in line))


def _merged(kind: str, parts: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    for key, value in _first(parts).items():
        if value is not None:
            yield Entry(kind, key, 0, False, value_of(value))


def _first(parts: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= {key: value for key, value in part.items() if key not in merged}
    return merged


def _datasets(datasets: Mapping[str, Any]) -> Iterator[Entry]:
    described = [(name, facts) for name, facts in datasets.items() if isinstance(facts, Mapping)]
    for place, (name, facts) in enumerate(described):
        for key, value in (("name", name), *facts.items()):
            if value is not None:
                yield Entry("dataset", key, place, False, value_of(value))
