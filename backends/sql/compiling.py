"""A filter's tree as conditions of SQL.

Each part becomes two conditions: one that implies it and one that it implies. Mostly they are the
same, and then the database answers alone; else it finds what may match, and `filters.matches`
decides. `filters` is the meaning of all that stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, false, not_, or_, select, true

from autolog.codec import escape_text
from autolog.filters import And, Compare, Constant, Field, In, IsNull, Like, Node, Not, Operator, Or
from autolog.records import Status

from . import dialects
from .bounds import UNKNOWN, Bounds, Condition, every, exactly, some
from .judging import fitting
from .naming import Name, digest_of, known_names
from .schema import SHORT, latest, names, runs
from .values import EXACT, LONG, NUMBERS, TEXTS, Form, nearest

MOST = 400
"""Comparisons beyond which a filter is not made SQL: databases bound the depth of a statement."""

ATTRIBUTES: dict[str, ColumnElement[str] | ColumnElement[float]] = {
    "id": runs.c.run,
    "name": runs.c.name,
    "experiment": runs.c.experiment,
    "parent": runs.c.parent,
    "started": runs.c.started,
    "ended": runs.c.ended,
    "duration": runs.c.duration,
}
NUM: ColumnElement[float] = dialects.Probed(latest.c.num)
TEXT: ColumnElement[str] = dialects.Probed(latest.c.text)
TIMES = ("started", "ended", "duration")


class Known(NamedTuple):
    """A name as the store knows it: its number, and which forms its values have (as bits)."""

    id: int
    forms: int

    def has(self, *forms: Form) -> bool:
        """Whether there may be values of one of these forms."""
        return any(self.forms & 1 << form for form in forms)


class Compiler:
    """What one search needs to know of the store.

    Attributes:
        judged: By run without an end its status, as the reader finds it.
        include_probable: Metrics take part whose link with their run is only probable.
    """

    def __init__(
        self,
        connection: Connection,
        fields: Sequence[Field],
        judged: Mapping[int, Status],
        include_probable: bool,
    ) -> None:
        self.connection = connection
        self.judged = judged
        self.include_probable = include_probable
        self._names = _known(connection, fields)

    def known(self, field: Field) -> Known | None:
        """What the store knows of the field's name; None where no run has it."""
        return self._names.get(_name(field))

    def condition(self, node: Node) -> Bounds:
        """Runs that match `node` for certain, and runs that may match it."""
        match node:
            case And(parts):
                return every([self.condition(part) for part in parts])
            case Or(parts):
                return some([self.condition(part) for part in parts])
            case Not(part):
                return self.condition(part).negated()
            case _:
                return self._predicate(node)

    def _predicate(self, node: Compare | In | Like | IsNull) -> Bounds:
        if node.field.entity == "attribute":
            return self._of_attribute(node)
        known = self.known(node.field)
        if known is None:
            return exactly(true() if isinstance(node, IsNull) and not node.negated else false())
        if isinstance(node, IsNull):
            found = self.row(node.field, known, true())
            return exactly(found if node.negated else not_(found))
        return self._of_row(node, known).mapped(lambda own: self.row(node.field, known, own))

    def row(self, field: Field, known: Known, condition: Condition) -> Condition:
        """Whether the run has a row of this name for which the condition holds."""
        own = and_(latest.c.run_id == runs.c.id, latest.c.name_id == known.id, condition)
        if field.entity == "metric" and not self.include_probable:
            own = and_(own, latest.c.probable.is_(False))
        return select(latest.c.run_id).where(own).correlate(runs).exists()

    # -- values of rows --------------------------------------------------------------------

    def _of_row(self, node: Compare | In | Like, known: Known) -> Bounds:
        match node:
            case Compare(_, "=", constant):
                return _equal(constant, known)
            case Compare(_, "!=", constant):
                return _equal(constant, known).negated()
            case Compare(_, operator, constant):
                return _ordered(operator, constant, known)
            case In(_, constants, negated):
                bounds = some([_equal(constant, known) for constant in constants])
                return bounds.negated() if negated else bounds
            case Like(_, pattern, ignore_case, negated):
                bounds = self._like(pattern, ignore_case, known)
                return bounds.negated() if negated else bounds

    def _like(self, pattern: str, ignore_case: bool, known: Known) -> Bounds:
        if escape_text(pattern) != pattern:
            return UNKNOWN
        text = latest.c.form.in_(TEXTS)
        fits = dialects.like(self.connection, TEXT, pattern, ignore_case).where(text)
        return fits.unless(not_(text) if known.has(*NUMBERS, Form.NAN, *LONG) else None)

    # -- attributes ------------------------------------------------------------------------

    def _of_attribute(self, node: Compare | In | Like | IsNull) -> Bounds:
        if node.field.key == "status":
            return self._status(node)
        column = ATTRIBUTES[node.field.key]
        given = column.is_not(None)
        if isinstance(node, IsNull):
            return exactly(given if node.negated else not_(given))
        if self.known(node.field) is not None:  # some of them are not held whole
            return Bounds(false(), given)
        return self._of_column(node, column, node.field.key in TIMES).where(given)

    def _of_column(
        self,
        node: Compare | In | Like,
        column: ColumnElement[str] | ColumnElement[float],
        time: bool,
    ) -> Bounds:
        match node:
            case Compare(_, operator, constant):
                return _column(column, operator, constant, time)
            case In(_, constants, negated):
                bounds = some([_column(column, "=", constant, time) for constant in constants])
                return bounds.negated() if negated else bounds
            case Like(_, pattern, ignore_case, negated):
                if time or escape_text(pattern) != pattern:
                    return UNKNOWN
                bounds = dialects.like(self.connection, column, pattern, ignore_case)  # type: ignore[arg-type]
                return bounds.negated() if negated else bounds

    def _status(self, node: Compare | In | Like | IsNull) -> Bounds:
        """Each of the few statuses is asked by itself; those of open runs were judged before."""
        fits = fitting(node)
        ended = runs.c.outcome.in_([status for status in fits if status not in ("running", "lost")])
        open_ones = [run_id for run_id, status in self.judged.items() if status in fits]
        return exactly(or_(and_(runs.c.outcome.is_not(None), ended), runs.c.id.in_(open_ones)))


