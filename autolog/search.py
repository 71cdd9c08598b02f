"""Finding runs: by filter and order, or one by its id, the id's beginning, or its place."""

from __future__ import annotations

import difflib

from .backend import Backend
from .errors import NotFound
from .filters import matches, sort_runs
from .query import Query
from .store import Store
from .view import Runs, RunView

SHORTEST = 4
"""Digits of an id that are shown at least."""


def search_runs(
    backend: Backend,
    filter: str = "",
    *,
    experiment: str | None = None,
    order_by: str | list[str] | None = None,
    limit: int | None = None,
    include_probable: bool = False,
) -> Runs:
    """The runs that match `filter`, newest first unless `order_by` says otherwise.

    Args:
        backend: The store that is asked.
        filter: As `docs/filters.md` describes; empty for all.
        experiment: Only runs of this experiment.
        order_by: As `metrics.rmse DESC`, one or several.
        limit: At most so many runs; None for all.
        include_probable: Let metrics take part whose link with their run is only probable.

    Raises:
        FilterError: The filter or the order does not parse; the message points at the place.
        BackendError: The store cannot be read at all. A run that cannot be read is left out.
    """
    return search(
        Store(backend),
        filter,
        experiment=experiment,
        order_by=order_by,
        limit=limit,
        include_probable=include_probable,
    )


def search(
    store: Store,
    filter: str = "",
    *,
    experiment: str | None = None,
    order_by: str | list[str] | None = None,
    limit: int | None = None,
    include_probable: bool = False,
) -> Runs:
    """As `search_runs`, of a store that is already open for this question."""
    terms = (order_by,) if isinstance(order_by, str) else tuple(order_by or ())
    return answer(store, Query(filter, experiment, terms, limit, 0, include_probable))


def answer(store: Store, query: Query) -> Runs:
    """The runs that `query` asks for; raises as `search_runs`."""
    node, order = query.node(), query.order()
    found = store.search(query)
    runs = [RunView(store, summary.id) for summary in found.runs]
    if found.exact:
        return Runs(runs)
    matching = [
        run
        for run in runs
        if (query.experiment is None or run.experiment == query.experiment)
        and matches(node, run, include_probable=query.include_probable)
    ]
    ordered = sort_runs(matching, order, include_probable=query.include_probable)
    return Runs(ordered[query.page])


def get_run(backend: Backend, name: str) -> RunView:
    """The run that `name` names: an id, its unique beginning, `@latest` or `@1`, `@2`, ….

    `@1` is the newest run, `@2` the one before it. Raises NotFound, which lists the candidates
    of an ambiguous beginning, or the nearest ids of one that no run has.
    """
    return find_run(Store(backend), name)


def find_run(store: Store, name: str) -> RunView:
    """As `get_run`, of a store that is already open for this question."""
    if name.startswith("@"):
        return _by_place(store, name)
    ids = store.backend.run_ids()
    wanted = name.strip().lower()
    found = [run for run in ids if run == wanted] or [run for run in ids if run.startswith(wanted)]
    if len(found) == 1 and wanted:
        return RunView(store, found[0])
    if not ids:
        raise NotFound(f"no runs in {store.backend.uri} yet")
    raise _ambiguous(store, name, found) if found and wanted else _unknown(store, name, ids)


def _by_place(store: Store, name: str) -> RunView:
    place = 1 if name == "@latest" else int(name[1:]) if name[1:].isdecimal() else 0
    if place < 1:
        raise NotFound(f"{name!r} names no run; @latest and @1 are the newest, @2 the one before")
    runs = store.summaries()
    if place > len(runs):
        raise NotFound(f"{name}: there are {len(runs)} runs in {store.backend.uri}")
    return RunView(store, runs[place - 1].id)


def _ambiguous(store: Store, name: str, found: list[str]) -> NotFound:
    shown = [_described(store, run) for run in sorted(found)[:8]]
    more = [f"  … and {len(found) - 8} more"] if len(found) > 8 else []
    return NotFound("\n".join([f"{len(found)} runs begin with {name!r}:", *shown, *more]))


def _unknown(store: Store, name: str, ids: list[str]) -> NotFound:
    """No such run: perhaps it is a run's name, or an id with a slip of the finger."""
    named = [one.id for one in store.summaries() if one.facts.get("name") == name][:3]
    beginnings = {run[: len(name)]: run for run in ids}
    near = difflib.get_close_matches(name.lower(), beginnings, 3) if name.strip() else []
    hints = [_described(store, run) for run in named or [beginnings[text] for text in near]]
    lead = "; did you mean" if hints else "; `autolog ls` lists them"
    return NotFound("\n".join([f"no run {name!r} in {store.backend.uri}{lead}", *hints]))


def _described(store: Store, run: str) -> str:
    from .rendering.text import clean

    view = RunView(store, run)
    return f"  {run[:12]}  {clean(view.name)}  {view.status}"


def short_ids(ids: list[str]) -> dict[str, str]:
    """For each id its shortest beginning that no other has, of `SHORTEST` digits at least."""
    found = {}
    before, need = "", SHORTEST
    for run in [*sorted(set(ids)), ""]:
        common = SHORTEST
        while before and before[:common] == run[:common]:
            common += 1
        if before:
            found[before] = before[: max(need, common)]
        before, need = run, common
    return found
