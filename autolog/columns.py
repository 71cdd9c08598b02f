"""Runs as columns, for pandas, polars and Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .codec import MAX_INT, MIN_INT
from .errors import UsageError
from .filters import text_of

if TYPE_CHECKING:
    import pandas
    import polars

    from .view import RunView


def columns(runs: Sequence[RunView]) -> dict[str, list[Any]]:
    """One list for each column, one item for each run, None where a run has nothing there."""
    table: dict[str, list[Any]] = {
        "id": [run.id for run in runs],
        "name": [run.name for run in runs],
        "experiment": [run.experiment for run in runs],
        "status": [run.status for run in runs],
        "started": [run.started for run in runs],
        "duration": [run.duration for run in runs],
    }
    table |= _prefixed("params.", [run.params for run in runs])
    table |= _prefixed("metrics.", [_marked_metrics(run) for run in runs])
    table |= _prefixed("tags.", [run.tags for run in runs])
    return table


def _marked_metrics(run: RunView) -> dict[str, int | float]:
    """The metrics by name, with `~` before those whose link with the run is only probable."""
    return {("~" if one.probable else "") + key: one.value for key, one in run.series.items()}


def _prefixed(prefix: str, rows: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return {prefix + key: [row.get(key) for row in rows] for key in keys}


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


def point_columns(runs: Iterable[RunView]) -> dict[str, list[Any]]:
    """Every point of every metric of the runs, as one long table."""
    names = ("run", "key", "step", "value", "time", "attempt")
    rows = [
        (run.id, key, point.step, point.value, point.time, point.attempt)
        for run in runs
        for key in run.series
        for point in run.history(key)
    ]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
