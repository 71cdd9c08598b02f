"""Runs as columns, for pandas, polars and Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .codec import MAX_INT, MIN_INT
from .errors import UsageError
from .filters import text_of

if TYPE_CHECKING:
    import pandas
    import polars

    from .points import Points
    from .view import RunView


FACTS = ("id", "name", "experiment", "status", "started", "duration")
POINT_COLUMNS = ("run", "key", "step", "value", "time", "attempt")


def columns(runs: Sequence[RunView]) -> dict[str, list[Any]]:
    """One list for each column, one item for each run, None where a run has nothing there."""
    rows = [row_of(run) for run in runs]
    return {name: [row.get(name) for row in rows] for name in _names(rows)}


def column_names(runs: Iterable[RunView]) -> list[str]:
    """The names of these columns."""
    return _names(row_of(run) for run in runs)


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every name once: facts of the run first, then params, metrics and tags."""
    found: dict[str, dict[str, None]] = {kind: {} for kind in ("params", "metrics", "tags")}
    for row in rows:
        for name in list(row)[len(FACTS) :]:
            found[name.partition(".")[0]].setdefault(name)
    return [*FACTS, *(name for names in found.values() for name in names)]


def row_of(run: RunView) -> dict[str, Any]:
    """What one run has, by column; metrics whose link is only probable are named `metrics.~…`."""
    row: dict[str, Any] = {name: getattr(run, name) for name in FACTS}
    row |= {f"params.{key}": value for key, value in run.params.items()}
    for key, value in run.metrics.items():
        row[f"metrics.{'~' if key in run.probable else ''}{key}"] = value
    return row | {f"tags.{key}": value for key, value in run.tags.items()}


def uniform(values: list[Any]) -> list[Any]:
    """The values if they are of one type that any table holds; else as text, exactly.

    Whole numbers among floats become floats where that changes none of them.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} or kinds <= {str} or kinds <= {float} or len(kinds) == 0:
        return values
    if kinds <= {int} and all(v is None or MIN_INT <= v <= MAX_INT for v in values):
        return values
    if kinds == {int, float} and all(_as_float(v) == v for v in values if type(v) is int):
        return [None if value is None else float(value) for value in values]
    if all(hasattr(value, "tzinfo") for value in values if value is not None):
        return values
    return [None if value is None else text_of(value) for value in values]


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def library(name: str) -> Any:
    """The library of that name; raises UsageError that says how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"{name} is not installed; pip install {name}") from None


def to_pandas(runs: Sequence[RunView]) -> pandas.DataFrame:
    """A DataFrame with a row for each run; params keep their types as objects."""
    pd = library("pandas")
    frame: pandas.DataFrame = pd.DataFrame(columns(runs))
    frame["started"] = pd.to_datetime(frame["started"], utc=True)
    return frame


def to_polars(runs: Sequence[RunView]) -> polars.DataFrame:
    """A DataFrame with a row for each run; see `uniform` for columns of mixed types."""
    frame: polars.DataFrame = frame_of(columns(runs), library("polars").DataFrame)
    return frame


def to_arrow(runs: Sequence[RunView]) -> Any:
    """A `pyarrow.Table` with a row for each run; see `uniform` for columns of mixed types."""
    return frame_of(columns(runs), library("pyarrow").table)


def frame_of(table: Mapping[str, list[Any]], make: Any) -> Any:
    """What `make` makes of the columns, each of one type."""
    return make({name: uniform(values) for name, values in table.items()})


def points_of(run: RunView) -> Iterator[tuple[Any, ...]]:
    """Every point of every metric of a run, in the order of `POINT_COLUMNS`."""
    for key, points in run.histories().items():
        for point in points:
            yield run.id, key, point.step, point.value, point.time, point.attempt


def points_to_arrow(points: Points) -> Any:
    """A `pyarrow.Table` of one metric's points, a column for each of their parts."""
    steps, values, times, attempts = points.columns
    table: dict[str, list[Any]] = {
        "step": [*steps],
        "value": [*values],
        "time": [*times],
        "attempt": [*attempts],
    }
    return frame_of(table, library("pyarrow").table)
