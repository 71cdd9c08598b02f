"""Questions that the server answers at once: searches, runs in brief, points of a metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec

from autolog.codec import escape_text, from_wire, to_wire, unescape_text
from autolog.errors import BackendError, FilterError
from autolog.points import Points
from autolog.protocol import MSGPACK, PAGE, Answered, Series, Wanted
from autolog.query import Curve, Found, Query, Window
from autolog.summary import Summary, unpack_summary

from .client import Client, refusal

_ASKED = {"Content-Type": "application/json", "Accept": MSGPACK}


def search(client: Client, query: Query) -> Found:
    """The runs that match, a page at a time; raises FilterError."""
    query.node(), query.order()  # what does not parse need not be sent
    runs: dict[str, Summary] = {}
    below: dict[str, Summary] = {}
    only: dict[str, str] = {}
    for page in _pages(query):
        told = _asked(client, page)
        runs |= {one.id: one for one in _unpacked(told.runs)}
        below |= {one.id: one for one in _unpacked(told.below)}
        only |= told.only_child
        if len(told.runs) < (page.limit or 0):
            break
    return Found([*runs.values()], below=[*below.values()], only_child=only)


def _pages(query: Query) -> Iterator[Query]:
    """The query in parts that a server answers."""
    offset = query.offset
    end = None if query.limit is None else offset + query.limit
    while end is None or offset < end:
        limit = PAGE if end is None else min(PAGE, end - offset)
        yield replace(query, offset=offset, limit=limit)
        offset += limit


def _asked(client: Client, query: Query) -> Answered:
    body = msgspec.json.encode(to_wire(asdict(query)))
    try:
        return client.msgpack(Answered, "POST", "/search", body=body, headers=_ASKED)
    except BackendError as error:
        if refusal(error).code == "bad_request":
            raise FilterError(str(error)) from error
        raise


def summaries(client: Client, runs: Sequence[str] | None) -> Iterator[Summary]:
    """Those of `runs`, or all."""
    if runs is not None:
        for start in range(0, len(runs), PAGE):
            yield from _briefs(client, Wanted(list(runs[start : start + PAGE])))
        return
    after = ""
    while found := _briefs(client, Wanted(after=after)):
        yield from found
        after = found[-1].id


def _briefs(client: Client, wanted: Wanted) -> list[Summary]:
    body = msgspec.json.encode(wanted)
    found = client.msgpack(list[bytes], "POST", "/summaries", body=body, headers=_ASKED)
    return _unpacked(found)


def _unpacked(found: list[bytes]) -> list[Summary]:
    try:
        return [unpack_summary(one) for one in found]
    except (ValueError, RecursionError) as error:
        raise BackendError(f"the server's answer holds no runs: {error}") from error


def history(client: Client, run: str, key: str, window: Window) -> Curve:
    """Points of the run's own metric; raises NotFound."""
    query: dict[str, Any] = {
        "key": escape_text(key),
        "own": "true",
        "attempt": window.attempt,
        "limit": window.limit,
    }
    for name, bounds in (("step", window.steps), ("time", window.times)):
        low, high = bounds or (None, None)
        query |= {f"{name}_from": low, f"{name}_to": high}
    if window.limit is not None:
        query["limit"] = max(window.limit, 5)
    headers = {"Accept": MSGPACK}
    told = client.msgpack(Series, "GET", f"/runs/{run}/history", query, headers=headers)
    values = [from_wire(value) for value in told.values]
    unit = None if told.unit is None else unescape_text(told.unit)
    return Curve(Points(told.steps, values, told.times, told.attempts), unit, told.count)
