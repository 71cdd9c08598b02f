"""What one worker process serves with: the store, the means of access, and who asks."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import Any, cast

from litestar import Request

from autolog.backend import Backend
from autolog.errors import UsageError
from autolog.opening import open_backend
from autolog.paths import is_id

from .access import Authenticator, Connection, Everybody, Principal, ProxyUsers, Role
from .accounts import Accounts, digest
from .config import Config
from .errors import ApiError, Busy
from .following import Parts
from .rates import Rates
from .scoped import Experiments, Scoped

_log = logging.getLogger("autolog.server")

AnyRequest = Request[Any, Any, Any]

REMEMBERED = 5.0
"""Seconds for which a token's answer is good: so long a revoked one may still be used."""


STOPPING = threading.Event()
"""Set when the process is about to end."""


class Service:
    """The store and its doors.

    Attributes:
        config: What the server was told.
        backend: The store, without bounds.
        accounts: Tokens and the audit log.
        stopping: Set when the process is about to end: answers without an end finish then.
        memo: What the store gave back with its runs' versions, which saves it work.
        parts: What those who follow runs are given.
        swept: When uploads were last looked through (monotonic).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.backend = open_backend(config.backend)
        self.accounts = Accounts(config.access)
        self.rates = Rates(config.limits.rate)
        self.stopping = STOPPING
        self.memo: Any = None
        self.parts = Parts()
        self.swept = time.monotonic()
        self._experiments = Experiments(self.backend)
        self._means = self._authenticators()

    def _authenticators(self) -> list[Authenticator]:
        config = self.config
        means: list[Authenticator] = [Bearer(self.accounts, config.local_token)]
        if config.proxies:
            header, role = config.user_header, config.proxy_role
            means.append(ProxyUsers(config.proxies, header, role, config.admins))
        if config.login:
            means.append(Guarded(config.login))
        return [*means, Everybody()] if config.open else means

    def principal(self, connection: Connection) -> Principal | None:
        """Who asks, by the first means that knows him."""
        for means in self._means:
            found = means.authenticate(connection)
            if found is not None:
                return found
        return None

    def waits(self, connection: Connection) -> bool:
        """Whether `principal` may have to wait for a database or for a package's own means."""
        return any(_waits(means, connection) for means in self._means)

    def store(self, principal: Principal) -> Backend:
        """The store within the bounds of `principal`."""
        if not principal.experiment:
            return self.backend
        return Scoped(self.backend, principal, self._experiments)

    def close(self) -> None:
        """Let go of files and connections."""
        self.backend.close()
        self.accounts.close()


NEVER: tuple[float, Principal | None] = (0.0, None)


def _token(connection: Connection) -> str:
    """The token that was sent; empty for none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _waits(means: Authenticator, connection: Connection) -> bool:
    if isinstance(means, Bearer):
        return means.waits(connection)
    return not isinstance(means, ProxyUsers | Everybody)


class Bearer:
    """Tokens in the header `Authorization`."""

    def __init__(self, accounts: Accounts, local: str | None) -> None:
        self._accounts = accounts
        self._local = local
        self._known: dict[str, tuple[float, Principal | None]] = {}

    def authenticate(self, connection: Connection) -> Principal | None:
        """Whose token it is; raises ApiError for one that nobody has."""
        token = _token(connection)
        if not token:
            return None
        found = self._find(token)
        if found is None:
            error = ApiError(401, "bad_token", "this token is unknown, revoked or has expired")
            error.headers = {"WWW-Authenticate": 'Bearer realm="autolog", error="invalid_token"'}
            raise error
        return found

    def waits(self, connection: Connection) -> bool:
        """Whether the database has to be asked for the connection's token."""
        token = _token(connection)
        known = digest(token) if token else self._local
        return known != self._local and time.monotonic() > self._known.get(known or "", NEVER)[0]

    def _find(self, token: str) -> Principal | None:
        known = digest(token)  # compared as a digest: its timing tells nothing of the token
        if self._local is not None and known == self._local:
            return Principal("local", Role.admin)
        until, found = self._known.get(known, NEVER)
        if time.monotonic() > until:
            found = self._accounts.known(token)
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[known] = (time.monotonic() + REMEMBERED, found)
        return found


class Guarded:
    """A package's own means, asked last; where it fails nobody comes in, and the log says why."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._means = third_party(name)

    def authenticate(self, connection: Connection) -> Principal | None:
        """As the protocol says; raises ApiError."""
        try:
            return self._means.authenticate(connection)
        except ApiError:
            raise
        except Exception as error:
            _log.error("login %s", self._name, exc_info=error)
            raise Busy("login_unavailable", "who you are cannot be found out now") from error


def third_party(name: str) -> Authenticator:
    """The means of that name that a package offers; raises UsageError."""
    from importlib.metadata import entry_points

    offered = entry_points(group="autolog.server.login")
    for entry in offered.select(name=name):
        try:
            return cast(Authenticator, entry.load()())
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise UsageError(f"--login {name} cannot be loaded: {what}") from error
    known = ", ".join(sorted(offered.names)) or "none is installed"
    raise UsageError(f"--login {name}: no package offers it as autolog.server.login ({known})")


def service_of(request: AnyRequest) -> Service:
    """The process's service."""
    return cast(Service, request.app.state.service)


def principal_of(request: AnyRequest) -> Principal:
    """Who asks; the guard has made sure that he may."""
    return cast(Principal, request.scope["user"])


def store_of(request: AnyRequest) -> Backend:
    """The store as the one who asks may see it."""
    return service_of(request).store(principal_of(request))


def checked_run(run: str) -> str:
    """`run`, which is an id; raises ApiError."""
    if not is_id(run):
        raise ApiError(400, "bad_run", "a run's id is 32 lower-case hexadecimal digits")
    return run


def fingerprint(*parts: str) -> str:
    """32 hexadecimal digits that follow from `parts`."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
