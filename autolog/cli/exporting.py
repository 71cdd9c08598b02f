"""`export`: runs, or the points of their metrics, as files for other programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from ..codec import to_wire
from ..columns import columns, frame_of, library, point_columns
from ..errors import BackendError, UsageError
from ..filters import text_of
from ..rendering.jsonform import run_json
from ..search import search
from ..view import Runs
from .terminal import open_store, print_notes

FORMATS = ("jsonl", "csv", "parquet")


def export(
    backend: str | None,
    question: dict[str, Any],
    *,
    to: str = "-",
    form: str | None = None,
    points: bool = False,
) -> None:
    """Write the runs that answer `question` to the file `to`, `-` for the standard output."""
    suffix = Path(to).suffix.lstrip(".")
    form = form or (suffix if suffix in FORMATS else "jsonl")
    if form not in FORMATS:
        raise UsageError(f"autolog export: no format {form!r}; one of {', '.join(FORMATS)}")
    store = open_store(backend)
    runs = search(store, **question)
    if form == "parquet":
        _write_parquet(_table(runs, points), to)
    else:
        with _opened(to) as stream:
            if form == "csv":
                _write_csv(_table(runs, points), stream)
            else:
                _write_json_lines(runs, points, stream)
    print_notes(store)


def _table(runs: Runs, points: bool) -> dict[str, list[Any]]:
    return point_columns(runs) if points else columns(runs)


@contextmanager
def _opened(to: str) -> Iterator[TextIO]:
    if to == "-":
        yield sys.stdout
        return
    try:
        with Path(to).open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise BackendError(f"autolog export: {error}") from error


def _write_json_lines(runs: Runs, points: bool, stream: TextIO) -> None:
    for row in _points(runs) if points else (run_json(run, full=True) for run in runs):
        stream.write(json.dumps(row) + "\n")


def _points(runs: Runs) -> Iterator[dict[str, Any]]:
    for run in runs:
        for key in run.series:
            for point in run.history(key):
                yield to_wire({"run": run.id, "key": key, **point._asdict()})


def _write_csv(table: Mapping[str, list[Any]], stream: TextIO) -> None:
    writer = csv.writer(stream)
    writer.writerow(table)
    writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else text_of(value)


def _write_parquet(table: Mapping[str, list[Any]], to: str) -> None:
    if to == "-":
        raise UsageError("autolog export: Parquet goes to a file; name it by --to runs.parquet")
    arrow = frame_of(table, library("pyarrow").table)
    try:
        library("pyarrow.parquet").write_table(arrow, to)
    except OSError as error:
        raise BackendError(f"autolog export: {error}") from error
