"""Starting and stopping: the socket, the local token, worker processes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvicorn
from uvicorn.supervisors import Multiprocess

from autolog.errors import BackendError, IncompatibleStore, UsageError
from autolog.localtoken import LOOPBACK, token_file, write_token
from autolog.opening import open_backend

from .accounts import Accounts, digest, new_token
from .config import Config, to_environment
from .logs import LOGGING
from .measures import SHARED
from .service import third_party

GRACE = 20
"""Seconds in which requests that have begun may end when the server is stopped.

Fewer than the 30 after which Kubernetes kills; with TLS also idle clients are waited for, who may
not answer that the connection is over.
"""

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than clients leave theirs unused."""


class Place(msgspec.Struct, frozen=True):
    """Where to listen, with how many processes, and with which certificate."""

    host: str = "127.0.0.1"
    port: int = 2886
    workers: int = 1
    certificate: str | None = None
    key: str | None = None


def _end(*_: object) -> None:
    raise SystemExit(0)


def serve(config: Config, place: Place) -> None:
    """Serve until a signal ends it; raises UsageError or BackendError where it cannot begin."""
    if config.login:
        third_party(config.login)
    away = _check_store(config.backend)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn raises it once more, when all else has ended
    with _bound(place) as listening, _shared_measures(place.workers):
        host, port = place.host, listening.getsockname()[1]
        with _entrance(config, host, port) as ready:
            to_environment(ready)
            _announce(ready, place, port, away)
            settings = _uvicorn(place, port)
            if place.workers > 1:
                Multiprocess(settings, sockets=[listening]).run()
            else:
                uvicorn.Server(settings).run(sockets=[listening])


def _check_store(uri: str) -> str:
    """Why the store cannot be reached now, or nothing; raises IncompatibleStore.

    One that is away may come, and clients wait; one of a newer autolog never serves.
    """
    store = open_backend(uri)
    try:
        store.acked("0" * 32)
    except IncompatibleStore:
        raise
    except BackendError as error:
        return str(error)
    finally:
        store.close()
    return ""


def _uvicorn(place: Place, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        "autolog.server.app:worker",
        factory=True,
        host=place.host,
        port=port,
        workers=place.workers,
        log_config=LOGGING,
        access_log=False,
        proxy_headers=False,  # who is trusted to name a user is ours to say
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        timeout_worker_healthcheck=60,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )


@contextlib.contextmanager
def _bound(place: Place) -> Iterator[socket.socket]:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        with listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(2048)  # who comes while the application is loaded waits
            listening.set_inheritable(True)
            yield listening
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        hint = "; name another with --port" if place.port else ""
        raise BackendError(f"{place.host}:{place.port}: {error.strerror or error}{hint}") from error


@contextlib.contextmanager
def _entrance(config: Config, host: str, port: int) -> Iterator[Config]:
    """The configuration with a local token, where that is what lets clients in."""
    if not is_loopback(host):
        _check_public(config, host)
    if config.open or not is_loopback(host):
        yield config
        return
    path, token = token_file(host, port), new_token()
    try:
        write_token(path, token)
    except OSError as error:
        raise BackendError(f"the token's file {path}: {error.strerror or error}") from error
    try:
        yield msgspec.structs.replace(config, local_token=digest(token))
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach `host`."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_public(config: Config, host: str) -> None:
    """Refuse to let the whole network in."""
    if config.open:
        raise UsageError(f"--no-auth is for this machine alone, and {host} is reached by others")
    if config.proxies or config.login:
        return
    accounts = Accounts(config.access)
    try:
        if not accounts.any():
            create = "`autolog server token create --name NAME --role writer`"
            raise UsageError(f"others can reach {host}, and there is no token yet; {create}")
    finally:
        accounts.close()


@contextlib.contextmanager
def _shared_measures(workers: int) -> Iterator[None]:
    """A folder in which the processes' measures come together."""
    if workers < 2 or os.environ.get(SHARED):
        yield
        return
    folder = tempfile.mkdtemp(prefix="autolog-measures-")
    os.environ[SHARED] = folder
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _announce(config: Config, place: Place, port: int, away: str) -> None:
    """Say where it is and how to use it; never the token."""
    scheme = "https" if place.certificate else "http"
    shown = f"[{place.host}]" if ":" in place.host else place.host
    url = f"{scheme}://{shown}:{port}"
    lines = [f"autolog server: {url} serves {_without_password(config.backend)}"]
    if away:
        lines.append(f"  the store cannot be reached now, clients are told to wait: {away}")
    if config.open:
        lines.append("  no token is asked for (--no-auth): all who reach it may write and delete")
    elif config.local_token:
        lines.append(
            f"  your programs on this machine find the token in {token_file(place.host, port)}"
        )
    lines.append(f"  AUTOLOG_BACKEND={url} autolog run train.py")
    print("\n".join(lines), file=sys.stderr, flush=True)


def _without_password(uri: str) -> str:
    head, at, tail = uri.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at and "://" in head else uri


def access_url(backend: str) -> str:
    """The database for tokens that goes with a store: its own, or a file beside the runs."""
    scheme, colon, rest = backend.partition(":")
    name = scheme.lower()
    if colon and name in ("postgresql", "postgres"):
        return f"postgresql+psycopg:{rest}"
    if colon and name == "sqlite":
        return f"{backend.partition('?')[0]}.server.db"  # the runs' own file is its backend's alone
    if colon and name == "memory":
        return f"sqlite:///{Path(tempfile.mkdtemp(prefix='autolog-server-')) / 'server.db'}"
    if not colon or name == "file" or len(name) == 1:
        folder = Path(rest if name == "file" else backend).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder / 'server.db'}"
    raise UsageError(f"where do tokens for {scheme}: stores go? name a database with --access")
