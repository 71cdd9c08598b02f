"""The outermost layer: hosts and origins that may call, headers of every answer, the log."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar.types import ASGIApp

from autolog.protocol import ErrorBody

from . import measures
from .errors import ApiError

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
CLOSED = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
UNKNOWN = (b"cache-control", b"no-store")

access_log = logging.getLogger("autolog.server.access")


class Edge:
    """Wraps the application `inner`; nothing reaches it that comes by a wrong name.

    A browser can be led to this server under a name that another site's owner controls (DNS
    rebinding), so only names that are ours count, and numeric addresses, which nobody can rebind.
    A page of another origin is refused whatever it asks for.
    """

    def __init__(self, inner: ASGIApp, hosts: tuple[str, ...], log_requests: bool) -> None:
        self.inner = inner
        own = {"localhost", socket.gethostname().lower(), *(name.lower() for name in hosts)}
        self._hosts = own
        self._log = log_requests

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            self._check(dict(scope["headers"]), scope.get("scheme", "http"))
            await self.inner(scope, exchange.receive, exchange.send)
        except ApiError as error:
            await exchange.refuse(error)
        except Exception as error:
            if not exchange.status:
                raise
            # The answer had begun: all that can be said is that it did not come to its end.
            exchange.broken = type(error).__name__
            raise
        finally:
            exchange.count()
            if self._log:
                exchange.log()

    def _check(self, headers: dict[bytes, bytes], scheme: str) -> None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._is_ours(host):
            raise ApiError(421, "wrong_host", f"not served as {host[:100]!r}; see --allowed-host")
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if origin and urlsplit(origin).netloc != host and not self._is_named(origin):
            raise ApiError(403, "wrong_origin", "pages of other sites may not use this server")
        if headers.get(b"sec-fetch-site") == b"cross-site":
            raise ApiError(403, "wrong_origin", "pages of other sites may not use this server")

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _is_named(self, origin: str) -> bool:
        try:
            return (urlsplit(origin).hostname or "") in self._hosts
        except ValueError:
            return False


class Exchange:
    """One request and its answer, as far as the log and the measures want to know."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._began = time.perf_counter()
        self.status = self.received = self.sent = 0
        self.broken = ""

    async def receive(self) -> Any:
        """The next message, counted."""
        message = await self._receive()
        self.received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        return message

    async def send(self, message: Any) -> None:
        """Send with our headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            ours = [*ALWAYS, CLOSED, UNKNOWN]
            message["headers"] = headers + [one for one in ours if one[0] not in names]
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Answer with an error of the one shape."""
        body = msgspec.json.encode(ErrorBody(error.problem))
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def count(self) -> None:
        """Tell Prometheus."""
        route = str(self._scope.get("path_template") or "none")
        method = str(self._scope["method"]) if route != "none" else "any"
        measures.REQUESTS.labels(method, route, str(self.status or "cut")).inc()
        measures.SECONDS.labels(route).observe(time.perf_counter() - self._began)
        measures.RECEIVED.inc(self.received)
        measures.SENT.inc(self.sent)

    def log(self) -> None:
        """One line of JSON: neither headers nor the query, which may hold what is secret."""
        client, user = self._scope.get("client"), self._scope.get("user")
        line = {
            "time": round(time.time(), 3),
            "client": client[0] if client else None,
            "user": getattr(user, "name", None),
            "method": self._scope["method"],
            "path": self._scope["path"][:500],
            "status": self.status,
            "received": self.received,
            "sent": self.sent,
            "ms": round((time.perf_counter() - self._began) * 1000, 1),
        }
        if self.broken:
            line["broken"] = self.broken
        access_log.info(json.dumps(line))
