"""The points of one metric as a reader holds them."""

from __future__ import annotations

from typing import Any

from .points import Points


class History(Points):
    """The points of one metric in order, each with `.step .value .time .attempt`.

    Attributes:
        key: The metric's name.
        unit: What the steps count (`epoch`, …); None where unknown.
        total: How many points these stand for; more than there are where they were thinned out.
    """

    def __init__(
        self, key: str, unit: str | None, points: Points, total: int | None = None
    ) -> None:
        super().__init__(*points.columns)
        self.key = key
        self.unit = unit
        self.total = len(points) if total is None else total

    @property
    def sampled(self) -> bool:
        """Whether points were left out, of which each stretch's least and greatest stand here."""
        return self.total > len(self)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table` with the columns `step`, `value`, `time`, `attempt`."""
        from .columns import points_to_arrow

        return points_to_arrow(self)

    def __repr__(self) -> str:
        unit = f" by {self.unit}" if self.unit else ""
        of = f" of {self.total}" if self.sampled else ""
        return f"<history of {self.key!r}: {len(self)}{of} points{unit}>"
