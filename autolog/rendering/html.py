"""Runs as HTML for notebooks; every text is escaped, no script and no link is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..search import short_ids
from ..view import Runs, RunView
from . import facts
from .columns import draws_sample, metric_columns, metric_text, param_columns, series_cell
from .comparing_cells import shape_text
from .spark import SAMPLED
from .text import age, clean, short_duration, value_text

MOST_ROWS = 100
_STYLE = "text-align:left;padding:2px 8px"


def runs_html(runs: Runs) -> str:
    """A table with a row for each run, the params that differ, and the metrics."""
    if not runs:
        return "<p>no runs</p>"
    shown = list(runs[:MOST_ROWS])
    ids = short_ids([run.id for run in runs])
    columns = [*param_columns(shown), *metric_columns(shown)]
    titles = ["run", "name", "status", "when", "time", *(c.title for c in columns), "series"]
    rows = [
        [
            ids[run.id],
            clean(run.name, 40),
            run.status,
            age(run.summary.started),
            short_duration(run.duration),
            *(column.text(run) for column in columns),
            series_cell(run),
        ]
        for run in shown
    ]
    more = len(runs) - len(shown)
    sampled = f"<p>{SAMPLED}</p>" if any(map(draws_sample, shown)) else ""
    return _table(rows, titles) + sampled + (f"<p>… and {more} more</p>" if more else "")


def run_html(run: RunView) -> str:
    """One run: its state, metrics, chosen params, datasets and series."""
    error = facts.error_line(run)
    parts = [
        f"<b>{_safe(run.name)}</b> {_safe(run.id[:8])} {run.status}"
        f" {_safe(short_duration(run.duration))} {_safe(run.experiment)}",
        f"<br><span style='color:#b00'>{_safe(error)}</span>" if error else "",
        _block("metrics", ([key, metric_text(s)] for key, s in run.measures.items())),
        _block(
            "params",
            (
                [key, value_text(fact.value, 80)]
                for key, fact in run.facts("param").items()
                if fact.set is not False
            ),
        ),
        _block("data", (_dataset(name, value) for name, value in run.datasets.items())),
    ]
    return f"<div>{''.join(parts)}</div>"


def _dataset(name: str, value: object) -> list[str]:
    known = facts.mapping(value)
    shape = shape_text(known.get("shape"))
    return [str(known.get("role") or ""), name, shape, facts.digest(known) or ""]


def _block(title: str, rows: Iterable[Sequence[str]]) -> str:
    table = _table(list(rows))
    return f"<details open><summary>{title}</summary>{table}</details>" if table else ""


def _table(rows: Sequence[Sequence[str]], titles: Sequence[str] = ()) -> str:
    if not rows:
        return ""
    head = "".join(f'<th style="{_STYLE}">{_safe(title)}</th>' for title in titles)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{_safe(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _safe(text: object) -> str:
    return escape(clean(text))
