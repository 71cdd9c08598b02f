"""Filters that few runs match: SQLite is told where to begin.

It knows nothing of how many rows a range of an index has. So the ranges that a filter requires are
counted up to a bound, which takes as long as there are rows, and the shortest one becomes a
condition by which the runs are found. PostgreSQL keeps such counts itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from autolog.codec import escape_text
from autolog.filters import And, Compare, Constant, Field, Node, Operator

from . import dialects
from .bounds import Condition
from .compiling import Compiler, nearest_float
from .schema import latest, runs
from .values import short_text

BOUNDS = (100, 4000)
"""Up to how many rows are counted, first and last: as many runs are not worth beginning with."""


def narrowed(compiler: Compiler, node: Node) -> Condition | None:
    """What follows from the filter and holds for few runs; None where no part of it is so."""
    if not dialects.counts_nothing(compiler.connection):
        return None
    asked = {leaf.field: None for leaf in required(node)}
    told = [_rows(compiler, field, ranges(node, field)) for field in asked]
    for bound in BOUNDS:
        counted = [(_count(compiler, rows, bound), rows) for rows in told if rows is not None]
        count, fewest = min(counted, key=lambda one: one[0], default=(bound, None))
        if fewest is not None and count < bound:
            return runs.c.id.in_(fewest)
    return None


def _count(compiler: Compiler, rows: Select[Any], bound: int) -> int:
    query = select(func.count()).select_from(rows.limit(bound).subquery())
    return compiler.connection.execute(query).scalar_one()


def ranges(node: Node, field: Field) -> list[Condition]:
    """Between which values the filter leaves a row of the field, as ranges of one index."""
    told = [_range(leaf.operator, leaf.value) for leaf in required(node) if leaf.field == field]
    found = [one for one in told if one is not None]
    # A run may have several data sets, and each comparison hold for another.
    return found[:1] if field.entity == "dataset" else found


def required(node: Node) -> list[Compare]:
    """The comparisons without which the filter does not hold."""
    if isinstance(node, And):
        return [leaf for part in node.parts for leaf in required(part)]
    return [node] if isinstance(node, Compare) else []


def _rows(compiler: Compiler, field: Field, values: list[Condition]) -> Select[Any] | None:
    """The ids of the runs of which the comparisons may hold."""
    known = None if field.entity == "attribute" else compiler.known(field)
    if known is None or not values:
        return None
    return select(latest.c.run_id).where(latest.c.name_id == known.id, *values)


def _range(operator: Operator, constant: Constant) -> Condition | None:
    """What a row's columns are like where the comparison holds; None for no range.

    A great whole number stands there as its nearest float, a long text by its beginning.
    """
    if isinstance(constant, str):
        plain = operator == "=" and escape_text(constant) == constant and not _numeric(constant)
        return latest.c.text == short_text(constant) if plain else None
    if isinstance(constant, bool) or constant != constant:
        return None
    number = nearest_float(constant)
    if operator == "=":
        return latest.c.num == number
    if operator in ("<", "<="):
        return latest.c.num <= number
    return latest.c.num >= number if operator in (">", ">=") else None


def _numeric(text: str) -> bool:
    """Whether a number's text may be this."""
    try:
        float(text)
    except ValueError:
        return False
    return True
