"""The parser of the filter language; every error points at its place with a caret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from .errors import FilterError
from .filters import (
    And,
    Compare,
    Constant,
    Entity,
    Field,
    In,
    IsNull,
    Like,
    Node,
    Not,
    Operator,
    Or,
    Order,
)

ENTITIES: dict[str, Entity] = {
    **dict.fromkeys(("metrics", "metric"), "metric"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "param"),
    **dict.fromkeys(("tags", "tag"), "tag"),
    **dict.fromkeys(("datasets", "dataset"), "dataset"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attribute"),
}

TEXTS = ("id", "name", "experiment", "status", "parent")
TIMES = ("started", "ended")
ATTRIBUTES = {key: key for key in (*TEXTS, *TIMES, "duration")} | {
    "run_id": "id",
    "run_name": "name",
    "run name": "name",
    "Run name": "name",
    "Run Name": "name",
    "start_time": "started",
    "created": "started",
    "Created": "started",
    "end_time": "ended",
}
MILLISECONDS = ("start_time", "created", "Created", "end_time")
"""MLflow's names of the times, and its unit."""

DATASET_KEYS = {"name": "name", "digest": "digest", "role": "role", "context": "role"}

DEPTH = 100
"""Parentheses and NOTs within each other; Python's own stack ends not far beyond."""

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d]\w*")
_KEY = re.compile(r"\w[\w.]*")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"|`((?:[^`]|``)*)`", re.DOTALL)
_NUMBER = re.compile(
    r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|inf\b|nan\b)", re.IGNORECASE
)
_OPERATOR = re.compile(r"<=|>=|!=|==|=|<(?!>)|>")


def parse(text: str) -> Node:
    """The tree of a filter; an empty one matches every run. Raises FilterError."""
    parser = _Parser(text)
    if parser.at_end():
        return And(())
    node = parser.either(0)
    if not parser.at_end():
        raise parser.error("expected AND, OR, or the end")
    return node


def parse_order(terms: str | list[str] | tuple[str, ...] | None) -> list[Order]:
    """The terms of an ordering, as `metrics.rmse DESC, name`. Raises FilterError."""
    texts = [terms] if isinstance(terms, str) else list(terms or ())
    found: list[Order] = []
    for text in texts:
        parser = _Parser(text)
        while not parser.at_end():
            found.append(parser.term())
            if not parser.symbol(",") and not parser.at_end():
                raise parser.error("expected ASC, DESC, a comma, or the end")
    return found


