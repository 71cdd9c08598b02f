"""Conditions that may be known in part only: what implies them, and what they imply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

Condition = ColumnElement[bool]


class Bounds(NamedTuple):
    """The truth lies between: where `below` holds it does, where `above` does not, neither."""

    below: Condition
    above: Condition

    @property
    def exact(self) -> bool:
        """Whether the condition is known in full."""
        return self.below is self.above

    def negated(self) -> Bounds:
        """The opposite."""
        return self.mapped(not_) if self.exact else Bounds(not_(self.above), not_(self.below))

    def mapped(self, change: Callable[[Condition], Condition]) -> Bounds:
        """What `change`, which keeps implications, makes of it."""
        below = change(self.below)
        return Bounds(below, below if self.exact else change(self.above))

    def where(self, condition: Condition) -> Bounds:
        """Both this and the condition."""
        return self.mapped(lambda own: and_(condition, own))

    def unless(self, unknown: Condition | None) -> Bounds:
        """As this, but nothing is known where `unknown` holds."""
        return self if unknown is None else Bounds(self.below, or_(self.above, unknown))


def exactly(condition: Condition) -> Bounds:
    """A condition that is known in full."""
    return Bounds(condition, condition)


UNKNOWN = Bounds(false(), true())


def every(parts: Sequence[Bounds]) -> Bounds:
    """All of the parts."""
    below = and_(true(), *(part.below for part in parts))
    known = all(part.exact for part in parts)
    return Bounds(below, below if known else and_(true(), *(part.above for part in parts)))


def some(parts: Sequence[Bounds]) -> Bounds:
    """Any of the parts."""
    below = or_(false(), *(part.below for part in parts))
    known = all(part.exact for part in parts)
    return Bounds(below, below if known else or_(false(), *(part.above for part in parts)))
