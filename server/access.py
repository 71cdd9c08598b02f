"""Who may do what: roles, the table of routes, and the means of knowing who is asking."""

from __future__ import annotations

import enum
import ipaddress
from typing import Any, Protocol

import msgspec
from litestar.connection import ASGIConnection

from .errors import ApiError

Connection = ASGIConnection[Any, Any, Any, Any]


class Role(enum.IntEnum):
    """What somebody may do; each role may do all that the ones before it may."""

    public = 0
    reader = 1
    writer = 2
    admin = 3


class Principal(msgspec.Struct, frozen=True):
    """Somebody who asks.

    Attributes:
        name: As it stands in the logs; never a token.
        role: What he may do.
        experiment: He sees and writes this experiment and those below it (`wine` and
            `wine/demo`) alone; empty for all.
    """

    name: str
    role: Role
    experiment: str = ""

    def may_see(self, experiment: str) -> bool:
        """Whether runs of `experiment` are within his bounds."""
        own = self.experiment.rstrip("/")
        return not own or experiment == own or experiment.startswith(own + "/")


class Authenticator(Protocol):
    """A means of knowing who asks; further ones (OIDC) come by `--login`, see `docs/server.md`.

    Called in a thread, for each request that no means before it knew.
    """

    def authenticate(self, connection: Connection) -> Principal | None:
        """Who asks; None where this means cannot tell. Raises ApiError to refuse at once."""


class Rule(msgspec.Struct, frozen=True):
    """Who may use a route: from which role on, and whether also with bounds on experiments."""

    role: Role
    bounded: bool = True


RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Rule(Role.public),
    ("GET", "/readyz"): Rule(Role.public),
    ("GET", "/metrics"): Rule(Role.reader, bounded=False),
    ("GET", "/api/v1/openapi.json"): Rule(Role.public),
    ("GET", "/api/v1/whoami"): Rule(Role.reader),
    ("GET", "/api/v1/policy"): Rule(Role.reader),
    ("POST", "/api/v1/records"): Rule(Role.writer),
    ("GET", "/api/v1/runs"): Rule(Role.reader),
    ("POST", "/api/v1/search"): Rule(Role.reader),
    ("POST", "/api/v1/summaries"): Rule(Role.reader),
    ("GET", "/api/v1/run-ids"): Rule(Role.reader),
    ("GET", "/api/v1/versions"): Rule(Role.reader),
    ("GET", "/api/v1/experiments"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}"): Rule(Role.reader),
    ("DELETE", "/api/v1/runs/{run}"): Rule(Role.admin),
    ("GET", "/api/v1/runs/{run}/acked"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/children"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/records"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/history"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/events"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/artifacts"): Rule(Role.reader),
    ("GET", "/api/v1/runs/{run}/artifact"): Rule(Role.reader),
    ("PUT", "/api/v1/runs/{run}/artifact"): Rule(Role.writer),
    ("DELETE", "/api/v1/runs/{run}/artifact"): Rule(Role.writer),
    ("GET", "/api/v1/runs/{run}/upload"): Rule(Role.writer),
    ("PUT", "/api/v1/runs/{run}/upload"): Rule(Role.writer),
    ("POST", "/api/v1/runs/{run}/upload"): Rule(Role.writer),
    ("DELETE", "/api/v1/runs/{run}/upload"): Rule(Role.writer),
    ("GET", "/api/v1/audit"): Rule(Role.admin, bounded=False),
}
"""Every route. One that stands not here lets nobody in, and the server refuses to start with it."""


def check_table(routes: set[tuple[str, str]]) -> None:
    """Raise RuntimeError unless the table names exactly the `routes` that there are."""
    if routes != set(RULES):
        without, gone = sorted(routes - set(RULES)), sorted(set(RULES) - routes)
        raise RuntimeError(f"routes without a rule: {without}; rules without a route: {gone}")


def check(principal: Principal | None, rule: Rule) -> None:
    """Raise ApiError unless `principal` may use a route of that rule."""
    if rule.role is Role.public:
        return
    if principal is None:
        error = ApiError(401, "no_token", "send a valid token: `Authorization: Bearer TOKEN`")
        error.headers = {"WWW-Authenticate": 'Bearer realm="autolog"'}
        raise error
    if principal.role < rule.role:
        what = f"this needs the role {rule.role.name}; {principal.name} is {principal.role.name}"
        raise ApiError(403, "forbidden", what)
    if principal.experiment and not rule.bounded:
        raise ApiError(403, "forbidden", "a token with bounds on experiments may not ask for this")


class Everybody:
    """Whoever can reach the server is its administrator: `--no-auth`."""

    def authenticate(self, connection: Connection) -> Principal | None:
        """As the protocol says."""
        return Principal("anybody", Role.admin)


class ProxyUsers:
    """The user whom a reverse proxy of ours names in a header."""

    def __init__(
        self, proxies: tuple[str, ...], header: str, role: str, admins: tuple[str, ...]
    ) -> None:
        self._networks = [ipaddress.ip_network(text, strict=False) for text in proxies]
        self._header = header.lower()
        self._role = Role[role]
        self._admins = admins

    def authenticate(self, connection: Connection) -> Principal | None:
        """The named user, if the connection comes from one of the networks."""
        if connection.client is None or not self._trusts(connection.client.host):
            return None
        named = connection.headers.getall(self._header, [])
        if not named:
            return None
        if len(named) > 1 or not named[0].strip() or not named[0].isprintable():
            raise ApiError(400, "bad_request", "the proxy names more than one user, or none")
        name = named[0].strip()[:200]
        return Principal(name, Role.admin if name in self._admins else self._role)

    def _trusts(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
