"""Searches: the filter, the order and the limit in SQL as far as these mean the same there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, select

from autolog.filters import And, Compare, Field, Node, Order
from autolog.query import Found, Query
from autolog.records import Status
from autolog.summary import unpack_summary

from .bounds import Condition
from .compiling import ATTRIBUTES, MOST, Compiler, Known, leaves, size
from .families import below, parts_families
from .judging import judge
from .narrowing import narrowed, ranges
from .schema import latest, runs
from .values import LONG, Form

HELD = runs.c.records > 0
NEWEST = (runs.c.first_seen.desc(), runs.c.run)


def search(connection: Connection, query: Query) -> Found | None:
    """What answers `query`; every summary and row is up to date.

    None where a bound on experiments parts families: a run shows its only child's values, and
    those of a child beyond the bounds must not count.
    """
    if any(parts_families(connection, experiment) for experiment in query.within):
        return None
    node, order = query.node(), query.order()
    if query.experiment is not None:
        node = And((node, Compare(Field("attribute", "experiment"), "=", query.experiment)))
    fields = [leaf.field for leaf in leaves(node)] + [term.field for term in order]
    judged: Mapping[int, Status] | None = {}
    if any(_is_status(field) for field in fields):
        judged = judge(connection)
    if size(node) > MOST or judged is None:
        return _found(connection, _briefs(connection, HELD), False)
    compiler = Compiler(connection, fields, judged, query.include_probable)
    few = narrowed(compiler, node)
    bounds = compiler.condition(node).where(HELD if few is None else and_(few, HELD))
    sorter = Sorter(compiler, order, node, few is not None)
    if bounds.exact and sorter.exact and query.offset >= 0 <= (query.limit or 0):
        return _found(connection, sorter.page(bounds.above, query), True)
    return _found(connection, _briefs(connection, bounds.above), False)


def _is_status(field: Field) -> bool:
    return field.entity == "attribute" and field.key == "status"


def _briefs(connection: Connection, condition: Condition) -> Sequence[bytes]:
    return connection.execute(select(runs.c.brief).where(condition)).scalars().all()


def _found(connection: Connection, briefs: Sequence[bytes], exact: bool) -> Found:
    found = [unpack_summary(brief) for brief in briefs]
    children, only = below(connection, found)
    return Found(found, exact, [*children.values()], only)


@dataclass(frozen=True, slots=True)
class Sorter:
    """The order of a search for what `node` says, among `few` runs or many."""

    compiler: Compiler
    order: Sequence[Order]
    node: Node
    few: bool

    @property
    def exact(self) -> bool:
        """Whether the database orders the values as `filters.sort_runs` does."""
        for term in self.order:
            known = self.compiler.known(term.field)
            if term.field.entity == "attribute":
                if term.field.key == "status" or known is not None:
                    return False
            elif known is not None and known.has(*LONG):
                return False
        return True

    def page(self, condition: Condition, query: Query) -> Sequence[bytes]:
        """The summaries of the runs asked for, in order."""
        term = self.order[0] if len(self.order) == 1 else None
        known = None if term is None else self.compiler.known(term.field)
        if term is not None and known is not None and query.limit is not None and not self.few:
            found = self._by_number(condition, term, known, query.page.stop)
            if found is not None:
                return found[query.offset :]
        ordered = self._ordered(select(runs.c.brief).where(condition))
        return self._all(ordered.limit(query.limit).offset(query.offset or None))

    def _all(self, query: Select[Any]) -> Sequence[bytes]:
        return self.compiler.connection.execute(query).scalars().all()

    def _by_number(
        self, condition: Condition, term: Order, known: Known, limit: int
    ) -> Sequence[bytes] | None:
        """The first `limit` by the index of a name's numbers; None where these are too few."""
        others = (Form.TEXT, Form.OTHER, Form.BOOL)
        if known.has(*(others if term.descending else ())) or not known.has(Form.INT, Form.FLOAT):
            return None
        own = and_(
            latest.c.run_id == runs.c.id,
            latest.c.name_id == known.id,
            *ranges(self.node, term.field),
        )
        if term.field.entity == "metric" and not self.compiler.include_probable:
            own = and_(own, latest.c.probable.is_(False))
        number = latest.c.num.desc() if term.descending else latest.c.num.asc()
        query = (
            select(runs.c.brief)
            .select_from(latest.join(runs, latest.c.run_id == runs.c.id))
            .where(own, latest.c.form.in_((Form.INT, Form.FLOAT)), condition)
            .order_by(number, *NEWEST)
            .limit(limit)
        )
        found = self._all(query)
        return found if len(found) == limit else None

    def _ordered(self, query: Select[Any]) -> Select[Any]:
        source: Any = runs
        keys: list[ColumnElement[Any]] = []
        for place, term in enumerate(self.order):
            if term.field.entity == "attribute":
                keys += _by_column(term)
                continue
            known = self.compiler.known(term.field)
            if known is not None:
                row = latest.alias(f"order_{place}")
                own = and_(row.c.run_id == runs.c.id, row.c.name_id == known.id)
                if term.field.entity == "metric" and not self.compiler.include_probable:
                    own = and_(own, row.c.probable.is_(False))
                source = source.outerjoin(row, own)
                keys += _by_row(term, row)
        return query.select_from(source).order_by(*keys, *NEWEST)


def _by_column(term: Order) -> list[ColumnElement[Any]]:
    column = ATTRIBUTES[term.field.key]
    missing = case((column.is_(None), 1), else_=0)
    return [missing.asc(), column.desc() if term.descending else column.asc()]


def _by_row(term: Order, row: Any) -> list[ColumnElement[Any]]:
    """Values, then NaN, then nothing; numbers before text before all else."""
    last = case((row.c.form.is_(None), 2), (row.c.form == Form.NAN, 1), else_=0)
    rank = case((row.c.form.in_((Form.INT, Form.FLOAT)), 0), (row.c.form == Form.TEXT, 1), else_=2)
    keys = [rank, func.coalesce(row.c.num, literal(0.0)), func.coalesce(row.c.text, "")]
    return [last.asc(), *(key.desc() if term.descending else key.asc() for key in keys)]
