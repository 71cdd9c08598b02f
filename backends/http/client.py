"""Requests to one server: pooled connections, timeouts, proxies, certificates, and its errors."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import urllib3

from autolog.errors import BackendError, NotFound, permanent
from autolog.forking import ForkSafeLock
from autolog.localtoken import LOOPBACK, read_token, token_file
from autolog.protocol import ErrorBody, Problem

from .pools import connections
from .wire import ACCEPTED

Answer = TypeVar("Answer")

CONNECT, READ = 5.0, 30.0
"""Seconds to wait for a connection, and for each next piece of an answer."""

MOST_ANSWER = 256_000_000
"""Bytes of an answer that is held in memory whole."""

PIECE = 1 << 18

_NAME = f"autolog/{version('autolog-ml')}"

_NUMBER = re.compile(r"^\[Errno -?\d+\] ")

_GONE = (urllib3.exceptions.HTTPError, OSError)


class Refusal(Exception):
    """What the server answered: the cause of the BackendError that it is reported as."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(f"status {status}")
        self.code = problem.code
        self.details = problem.details


def refusal(error: BackendError) -> Refusal:
    """What the server answered; an empty answer where it gave none."""
    cause = error.__cause__
    return cause if isinstance(cause, Refusal) else Refusal(0, Problem())


class Client:
    """A server at `base`, as `https://host:port/below`; nothing is sent before the first call.

    Every method raises BackendError alone. A forked child opens connections of its own.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self._lock = ForkSafeLock()
        self._pool: urllib3.PoolManager | None = None
        self._owner = 0

    def json(
        self, kind: type[Answer], method: str, path: str, query: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Answer:  # fmt: skip
        """The answer, decoded from JSON as `kind` and as nothing else."""
        return self._decoded(msgspec.json.Decoder(kind).decode, method, path, query, **more)

    def msgpack(
        self, kind: type[Answer], method: str, path: str, query: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Answer:  # fmt: skip
        """As `json`, of an answer in MessagePack."""
        return self._decoded(msgspec.msgpack.Decoder(kind).decode, method, path, query, **more)

    def _decoded(
        self, decode: Callable[[bytes], Answer], method: str, path: str,
        query: Mapping[str, Any] | None, **more: Any,
    ) -> Answer:  # fmt: skip
        response = self.open(method, path, query, **more)
        try:
            return decode(_bounded(response))
        except (ValueError, RecursionError) as error:
            raise BackendError(f"{self.base}: no answer of an autolog server: {error}") from error
        finally:
            response.release_conn()

    def done(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        """Have it done, whatever the answer says."""
        response = self.open(method, path, query, **more)
        response.drain_conn()
        response.release_conn()

    def open(
        self, method: str, path: str, query: Mapping[str, Any] | None = None,
        body: Any = None, headers: Mapping[str, str] | None = None,
        read_timeout: float = READ, connect_timeout: float = CONNECT,
    ) -> urllib3.BaseHTTPResponse:  # fmt: skip
        """The answer as a stream, which its caller closes; raises for any but a success."""
        options: dict[str, Any] = {
            "body": body,
            "headers": {**self._headers(), **(headers or {})},
            "timeout": urllib3.Timeout(connect=connect_timeout, read=read_timeout),
        }
        try:
            response = self._request(method, f"{self.base}/api/v1{path}{_query(query)}", options)
        except _GONE as error:
            raise BackendError(f"{self.base}: {_cause(error)}") from error
        if response.status >= 300:
            problem = _problem(response)
            raise self._error(response, problem) from Refusal(response.status, problem)
        return response

    def _request(self, method: str, url: str, options: dict[str, Any]) -> urllib3.BaseHTTPResponse:
        # urllib3's own retries would sleep, and speak in the program's log.
        fixed: dict[str, Any] = {"preload_content": False, "redirect": False, "retries": False}
        try:
            return self._pooled().request(method, url, **fixed, **options)
        except urllib3.exceptions.ProtocolError:
            if method != "GET":
                raise
        # A connection that was kept open may just have been closed: what only reads tries again.
        return self._pooled().request(method, url, **fixed, **options)

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None and self._owner == os.getpid():
            pool.clear()

    # -- connections -----------------------------------------------------------------------

    def _pooled(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None or self._owner != os.getpid():
                self._pool, self._owner = connections(self.base), os.getpid()
            return self._pool

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": _NAME, "Accept-Encoding": ACCEPTED}
        token = os.environ.get("AUTOLOG_TOKEN") or self._local_token()
        return headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def _local_token(self) -> str | None:
        """The token that a server on this machine left for us; no other server is given it."""
        parts = urlsplit(self.base)
        if parts.hostname not in LOOPBACK:
            return None
        return read_token(token_file(parts.hostname or "", _port(parts)))

    # -- errors ----------------------------------------------------------------------------

    def _error(self, response: urllib3.BaseHTTPResponse, problem: Problem) -> BackendError:
        status = response.status
        response.close()
        if 300 <= status < 400:
            where = response.headers.get("Location", "elsewhere").partition("?")[0][:200]
            return self._for_good(f"it redirects to {where}; name that as backend", status)
        if status == 404 and problem.code == "not_found":
            return NotFound(f"{problem.message} ({self.base})")
        if status == 404:
            return self._for_good("no autolog server answers at this address", status)
        what = problem.message or f"status {status}"
        if status in (408, 425, 429) or status >= 500:
            error: BackendError = BackendError(f"{self.base}: {what}")
            error.retry_after = _seconds(response.headers.get("Retry-After"))
            return error
        return self._for_good(what, status)

    def _for_good(self, what: str, status: int) -> BackendError:
        hint = "; set AUTOLOG_TOKEN" if status == 401 else ""
        return permanent(f"{self.base}: {what}{hint}")


def _query(query: Mapping[str, Any] | None) -> str:
    parts = [f"{key}={quote(str(value), safe='')}" for key, value in (query or {}).items()
             if value is not None]  # fmt: skip
    return "?" + "&".join(parts) if parts else ""


def pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The body as it comes; raises BackendError where it ends too early."""
    try:
        yield from response.stream(PIECE, decode_content=True)
    except _GONE as error:
        raise BackendError(f"the server's answer was cut off: {_cause(error)}") from error
    finally:
        response.close()


def _bounded(response: urllib3.BaseHTTPResponse) -> bytes:
    found = bytearray()
    for piece in pieces(response):
        found += piece
        if len(found) > MOST_ANSWER:
            raise BackendError(f"the server's answer has more than {MOST_ANSWER:,} bytes")
    return bytes(found)


def _problem(response: urllib3.BaseHTTPResponse) -> Problem:
    """What the server says; nothing where it is none of ours (a proxy's page of HTML)."""
    try:
        return msgspec.json.decode(response.read(100_000) or b"", type=ErrorBody).error
    except (*_GONE, ValueError, RecursionError):
        return Problem()


def _seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text), 0.0), 3600.0) if text else None
    except ValueError:
        return None


def _port(parts: Any) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _cause(error: BaseException) -> str:
    """What happened, in few words: urllib3 wraps one error in another."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    if isinstance(inner, BaseException):
        return _cause(inner)
    text = str(error)
    if isinstance(error, ssl.SSLError):
        return f"{text[:200]}; name who vouches for it in SSL_CERT_FILE"
    return (_NUMBER.sub("", text.rpartition(": ")[2]) or type(error).__name__)[:300]
