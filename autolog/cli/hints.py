"""Helpful words: names in a filter that no run has, and verbs with a slip of the finger."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Sequence

from ..filters import And, Entity, Field, Node, Not, Or
from ..parsing import parse, parse_order
from ..rendering.text import clean
from ..store import Store
from ..view import RunView


def hint_keys(
    store: Store, found: Sequence[RunView], filter: str, order: str | None = None
) -> None:
    """Say on stderr which metrics, params and tags of the question no run of the store has."""
    asked = [*_fields(parse(filter)), *(term.field for term in parse_order(order))]
    for field in dict.fromkeys(asked):
        named = field.entity in ("metric", "param", "tag")
        if named and not any(field.key in names(run, field.entity) for run in found):
            _hint(store, field)


def _hint(store: Store, field: Field) -> None:
    known: dict[str, None] = {}
    for one in store.summaries():
        known.update(dict.fromkeys(names(RunView(store, one.id), field.entity)))
    if known and field.key not in known:
        near = difflib.get_close_matches(field.key, known, 1)
        hint = f"; did you mean {clean(near[0])!r}?" if near else ""
        what = f"no run has a {field.entity} {clean(field.key, 60)!r}{hint}"
        print(f"autolog: {what}", file=sys.stderr)


def names(run: RunView, entity: Entity) -> Iterable[str]:
    """The names of the run's metrics, params or tags."""
    if entity == "metric":
        return run.metrics
    return run.params if entity == "param" else run.tags


def _fields(node: Node) -> Iterator[Field]:
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)
        case Not(part):
            yield from _fields(part)
        case _:
            yield node.field