class _Parser:
    """One pass over the text, left to right, without going back."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise FilterError(f"a filter is text, not {type(text).__name__}")
        self.text = text
        self.pos = 0
        self._skip()

    # -- characters ------------------------------------------------------------------------

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.pos)
        self.pos = match.end() if match else self.pos

    def at_end(self) -> bool:
        return self.pos >= len(self.text)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.pos)
        if match is not None:
            self.pos = match.end()
            self._skip()
        return match

    def symbol(self, symbol: str) -> bool:
        if not self.text.startswith(symbol, self.pos):
            return False
        self.pos += len(symbol)
        self._skip()
        return True

    def word(self, *words: str) -> str | None:
        """One of `words` in any case, taken; None if something else stands here."""
        match = _WORD.match(self.text, self.pos)
        if match is None or match[0].lower() not in words:
            return None
        self.take(_WORD)
        return match[0].lower()

    def error(self, problem: str, pos: int | None = None) -> FilterError:
        """To be raised: `problem` at `pos`, by default where the parser stands."""
        return FilterError(pointed(self.text, self.pos if pos is None else pos, problem))

    # -- grammar ---------------------------------------------------------------------------

    def either(self, depth: int) -> Node:
        parts = [self.both(depth)]
        while self.word("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Node:
        parts = [self.negation(depth)]
        while self.word("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Node:
        if depth > DEPTH:
            raise self.error(f"nested deeper than {DEPTH}")
        if self.word("not"):
            return Not(self.negation(depth + 1))
        if not self.symbol("("):
            return self.predicate()
        node = self.either(depth + 1)
        if not self.symbol(")"):
            raise self.error("expected )")
        return node

    def predicate(self) -> Node:
        start = self.pos
        field, unit = self.field()
        if self.word("is"):
            negated = self.word("not") is not None
            if not self.word("null"):
                raise self.error("expected NULL or NOT NULL")
            return IsNull(field, negated)
        negated = self.word("not") is not None
        if self.word("in"):
            return In(field, self.constants(field, unit), negated)
        like = self.word("like", "ilike")
        if like:
            if field.entity == "metric" or (field.entity == "attribute" and field.key not in TEXTS):
                raise self.error("LIKE is for text, and this is a number", start)
            return Like(field, self.pattern(), like == "ilike", negated)
        if negated:
            raise self.error("expected IN, LIKE or ILIKE")
        return self.comparison(field, unit)

    def comparison(self, field: Field, unit: float) -> Node:
        found = self.take(_OPERATOR)
        if found is None:
            near = "" if self.at_end() else self._hint()
            raise self.error(f"expected = != < <= > >=, [NOT] IN, [NOT] LIKE, IS [NOT] NULL{near}")
        operator = "=" if found[0] == "==" else found[0]
        start = self.pos
        value = self.constant(field, unit)
        if operator in ("<", "<=", ">", ">="):
            if isinstance(value, bool):
                raise self.error("true and false have no order", start)
            if field.entity == "metric" and isinstance(value, str):
                raise self.error("metrics are numbers: leave out the quotes", start)
        return Compare(field, cast(Operator, operator), value)

    def _hint(self) -> str:
        if self.text.startswith("<>", self.pos):
            return "; not equal is !="
        if self.text[self.pos] in "-/:@ .":
            return "; a name with such a character is quoted: metrics.`val-loss`"
        return ""

    def field(self) -> tuple[Field, float]:
        """The field, and by what a number is divided to come to its unit."""
        start = self.pos
        quoted = _QUOTED.match(self.text, self.pos)
        if quoted is not None and quoted[1] is None:
            self.take(_QUOTED)
            return self.attribute(_unquoted(quoted), start)
        word = _WORD.match(self.text, self.pos)
        if word is None:
            raise self.error("expected a name, as metrics.accuracy, params.C or status")
        self.pos = word.end()
        if not self.text.startswith(".", self.pos):
            self._skip()
            return self.attribute(word[0], start)
        entity = ENTITIES.get(word[0])
        if entity is None:
            raise self.error(f"unknown {word[0]!r}{_nearest(word[0], ENTITIES)}", start)
        self.pos += 1
        place = self.pos
        key = self.key()
        if entity == "attribute":
            return self.attribute(key, place)
        if entity == "dataset":
            if key not in DATASET_KEYS:
                raise self.error("a dataset has name, digest and role", place)
            key = DATASET_KEYS[key]
        return Field(entity, key), 1

    def key(self) -> str:
        quoted = self.take(_QUOTED)
        if quoted is not None:
            return _unquoted(quoted)
        plain = self.take(_KEY)
        if plain is None:
            raise self.error("expected a name; odd ones are quoted, as metrics.`val loss`")
        return plain[0]

    def attribute(self, name: str, start: int) -> tuple[Field, float]:
        if name not in ATTRIBUTES:
            near = _nearest(name, (*ATTRIBUTES, *ENTITIES))
            hint = near or f"; did you mean metrics.{name}, params.{name} or tags.{name}?"
            raise self.error(f"a run has no attribute {name!r}{hint}", start)
        return Field("attribute", ATTRIBUTES[name]), 1000 if name in MILLISECONDS else 1

    # -- literals --------------------------------------------------------------------------

    def constants(self, field: Field, unit: float) -> tuple[Constant, ...]:
        if not self.symbol("("):
            raise self.error("expected ( and a list of values")
        values = [self.constant(field, unit)]
        while self.symbol(","):
            values.append(self.constant(field, unit))
        if not self.symbol(")"):
            raise self.error("expected , or )")
        return tuple(values)

    def pattern(self) -> str:
        quoted = self.take(_QUOTED)
        if quoted is None:
            raise self.error("expected a quoted pattern, as '%forest%'")
        return _unquoted(quoted)

    def constant(self, field: Field, unit: float) -> Constant:
        start = self.pos
        value = self.literal()
        if field.entity != "attribute":
            if field.entity in ("tag", "dataset") and not isinstance(value, str):
                raise self.error("this is text: quote the value", start)
            if field.entity == "metric" and isinstance(value, bool):
                raise self.error("metrics are numbers", start)
            return value
        if field.key in TEXTS:
            if not isinstance(value, str):
                raise self.error(f"{field.key} is text: quote the value", start)
            return value.lower() if field.key == "status" else value
        if isinstance(value, str) and field.key in TIMES:
            return self.moment(value, start)
        if isinstance(value, str | bool):
            raise self.error(f"{field.key} is a number of seconds", start)
        return value / unit if unit != 1 and abs(value) < 1e300 else value

    def moment(self, text: str, start: int) -> float:
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            form = "'2026-01-31', '2026-01-31 12:30' or a number of seconds"
            raise self.error(f"no such time; write {form}", start) from None

    def literal(self) -> Constant:
        start = self.pos
        quoted = _QUOTED.match(self.text, self.pos)
        if quoted is not None and quoted[3] is None:
            self.take(_QUOTED)
            return _unquoted(quoted)
        number = self.take(_NUMBER)
        if number is not None:
            if self.text[number.end() : number.end() + 1].isalnum():
                raise self.error("a number ends where a letter begins; text is quoted", start)
            return self.number(number[0], start)
        word = self.word("true", "false")
        if word:
            return word == "true"
        if self.text[self.pos : self.pos + 1] in ("'", '"'):
            raise self.error("this quote is never closed")
        bare = _WORD.match(self.text, self.pos)
        hint = f"; text is quoted: '{bare[0]}'" if bare else ""
        raise self.error(f"expected a number, 'text', true or false{hint}")

    def number(self, text: str, start: int) -> int | float:
        try:
            return int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            raise self.error("this number has too many digits", start) from None

    def term(self) -> Order:
        start = self.pos
        field, _ = self.field()
        if field.entity == "dataset":
            raise self.error("a run may have many datasets, which give no order", start)
        return Order(field, self.word("asc", "desc") == "desc")


def _unquoted(match: re.Match[str]) -> str:
    quote = match[0][0]
    return match[0][1:-1].replace(quote * 2, quote)


def _nearest(name: str, known: Iterable[str]) -> str:
    words = list(known)
    near = [word for word in words if word.lower() == name.lower()]
    near = near or difflib.get_close_matches(name, words, 1)
    return f"; did you mean {near[0]}?" if near else ""


def pointed(text: str, pos: int, problem: str, width: int = 72) -> str:
    """`problem`, then `width` characters of the text, with a caret under `pos`."""
    begin = max(0, min(pos - width // 2, len(text) - width))
    end = begin + width
    shown = "".join(c if c.isprintable() else " " for c in text[begin:end])
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    return f"{problem}\n  {before}{shown}{after}\n  {' ' * (len(before) + pos - begin)}^"
