"""Who is whose only child: a run that was opened by hand shows that child's values as its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
)

from autolog.codec import escape_text
from autolog.summary import Summary, unpack_summary

from .naming import in_pieces
from .schema import SHORT, runs

_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_BRIEFS = select(runs.c.id, runs.c.brief).where(runs.c.id.in_(_SOME), runs.c.brief.is_not(None))
_ONLY = (
    select(runs.c.parent, func.min(runs.c.id))
    .where(runs.c.parent.in_(_SOME), runs.c.records > 0)
    .group_by(runs.c.parent)
    .having(func.count() == 1)
)
_PARENTS = (
    select(runs.c.id, runs.c.parent, runs.c.trained)
    .where(runs.c.run.in_(_SOME))
    .order_by(runs.c.id)
    .with_for_update()
)


def summaries(connection: Connection, run_ids: Sequence[int]) -> dict[int, Summary]:
    """The summaries of these runs, by the number of their row."""
    found: dict[int, Summary] = {}
    for piece in in_pieces(run_ids):
        rows = connection.execute(_BRIEFS, {"some": piece})
        found |= {run_id: unpack_summary(brief) for run_id, brief in rows}
    return found


def only_children(connection: Connection, parents: Sequence[str]) -> dict[str, int]:
    """By parent the row of its child, of those that have just one."""
    found: dict[str, int] = {}
    for piece in in_pieces(parents):
        rows = connection.execute(_ONLY, {"some": piece})
        found |= {row[0]: row[1] for row in rows}
    return found


def below(
    connection: Connection, found: Iterable[Summary]
) -> tuple[dict[str, Summary], dict[str, str]]:
    """The only children of these runs, theirs, and so on; and who is whose."""
    known = {one.id: one for one in found}
    children: dict[str, Summary] = {}
    only: dict[str, str] = {}
    asking = [one.id for one in known.values() if not one.facts.get("integration")]
    while asking:
        rows = only_children(connection, asking)
        briefs = summaries(connection, sorted(rows.values()))
        asking = []
        for parent, row in rows.items():
            child = known.get(briefs[row].id) or briefs[row]
            only[parent] = child.id
            if child.id not in known:
                known[child.id] = children[child.id] = child
                if not child.facts.get("integration"):
                    asking.append(child.id)
    return children, only


def parts_families(connection: Connection, experiment: str) -> bool:
    """Whether a run of `experiment`, or below it, has a child that is not; also if in doubt."""
    if escape_text(experiment) != experiment or len(experiment) + 1 >= SHORT:
        return True
    child = runs.alias("child")
    query = (
        select(child.c.id)
        .select_from(child.join(runs, child.c.parent == runs.c.run))
        .where(
            child.c.records > 0,
            _inside(runs.c.experiment, experiment),
            or_(child.c.experiment.is_(None), not_(_inside(child.c.experiment, experiment))),
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def _inside(column: ColumnElement[str], experiment: str) -> ColumnElement[bool]:
    below = and_(column >= f"{experiment}/", column < f"{experiment}0")
    return or_(column == experiment, below)


def lines_of(
    connection: Connection, run_ids: Sequence[int], parents: Sequence[str]
) -> dict[int, list[Summary]]:
    """By row the lines of these runs, and of those above them which show their values.

    A line is a run, its only child, and so on. The rows of `parents` are locked, so that of two
    children that appear at once one sees the other.
    """
    rows = {*run_ids, *_above(connection, parents)}
    starts = summaries(connection, sorted(rows))
    children, only = below(connection, starts.values())
    known = {one.id: one for one in starts.values()} | children
    return {row: _line(one, known, only) for row, one in starts.items()}


def _line(start: Summary, known: dict[str, Summary], only: dict[str, str]) -> list[Summary]:
    line = [start]
    while not line[-1].facts.get("integration"):
        child = known.get(only.get(line[-1].id, ""))
        if child is None or child in line:
            break
        line.append(child)
    return line


def _above(connection: Connection, parents: Sequence[str]) -> set[int]:
    """The rows of these runs and of all above them, as far as a child's values are shown."""
    found: set[int] = set()
    asking: Sequence[str] = parents
    while asking:
        rows: list[Any] = []
        for piece in in_pieces(asking):
            rows += connection.execute(_PARENTS, {"some": piece}).all()
        new = [row for row in rows if row.id not in found and not row.trained]
        found |= {row.id for row in new}
        asking = sorted({row.parent for row in new if row.parent is not None})
    return found
