"""The application: routes, their guard, their description, and the outermost layer."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

from anyio.to_thread import run_sync
from litestar import Litestar, Router, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp

from . import about, artifacts, histories, queries, records, runs, tailing, uploads
from .access import RULES, Role, Rule, check, check_table
from .config import Config, from_environment
from .description import describe
from .edge import Edge
from .errors import HANDLERS
from .service import STOPPING, Service

API = "/api/v1"

V1: list[Any] = [
    records.ingest,
    records.acked,
    records.records,
    runs.runs,
    runs.run_ids,
    runs.versions,
    runs.experiments,
    runs.run,
    runs.remove,
    runs.children,
    queries.search,
    queries.summaries,
    histories.history,
    tailing.events,
    artifacts.artifacts,
    artifacts.artifact,
    artifacts.put_artifact,
    artifacts.drop_artifact,
    uploads.upload_offset,
    uploads.upload_piece,
    uploads.upload_end,
    uploads.upload_drop,
    about.whoami,
    about.policy,
    about.audit,
]


@get(f"{API}/openapi.json", sync_to_thread=True)
def openapi() -> dict[str, Any]:
    """This description."""
    return describe(tuple(ROUTES))


ROUTES: list[Any] = [
    Router(API, route_handlers=V1),
    about.healthz,
    about.readyz,
    about.metrics,
    openapi,
]


async def authorise(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let in whoever the table of routes lets in; a route that stands not there, nobody."""
    service: Service = connection.app.state.service
    route = (connection.scope["method"], connection.scope["path_template"])  # type: ignore[typeddict-item]
    rule = RULES.get(route, Rule(Role.admin, bounded=False))
    if rule.role is Role.public:
        return
    client = connection.client.host if connection.client else ""
    if service.waits(connection):
        principal = await run_sync(service.principal, connection)
    else:
        principal = service.principal(connection)
    service.rates.take(f"address {client}" if principal is None else f"user {principal.name}")
    check(principal, rule)
    connection.scope["user"] = principal


def litestar(config: Config) -> Litestar:
    """The application without its outermost layer."""
    service = Service(config)

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        _heed_signals()
        await run_sync(uploads.sweep, service)
        yield
        await run_sync(service.close)

    app = Litestar(
        ROUTES,
        guards=[authorise],
        exception_handlers=HANDLERS,
        openapi_config=None,
        request_max_body_size=config.limits.body,
        lifespan=[lifespan],
        logging_config=None,
        debug=False,
    )
    app.state.service = service
    check_table(routes_of(app))
    return app


def _heed_signals() -> None:
    """Let answers without an end finish when the process is told to stop.

    The server waits for all answers before it says anything to the application.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(number: int, frame: Any, before: Any = before) -> None:
            STOPPING.set()
            if callable(before):
                before(number, frame)

        signal.signal(number, stop)


def routes_of(app: Litestar) -> set[tuple[str, str]]:
    """Every method and path that is answered, but for OPTIONS, which lets nobody in."""
    return {
        (method, route.path_format)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }


def create(config: Config) -> ASGIApp:
    """The whole application."""
    return Edge(litestar(config), config.hosts, config.log_requests)


def worker() -> ASGIApp:
    """The application of a worker process, which was told its configuration by variable."""
    return create(from_environment())
