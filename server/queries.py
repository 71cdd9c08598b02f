"""Routes for programs: the questions that a store may answer at once, in MessagePack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from litestar import Response, post

from autolog.codec import unescape_text
from autolog.errors import NotFound
from autolog.protocol import MSGPACK, PAGE, Answered, Wanted
from autolog.query import Query
from autolog.search import answer
from autolog.store import Store
from autolog.summary import Summary, pack_summary

from .errors import ApiError
from .service import AnyRequest, checked_run, store_of


@post("/search", status_code=200, sync_to_thread=True, media_type=MSGPACK)
def search(request: AnyRequest, data: Query) -> Response[bytes]:
    """The runs that match a query, in brief; `limit` is 10,000 at most, text is in wire form."""
    if data.limit is None or not 0 <= data.limit <= PAGE or not 0 <= data.offset < 2**31:
        raise ApiError(400, "bad_request", f"limit is 0 to {PAGE}, offset 0 or more")
    found = answer(Store(store_of(request)), _meant(data))
    below = {run.id: pack_summary(run.summary) for one in found for run in one.line[1:]}
    known = [run for one in found for run in one.line]
    only = {run.id: run.only_child.id for run in known if run.only_child is not None}
    return _packed(Answered([pack_summary(run.summary) for run in found], [*below.values()], only))


@post("/summaries", status_code=200, sync_to_thread=True, media_type=MSGPACK)
def summaries(request: AnyRequest, data: Wanted) -> Response[bytes]:
    """Runs in brief: those named, or the next 10,000 of all by id."""
    store = Store(store_of(request))
    if data.runs is not None:
        named = [_one(store, run) for run in data.runs[:PAGE]]
        return _packed([pack_summary(one) for one in named if one is not None])
    found = sorted((one for one in store.summaries() if one.id > data.after), key=lambda o: o.id)
    return _packed([pack_summary(one) for one in found[:PAGE]])


def _meant(query: Query) -> Query:
    """The query without the escapes of the wire form."""
    return replace(
        query,
        filter=unescape_text(query.filter),
        experiment=None if query.experiment is None else unescape_text(query.experiment),
        order_by=tuple(map(unescape_text, query.order_by)),
        within=tuple(map(unescape_text, query.within)),
    )


def _one(store: Store, run: str) -> Summary | None:
    try:
        return store.summary(checked_run(run))
    except NotFound:
        return None


def _packed(value: Any) -> Response[bytes]:
    return Response(msgspec.msgpack.encode(value), media_type=MSGPACK)
