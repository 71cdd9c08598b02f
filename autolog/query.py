"""What is asked of a store, and what it may answer at once: runs that match, points of a metric.

All of it is plain data, so that a store on another machine can be asked too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .filters import And, Compare, Field, Node, Or, Order
from .parsing import parse, parse_order

if TYPE_CHECKING:
    from .points import Points
    from .summary import Summary


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs, in which order.

    Attributes:
        filter: As `docs/filters.md` describes; empty for all runs.
        experiment: Only runs of this experiment; None for all.
        order_by: As `metrics.rmse DESC`; runs stand newest first where these do not decide.
        limit: At most so many runs, from `offset` on; None for all.
        offset: How many of the first to leave out.
        include_probable: Metrics take part too whose link with their run is only probable.
        within: Only runs of these experiments and of those below them: of `wine` and `wine/demo`
            for `wine`, and of each of several.
    """

    filter: str = ""
    experiment: str | None = None
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    include_probable: bool = False
    within: tuple[str, ...] = ()

    def node(self) -> Node:
        """The tree of the filter and of the bounds on experiments; raises FilterError."""
        bounds = map(_within, self.within)
        return And((parse(self.filter), *bounds)) if self.within else parse(self.filter)

    def order(self) -> list[Order]:
        """The terms of the order; raises FilterError."""
        return parse_order(self.order_by)

    @property
    def page(self) -> slice:
        """Which of all runs that match, in their order."""
        return slice(self.offset, None if self.limit is None else self.offset + self.limit)


def _within(experiment: str) -> Node:
    """`experiment` itself or what begins with it and a slash; `0` comes after the slash."""
    field = Field("attribute", "experiment")
    below = And((Compare(field, ">=", f"{experiment}/"), Compare(field, "<", f"{experiment}0")))
    return Or((Compare(field, "=", experiment), below))


@dataclass(frozen=True, slots=True)
class Found:
    """What a store found.

    Attributes:
        runs: The runs in brief, in order: exactly those asked for where `exact`; else all that
            may match, in no order, and the reader filters, orders and cuts.
        exact: Whether there is nothing left to do.
        below: In brief the only children of `runs`, their only children, and so on.
        only_child: By run the one child that it has, of `runs` and `below` that have just one.
        total: How many runs match without the limit; None where that was not counted.
    """

    runs: list[Summary]
    exact: bool = True
    below: list[Summary] = field(default_factory=list)
    only_child: dict[str, str] = field(default_factory=dict)
    total: int | None = None


Range = tuple[float | None, float | None]
"""From and to, both included; None for an open end."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which points of a metric.

    Attributes:
        attempt: Those of this attempt alone; None for those that no later attempt supersedes.
        steps: Only those within; a point without a step is within none. None for all.
        times: Only those recorded within, in Unix seconds. None for all.
        limit: At most so many, but 5 in any case: of what is more, the least and the greatest
            value of each stretch, a NaN, the first and the last. None for all.
    """

    attempt: int | None = None
    steps: Range | None = None
    times: Range | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one metric in order, what the steps count, and how many points they stand for."""

    points: Points
    unit: str | None
    total: int
