"""What a server is told at its start; worker processes get it through one variable."""

from __future__ import annotations

import os

import msgspec

from autolog.protocol import Policy

VARIABLE = "AUTOLOG_SERVER_CONFIG"
"""Carries the configuration, as JSON, from the command to its worker processes."""

MB = 1_000_000


class Limits(msgspec.Struct, frozen=True):
    """Bounds on what one request may ask for.

    Attributes:
        body: Bytes of a body as it is sent.
        decompressed: Bytes of a body after decompression.
        batch: Records in one body.
        chunk: Bytes of one piece of an artifact.
        artifact: Bytes of one artifact.
        runs: Runs in one answer of a search.
        filter: Characters of a filter or an order.
        rate: Requests a second for each token or address, over a while; 0 for no limit.
    """

    body: int = 16 * MB
    decompressed: int = 64 * MB
    batch: int = 50_000
    chunk: int = 64 * MB
    artifact: int = 100_000 * MB
    runs: int = 1_000
    filter: int = 10_000
    rate: float = 200.0


class Config(msgspec.Struct, frozen=True):
    """All of it.

    Attributes:
        backend: The store that is served, as in `AUTOLOG_BACKEND`.
        access: SQLAlchemy URL of the database that keeps tokens and the audit log.
        open: No token is asked for (`--no-auth`).
        local_token: SHA-256 of the token in the local token file; None for none.
        hosts: Further names by which clients may call the server.
        proxies: Networks of reverse proxies whose header is trusted.
        user_header: The header in which they name the user.
        proxy_role: The role of users who come through them.
        admins: Those of them who are administrators.
        login: Entry point of a further authenticator; None for none.
        policy: What clients that ask for it are told to keep to.
        limits: Bounds.
        log_requests: Whether each request leaves a line.
    """

    backend: str
    access: str
    open: bool = False
    local_token: str | None = None
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    user_header: str = "X-Forwarded-User"
    proxy_role: str = "reader"
    admins: tuple[str, ...] = ()
    login: str | None = None
    policy: Policy = Policy()
    limits: Limits = Limits()
    log_requests: bool = True


def to_environment(config: Config) -> None:
    """Leave `config` for the worker processes that are started next."""
    os.environ[VARIABLE] = msgspec.json.encode(config).decode()


def from_environment() -> Config:
    """What `to_environment` was given."""
    return msgspec.json.decode(os.environ[VARIABLE], type=Config)
