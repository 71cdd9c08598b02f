"""Routes: health, metrics, who asks, policy, the audit log, and the description of the API."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from autolog.protocol import Audit, AuditLine, Health, Policy, Who

from . import measures
from .service import AnyRequest, principal_of, service_of


@get("/healthz", sync_to_thread=False)
def healthz() -> Health:
    """The process is alive."""
    return Health("ok")


@get("/readyz", sync_to_thread=True)
def readyz(request: AnyRequest) -> Health:
    """The store and the tokens can be reached; 503 where they cannot."""
    service = service_of(request)
    service.backend.acked("0" * 32)
    service.accounts.any()
    return Health("ok")


@get("/metrics", sync_to_thread=True, media_type="text/plain; version=0.0.4")
def metrics() -> Response[bytes]:
    """Prometheus' text format."""
    return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@get("/whoami", sync_to_thread=False)
def whoami(request: AnyRequest) -> Who:
    """Who asks, as the server sees it."""
    asking = principal_of(request)
    return Who(asking.name, asking.role.name, asking.experiment)


@get("/policy", sync_to_thread=False)
def policy(request: AnyRequest) -> Policy:
    """What clients that ask for it are to keep to; empty for nothing."""
    return service_of(request).config.policy


@get("/audit", sync_to_thread=True)
def audit(
    request: AnyRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    before: Annotated[int | None, QueryParameter(ge=0, le=2**31 - 1)] = None,
) -> Audit:
    """Deletions and changes of access, newest first; `before` is the last page's last id."""
    found = service_of(request).accounts.audit(limit, before)
    return Audit([AuditLine(**line) for line in found])
