"""Route: the points of a metric, as JSON, MessagePack or Arrow."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from autolog.codec import escape_text, to_wire, unescape_text
from autolog.history import History
from autolog.protocol import Series
from autolog.query import Range
from autolog.store import Store
from autolog.view import RunView

from .errors import ApiError
from .params import RunId
from .service import AnyRequest, store_of

ARROW, MSGPACK = "application/vnd.apache.arrow.stream", "application/msgpack"

Bound = Annotated[float | None, QueryParameter(description="Included; open where it is absent.")]


@get("/runs/{run:str}/history", sync_to_thread=True)
def history(
    request: AnyRequest,
    run: RunId,
    key: Annotated[
        str, QueryParameter(max_length=10_000, description="The metric's name in wire form.")
    ],
    attempt: Annotated[int | None, QueryParameter(ge=0, le=2**31 - 1)] = None,
    limit: Annotated[int | None, QueryParameter(ge=5, le=10_000_000)] = None,
    step_from: Bound = None,
    step_to: Bound = None,
    time_from: Bound = None,
    time_to: Bound = None,
    own: Annotated[bool, QueryParameter(description="Not those of an only child.")] = False,
) -> Response[Any]:
    """The points of one metric, as JSON, MessagePack or an Arrow stream, by `Accept`.

    With `limit` at most so many: of what is more, the lowest and the highest of each stretch are
    kept, and `sampled` is true.
    """
    key = unescape_text(key)
    view = RunView(Store(store_of(request)), run)
    if own and key not in view.summary.metrics():
        raise ApiError(404, "not_found", "the run itself has no such metric")
    steps, times = _range(step_from, step_to), _range(time_from, time_to)
    found = view.history(key, attempt, steps=steps, times=times, limit=limit)
    accepted = request.headers.get("accept", "")
    if ARROW in accepted:
        return Response(_arrow(found), media_type=ARROW)
    if MSGPACK in accepted:
        return Response(msgspec.msgpack.encode(_series(found)), media_type=MSGPACK)
    return Response(_series(found), media_type="application/json")


def _range(low: float | None, high: float | None) -> Range | None:
    return None if low is None and high is None else (low, high)


def _series(found: History) -> Series:
    steps, values, times, attempts = found.columns
    wire = [to_wire(value) for value in values]
    unit = None if found.unit is None else escape_text(found.unit)
    return Series(
        escape_text(found.key), unit, found.total, found.sampled, steps, wire, times, attempts
    )


def _arrow(found: History) -> bytes:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError:
        raise ApiError(406, "no_arrow", "this server has no pyarrow; ask for JSON") from None
    told = {"key": escape_text(found.key), "unit": escape_text(found.unit or "")}
    told["count"] = str(found.total)
    table = found.to_arrow().replace_schema_metadata(told)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
