"""`ls`, `show` and `compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..comparing import Comparison, Explanation, compare, explain
from ..errors import NotFound, UsageError
from ..parsing import parse_order
from ..rendering.comparing import comparison_lines
from ..rendering.jsonform import comparison_json, run_json
from ..rendering.listing import Page, listing
from ..rendering.showing import run_lines
from ..search import find_run, search, short_ids
from ..store import Store
from ..view import RunView
from .hints import hint_keys
from .terminal import open_store, place, print_json, print_lines, print_notes, width


def ls(
    backend: str | None,
    question: dict[str, Any],
    *,
    limit: int | None = None,
    columns: Sequence[str] = (),
    expand: str | None = None,
    as_json: bool = False,
) -> None:
    """Print the runs that answer `question` (see `autolog.search.search`)."""
    store = open_store(backend)
    runs = search(store, **question)
    hint_keys(store, runs, question["filter"], question["order_by"])
    if as_json:
        print_json([run_json(run) for run in runs[:limit]])
    elif not runs:
        print(_nothing(store))
    else:
        order = parse_order(question["order_by"])
        page = Page(
            short_ids(store.ids()),
            store.experiments(),
            place=place(store),
            width=width(),
            limit=limit,
            expand=expand,
            columns=columns,
            ordered=order[0].field.key if order and order[0].field.entity == "metric" else None,
        )
        print_lines(listing(runs, page))
    print_notes(store)


def _nothing(store: Store) -> str:
    count = len(store.backend.run_ids())
    if count:
        return f"no run matches; {count} in {place(store)}"
    return f"no runs in {place(store)} yet: `autolog run train.py` records a program's trainings"


def show(backend: str | None, name: str, *, verbose: bool = False, as_json: bool = False) -> None:
    """Print one run in full."""
    store = open_store(backend)
    run = find_run(store, name)
    if as_json:
        print_json(run_json(run, full=True))
        return
    before = _before(store, run)
    since = compare([before, run]) if before is not None else None
    ids = short_ids(store.backend.run_ids())
    print_lines(run_lines(run, ids, verbose=verbose, since=since))
    print_notes(store)


def _before(store: Store, run: RunView) -> RunView | None:
    """The run to compare with: the newest earlier one of the experiment, best of the same call."""
    own = {one.id for one in run.line} | {run.parent}
    earlier = [
        RunView(store, one.id)
        for one in store.summaries()
        if one.id not in own and (one.started or 0.0) < (run.summary.started or 0.0)
    ]
    siblings = [r for r in earlier if r.experiment == run.experiment and r.parent == run.parent]
    for same in (lambda r: bool(r.site) and r.site == run.site, lambda r: r.name == run.name):
        found = next(filter(same, siblings), None)
        if found is not None:
            return found
    return siblings[0] if siblings else None


def compare_runs(
    backend: str | None,
    names: Sequence[str],
    *,
    metric: str | None = None,
    verbose: bool = False,
    as_json: bool = False,
) -> None:
    """Print how the runs differ, and why a metric did; one run alone with the one before it."""
    store = open_store(backend)
    runs = _compared(store, names or ["@latest"])
    comparison = compare(runs)
    why = _explained(comparison, metric)
    if as_json:
        print_json(comparison_json(comparison, why))
    else:
        ids = short_ids(store.backend.run_ids())
        print_lines(comparison_lines(comparison, ids, width=width(), verbose=verbose, why=why))
    print_notes(store)


def _compared(store: Store, names: Sequence[str]) -> list[RunView]:
    runs = [find_run(store, name) for name in names]
    for i, run in enumerate(runs):
        if run in runs[:i]:
            same = names[runs.index(run)]
            raise UsageError(f"compare: {same!r} and {names[i]!r} are the same run; name another")
    if len(runs) > 1:
        return runs
    before = _before(store, runs[0])
    if before is None:
        raise NotFound(
            f"compare: {names[0]!r} is its experiment's first run; name two, as `compare @2 @1`"
        )
    return [before, runs[0]]


def _explained(comparison: Comparison, metric: str | None) -> list[Explanation]:
    """Why the metric of each further run is not that of the first."""
    first, *others = comparison.runs
    pairs = [comparison] if len(others) == 1 else [compare([first, run]) for run in others]
    found = (explain(pair, metric) for pair in pairs)
    return [one for one in found if one is not None]
