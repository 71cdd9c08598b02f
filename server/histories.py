"""Route: the points of a metric, as JSON or as Arrow."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.params import Parameter

from autolog.codec import to_wire
from autolog.store import Store
from autolog.view import History, RunView

from .answers import Series
from .errors import ApiError
from .params import RunId
from .service import AnyRequest, store_of

ARROW = "application/vnd.apache.arrow.stream"


@get("/runs/{run:str}/history", sync_to_thread=True)
def history(
    request: AnyRequest,
    run: RunId,
    key: Annotated[str, Parameter(max_length=10_000, description="The metric's name.")],
    attempt: Annotated[int | None, Parameter(ge=0, le=2**31 - 1)] = None,
) -> Response[Any]:
    """The points of one metric: JSON, or an Arrow stream for `Accept: application/vnd.apache….`"""
    found = RunView(Store(store_of(request)), run).history(key, attempt)
    if ARROW in request.headers.get("accept", ""):
        return Response(_arrow(found), media_type=ARROW)
    steps, values, times, attempts = (list(column) for column in found.columns)
    series = Series(
        key, found.unit, len(found), False, steps, [to_wire(v) for v in values], times, attempts
    )
    return Response(series, media_type="application/json")


def _arrow(found: History) -> bytes:
    try:
        import pyarrow as pa
    except ImportError:
        raise ApiError(406, "no_arrow", "this server has no pyarrow; ask for JSON") from None
    steps, values, times, attempts = found.columns
    table = pa.table(
        {
            "step": pa.array(steps, pa.float64()),
            "value": pa.array(values, pa.float64()),
            "time": pa.array(times, pa.float64()),
            "attempt": pa.array(attempts, pa.int64()),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
