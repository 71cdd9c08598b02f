"""What is answered when a request cannot be done: one JSON shape, and never a 500 for bad input."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from autolog.errors import AutologError, BackendError, IncompatibleStore, NotFound, UsageError
from autolog.protocol import ErrorBody, Problem

RETRY_AFTER = 5
"""Seconds after which a client may try again where nobody knows better."""

_log = logging.getLogger("autolog.server")

_CODES = {
    400: "bad_request",
    401: "no_token",
    403: "forbidden",
    404: "no_route",
    405: "method_not_allowed",
    413: "too_large",
    415: "media_type",
    429: "too_many_requests",
}


class ApiError(Exception):
    """Ends a request with `status` and a body of the one shape."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code, message, details)
        self.headers: dict[str, str] = {}


class Busy(ApiError):
    """The store, or this client's allowance, has to be waited for."""

    def __init__(
        self, code: str, message: str, retry_after: float | None = None, status: int = 503
    ) -> None:
        super().__init__(status, code, message)
        wait = RETRY_AFTER if retry_after is None else max(1, round(retry_after))
        self.headers = {"Retry-After": str(wait)}


def unreadable(error: BackendError) -> ApiError:
    """The answer to a store's error that the request did not cause."""
    _log.warning("store: %s", error)
    if getattr(error, "permanent", False):
        return ApiError(422, "refused", "the store refuses this for good")
    if isinstance(error, IncompatibleStore):
        return Busy("store_version", f"the server's store {error.why}")
    return Busy("store_unavailable", "the store cannot be reached", error_wait(error))


def error_wait(error: BackendError) -> float | None:
    """Seconds that the store asks for, None where it says nothing."""
    return getattr(error, "retry_after", None)


def answer(error: ApiError) -> Response[ErrorBody]:
    """The response of the one shape."""
    return Response(
        ErrorBody(error.problem),
        status_code=error.status,
        headers=error.headers,
        media_type="application/json",
    )


def _api_error(_: Request[Any, Any, Any], error: ApiError) -> Response[ErrorBody]:
    return answer(error)


def _not_found(request: Request[Any, Any, Any], error: NotFound) -> Response[ErrorBody]:
    own = request.app.state.service.backend.uri  # where the store lies is nobody's business
    return answer(ApiError(404, "not_found", str(error).replace(own, "this store")))


def _backend_error(_: Request[Any, Any, Any], error: BackendError) -> Response[ErrorBody]:
    return answer(unreadable(error))


def _usage_error(_: Request[Any, Any, Any], error: AutologError) -> Response[ErrorBody]:
    return answer(ApiError(400, "bad_request", str(error)))


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorBody]:
    code = _CODES.get(error.status_code, "error")
    details = {} if not error.extra else {"fields": error.extra}
    message = str(error.detail) if error.status_code < 500 else "something went wrong here"
    return answer(ApiError(error.status_code, code, message, **details))


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    _log.error("%s %s", request.method, request.scope["path"], exc_info=error)
    return answer(ApiError(500, "internal", "something went wrong here; the server's log has it"))


HANDLERS: dict[int | type[Exception], Any] = {
    ApiError: _api_error,
    NotFound: _not_found,
    BackendError: _backend_error,
    UsageError: _usage_error,
    HTTPException: _http_error,
    Exception: _unforeseen,
}
"""What answers which exception, for the framework."""
