"""Routes: searches, single runs, experiments, deletion."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

from litestar import delete, get
from litestar.params import QueryParameter

from autolog.cleaning import with_children
from autolog.codec import escape_text, unescape_text
from autolog.errors import NotFound
from autolog.protocol import Experiments, Found, Freed, Ids, Told
from autolog.query import Query
from autolog.rendering.jsonform import run_json
from autolog.search import answer
from autolog.store import Store
from autolog.view import RunView

from .params import RunId
from .service import AnyRequest, principal_of, service_of, store_of


@get("/runs", sync_to_thread=True)
def runs(
    request: AnyRequest,
    filter: Annotated[
        str, QueryParameter(max_length=10_000, description="See docs/filters.md.")
    ] = "",
    experiment: Annotated[str | None, QueryParameter(max_length=10_000)] = None,
    order_by: Annotated[
        str, QueryParameter(max_length=1_000, description="`metrics.rmse DESC`")
    ] = "",
    limit: Annotated[int, QueryParameter(ge=0, le=1_000)] = 100,
    offset: Annotated[int, QueryParameter(ge=0, le=10_000_000)] = 0,
    probable: Annotated[
        bool, QueryParameter(description="Metrics of probable link count.")
    ] = False,
) -> Found:
    """Runs that match, newest first or in the order asked for, a page at a time."""
    store = Store(store_of(request))
    terms = (order_by,) if order_by else ()
    named = None if experiment is None else unescape_text(experiment)
    found = answer(store, Query(filter, named, terms, limit + 1, offset, probable))
    page = [run_json(run) for run in found[:limit]]
    return Found(page, len(found) > limit, store.notes[:10])


@get("/run-ids", sync_to_thread=True)
def run_ids(request: AnyRequest) -> Ids:
    """Ids of all runs."""
    return Ids(store_of(request).run_ids())


@get("/versions", sync_to_thread=True)
def versions(request: AnyRequest) -> Told:
    """For each run a value that differs whenever its records do, for an index of the store."""
    told = store_of(request).versions(service_of(request).memo)
    if told is None:
        return Told(None)
    service_of(request).memo = told.memo
    return Told(told.of)


@get("/experiments", sync_to_thread=True)
def experiments(request: AnyRequest) -> Experiments:
    """How many runs each experiment has; the empty name is that of runs without one.

    Names are in wire form.
    """
    found = Store(store_of(request)).experiments()
    return Experiments({escape_text(name): count for name, count in found.items()})


@get("/runs/{run:str}/children", sync_to_thread=True)
def children(request: AnyRequest, run: RunId) -> Ids:
    """Ids of the runs that stand directly under this one, oldest first."""
    store = Store(store_of(request))
    told = store.backend.children(run)
    if told is None:
        store.summaries()  # so that parents are those of the whole runs
        told = store.children(run)
    return Ids(told)


@get("/runs/{run:str}", sync_to_thread=True)
def run(request: AnyRequest, run: RunId) -> dict[str, Any]:
    """One run in full, as `autolog show --json` prints it."""
    return run_json(RunView(Store(store_of(request)), run), full=True)


@delete("/runs/{run:str}", status_code=200, sync_to_thread=True)
def remove(
    request: AnyRequest,
    run: RunId,
    children: Annotated[bool, QueryParameter(description="Also all runs below it.")] = True,
) -> Freed:
    """Remove a run with all below it and their files, for good, as `autolog rm` does."""
    service, store = service_of(request), store_of(request)
    if run not in store.run_ids():
        raise NotFound(f"no run {run}")
    one = RunView(Store(store), run)
    going = [each.id for each in with_children([one])] if children else [run]
    freed = 0
    for each in reversed(going):  # those above last: what is cut off can be asked for again
        service.accounts.note(principal_of(request).name, "delete run", each)
        with contextlib.suppress(NotFound):  # somebody else was quicker
            freed += store.delete(each)
    return Freed(freed, going)
