"""`export`: runs, or the points of their metrics, as files for other programs."""

from __future__ import annotations

import csv
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from ..codec import to_wire
from ..columns import POINT_COLUMNS, column_names, columns, frame_of, library, points_of, row_of
from ..errors import BackendError, UsageError
from ..filters import text_of
from ..paths import TEMPORARY
from ..rendering.jsonform import run_json
from ..search import search
from ..view import Runs, RunView
from .hints import hint_keys
from .terminal import open_store, print_notes, progress

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
    suffix = Path(to).suffix.lstrip(".").lower()
    form = form or (suffix if suffix in FORMATS else "jsonl")
    if form not in FORMATS:
        raise UsageError(f"export: no format {form!r}; one of {', '.join(FORMATS)}")
    if form == "parquet" and to == "-":
        raise UsageError("export: Parquet goes to a file; name it by --to runs.parquet")
    store = open_store(backend)
    runs = search(store, **question)
    hint_keys(store, runs, question["filter"], question["order_by"])
    writer = {"jsonl": _json_lines, "csv": _csv, "parquet": _parquet}[form]
    if to == "-":
        writer(runs, points, sys.stdout)
    else:
        with _opened(Path(to)) as stream:
            writer(runs, points, stream)
    print_notes(store)


@contextmanager
def _opened(target: Path) -> Iterator[TextIO]:
    """A stream into a hidden file beside `target`, which takes that name when all is written."""
    # Written through a link, the link stays; a pipe or a device has no other place.
    path = target.resolve() if target.is_symlink() else target
    special = path.exists() and not path.is_file()
    part = path if special else path.with_name(f".{TEMPORARY}{secrets.token_hex(8)}-{path.name}")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            if not special:
                os.fsync(stream.fileno())
        if not special:
            if path.exists():
                shutil.copymode(path, part)
            part.replace(path)
    except OSError as error:
        left = "" if special else "; nothing was written"
        raise BackendError(f"export: {target}: {error.strerror or error}{left}") from error
    finally:
        if not special:
            part.unlink(missing_ok=True)


def _each(runs: Runs) -> Iterator[RunView]:
    """Each run by a view of its own, so that what was read of it goes when it is written."""
    views = (RunView(run.store, run.id) for run in runs)
    return progress(views, "exporting", len(runs))


def _json_lines(runs: Runs, points: bool, stream: TextIO) -> None:
    for run in _each(runs):
        for row in _point_rows(run) if points else (run_json(run, full=True),):
            stream.write(json.dumps(row) + "\n")


def _point_rows(run: RunView) -> Iterator[dict[str, Any]]:
    for point in points_of(run):
        yield to_wire(dict(zip(POINT_COLUMNS, point, strict=True)))


def _csv(runs: Runs, points: bool, stream: TextIO) -> None:
    """One run after another: first the names of all columns, then the rows."""
    names = POINT_COLUMNS if points else column_names(RunView(run.store, run.id) for run in runs)
    writer = csv.writer(stream)
    writer.writerow(names)
    for run in _each(runs):
        rows: Iterable[Iterable[Any]] = points_of(run) if points else (_row(run, names),)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _row(run: RunView, names: Iterable[str]) -> Iterator[Any]:
    row = row_of(run)
    return (row.get(name) for name in names)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else text_of(value)


def _parquet(runs: Runs, points: bool, stream: TextIO) -> None:
    table: Mapping[str, list[Any]]
    if points:
        rows = [row for run in _each(runs) for row in points_of(run)]
        table = {name: [row[i] for row in rows] for i, name in enumerate(POINT_COLUMNS)}
    else:
        table = columns(runs)
    arrow = frame_of(table, library("pyarrow").table)
    library("pyarrow.parquet").write_table(arrow, stream.buffer)