def _known(connection: Connection, fields: Sequence[Field]) -> dict[Name, Known]:
    wanted = {_name(field) for field in fields}
    ids = known_names(connection, {digest_of(name): name for name in wanted})
    if not ids:
        return {}
    query = select(names.c.id, names.c.forms).where(names.c.id.in_(ids.values()))
    forms = {row.id: row.forms for row in connection.execute(query)}
    return {name: Known(one, forms[one]) for name, one in ids.items() if forms[one]}


def _name(field: Field) -> Name:
    return field.entity, escape_text(field.key)


# -- bounds ------------------------------------------------------------------------------------


def _equal(constant: Constant, known: Known) -> Bounds:
    if isinstance(constant, str):
        return _equal_text(constant, known)
    if isinstance(constant, bool):
        return exactly(and_(latest.c.form == Form.BOOL, _operated(TEXT, "=", str(constant))))
    if constant != constant:
        return exactly(latest.c.form == Form.NAN)
    return _compared("=", constant, known)


def _equal_text(constant: str, known: Known) -> Bounds:
    found = exactly(or_(_whole_text(constant), _number_of(constant)))
    if constant in ("0.0", "-0.0"):  # which are one number to a database
        found = Bounds(_whole_text(constant), found.above)
    return found.unless(latest.c.form.in_(LONG) if known.has(*LONG) else None)


def _whole_text(constant: str) -> Condition:
    if len(constant) > SHORT or escape_text(constant) != constant:
        return false()
    return and_(latest.c.form.in_(TEXTS), _operated(TEXT, "=", constant))


def _number_of(constant: str) -> Condition:
    """Whether the text of a number is `constant`."""
    if constant == "nan":
        return latest.c.form == Form.NAN
    for form, read in ((Form.INT, int), (Form.FLOAT, float)):
        try:
            number = read(constant)
        except (ValueError, OverflowError):
            continue
        if str(number) == constant and (form == Form.FLOAT or abs(number) < EXACT):
            return and_(latest.c.form == form, _operated(NUM, "=", float(number)))
    return false()


def _ordered(operator: Operator, constant: Constant, known: Known) -> Bounds:
    if not isinstance(constant, str):
        return exactly(false()) if constant != constant else _compared(operator, constant, known)
    text = latest.c.form == Form.TEXT
    unknown = latest.c.form == Form.LONG_TEXT if known.has(Form.LONG_TEXT) else None
    if escape_text(constant) != constant:
        return Bounds(false(), text).unless(unknown)
    return exactly(and_(text, _operated(TEXT, operator, constant))).unless(unknown)


def _compared(operator: Operator, constant: int | float, known: Known) -> Bounds:
    """A number with numbers; a great whole number and its nearest float are not the same."""
    number = nearest(constant) if isinstance(constant, int) else constant
    floats = latest.c.form.in_((Form.INT, Form.FLOAT))
    long = latest.c.form == Form.LONG_INT if known.has(Form.LONG_INT) else None
    if number != constant:
        return Bounds(false(), floats).unless(long)
    return exactly(and_(floats, _operated(NUM, operator, number))).unless(long)


def _column(
    column: ColumnElement[str] | ColumnElement[float],
    operator: Operator,
    constant: Constant,
    time: bool,
) -> Bounds:
    """A constant of the column's own type with a column that is not null."""
    if isinstance(constant, str) == time or isinstance(constant, bool):
        return UNKNOWN
    if isinstance(constant, str):
        if escape_text(constant) != constant:
            return UNKNOWN
        return exactly(_operated(column, operator, constant))
    if constant != constant or nearest_float(constant) != constant:
        return UNKNOWN
    return exactly(_operated(column, operator, nearest_float(constant)))


def nearest_float(number: int | float) -> float:
    """The number as a float."""
    return nearest(number) if isinstance(number, int) else number


def _operated(column: ColumnElement[Any], operator: Operator, value: float | str) -> Condition:
    compared: Condition = {
        "=": column == value,
        "!=": column != value,
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }[operator]
    return compared


def leaves(node: Node) -> list[Compare | In | Like | IsNull]:
    """The comparisons of a filter."""
    match node:
        case And(parts) | Or(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(part):
            return leaves(part)
    return [node]


def size(node: Node) -> int:
    """How much of a statement the filter would take."""
    return sum(len(leaf.values) if isinstance(leaf, In) else 1 for leaf in leaves(node))
