"""`autolog server`: serve a store to many machines, and manage who may use it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..opening import open_backend
from ..settings import default_store, resolve
from .terminal import print_json

server = typer.Typer(no_args_is_help=False, help="Serve a store over HTTP (docs/server.md).")
token = typer.Typer(no_args_is_help=True, help="Who may use the server.")
server.add_typer(token, name="token")

Store = Annotated[str | None, typer.Option("--backend", help="The store: a folder or a name.")]
Access = Annotated[str | None, typer.Option(help="SQLAlchemy URL of the tokens' database.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@server.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    backend: Store = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any that is free.")] = 2886,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Ask for no token.")] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name by which clients call it; repeatable.")
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option(help="Address or network of a trusted proxy; repeatable.")
    ] = None,
    user_header: Annotated[
        str, typer.Option(help="Header in which the proxy names the user.")
    ] = "X-Forwarded-User",
    proxy_role: Annotated[str, typer.Option(help="Role of its users.")] = "reader",
    admin_user: Annotated[
        list[str] | None, typer.Option(help="One of them who is admin; repeatable.")
    ] = None,
    login: Annotated[str | None, typer.Option(help="A package's own means of access.")] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[str | None, typer.Option(help="Its private key (PEM).")] = None,
    rate_limit: Annotated[float, typer.Option(help="Requests a second each; 0: all.")] = 200.0,
    policy: Annotated[str | None, typer.Option(help="JSON file for clients that ask.")] = None,
    access: Access = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each request.")] = False,
) -> None:
    """Serve a store until Ctrl-C or SIGTERM."""
    if context.invoked_subcommand is not None:
        return
    parts = _parts()
    uri = _store(backend)
    config = parts.Config(
        backend=uri,
        access=access or parts.access_url(uri),
        open=no_auth,
        hosts=tuple(allowed_host or ()),
        proxies=_networks(proxy or []),
        user_header=user_header,
        proxy_role=_role(proxy_role),
        admins=tuple(admin_user or ()),
        login=login,
        policy=_policy(policy),
        limits=parts.Limits(rate=rate_limit),
        log_requests=not quiet,
    )
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together")
    parts.serve(config, parts.Place(host, port, workers, tls_cert, tls_key))


@token.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is; stands in the logs.")],
    role: Annotated[str, typer.Option(help="reader, writer or admin.")] = "writer",
    experiment: Annotated[str, typer.Option(help="Only this and those below it.")] = "",
    days: Annotated[float | None, typer.Option(min=0, help="Until it expires.")] = None,
    backend: Store = None,
    access: Access = None,
) -> None:
    """Make a token and print it, this once."""
    accounts = _accounts(backend, access)
    expires = None if days is None else time.time() + days * 86_400
    made = accounts.create(name, role, experiment, expires)
    accounts.note(_me(), "create token", f"{name} {role} {experiment}".strip())
    print(made)


@token.command("list")
def list_tokens(backend: Store = None, access: Access = None, json: Json = False) -> None:
    """Print what is known of each token, but for the token."""
    found = _accounts(backend, access).tokens()
    if json:
        print_json(found)
        return
    for row in found:
        print(_line(row))
    if not found:
        print("no tokens; `autolog server token create --name NAME`")


@token.command()
def revoke(
    which: Annotated[str, typer.Argument(help="The token's id, or its name.")],
    backend: Store = None,
    access: Access = None,
) -> None:
    """Let a token count no more; servers that run notice within seconds."""
    accounts = _accounts(backend, access)
    if not accounts.revoke(which):
        raise UsageError(f"no token {which!r} that counts; `autolog server token list`")
    accounts.note(_me(), "revoke token", which)
    print(f"revoked {which}")


@server.command("upgrade-db")
def upgrade_db(
    uri: Annotated[str | None, typer.Argument(help="The database; or --backend.")] = None,
    backend: Store = None,
) -> None:
    """Bring a database to the schema of this version, in one transaction; back it up first."""
    store = open_backend(_store(uri or backend))
    upgrade = getattr(store, "upgrade", None)
    if upgrade is None:
        raise UsageError(f"{store.uri} is no database: there is nothing to upgrade")
    upgrade()
    store.close()
    print(f"{store.uri} has the tables of this version")


@server.command()
def audit(
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most lines.")] = 30,
    backend: Store = None,
    access: Access = None,
    json: Json = False,
) -> None:
    """Print deletions and changes of access, newest first."""
    from ..rendering.text import clean

    found = _accounts(backend, access).audit(limit)
    if json:
        print_json(found)
        return
    for row in found:
        print(
            f"{_moment(row['time'])}  {clean(row['who'])}  {row['what']}  {clean(row['subject'])}"
        )


def _parts() -> Any:
    """The server's parts; it is an extra, which not everybody has."""
    try:
        from autolog.server import parts
    except ImportError as error:
        hint = "pip install 'autolog-ml[server]'"
        raise UsageError(f"the server needs {error.name}: {hint}") from error
    return parts


EMBEDDED = "autolog-server"
"""Folder of the database and the artifacts that are served where there is no store yet."""


def _store(backend: str | None) -> str:
    uri = next((str(uri) for uri in (backend, *resolve()["backend"]) if uri), None)
    uri = uri or _nearest()
    open_backend(uri).close()  # so that a name that is none is called so
    return uri


def _nearest() -> str:
    """The local store that there is, else a SQLite database in a folder of its own."""
    local = default_store()
    if local.is_dir():
        return str(local)
    return f"sqlite:///{local.with_name(EMBEDDED) / 'runs.db'}"


def _accounts(backend: str | None, access: str | None) -> Any:
    parts = _parts()
    return parts.Accounts(access or parts.access_url(_store(backend)))


def _role(name: str) -> str:
    if name not in ("reader", "writer", "admin"):
        raise UsageError(f"no role {name!r}; one of reader, writer, admin")
    return name


def _networks(given: list[str]) -> tuple[str, ...]:
    import ipaddress

    for text in given:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise UsageError(f"--proxy {text!r}: write 10.0.0.5 or 10.0.0.0/24") from None
    return tuple(given)


def _policy(path: str | None) -> Any:
    from pathlib import Path

    import msgspec

    from ..protocol import Policy

    if path is None:
        return Policy()
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Policy)
    except (OSError, ValueError) as error:
        raise UsageError(f"--policy {path}: {error}; docs/server.md shows one") from error


def _me() -> str:
    import getpass

    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"


def _line(row: dict[str, Any]) -> str:
    from ..rendering.text import clean

    state = "revoked" if row["revoked"] else _expiry(row["expires"])
    bounds = f"  {clean(row['experiment'])}" if row["experiment"] else ""
    return f"{row['id']}  {row['role']:6}  {clean(row['name'])}{bounds}  {state}"


def _expiry(expires: float | None) -> str:
    if expires is None:
        return "does not expire"
    return f"{'expired' if expires < time.time() else 'expires'} {_moment(expires)}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
