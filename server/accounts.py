"""Tokens, the audit log, uploads under way: small tables, beside the runs in a database."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from autolog.errors import BackendError, UsageError

from .access import Principal, Role

Answer = TypeVar("Answer")

_metadata = sa.MetaData()

_tokens = sa.Table(
    "autolog_server_tokens",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("experiment", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("revoked", sa.Double),
)

_audit = sa.Table(
    "autolog_server_audit",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("time", sa.Double, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
)

_uploads = sa.Table(
    "autolog_server_uploads",
    _metadata,
    sa.Column("key", sa.String(32), primary_key=True),
    sa.Column("touched", sa.Double, nullable=False),
)


def digest(token: str) -> str:
    """What is kept of a token: enough, since it is 256 random bits and no password."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """256 random bits; the prefix lets scanners for leaked secrets know it."""
    return "autolog_" + secrets.token_urlsafe(32)


class Accounts:
    """The tables in the database `url`; every method raises BackendError where that is away."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"pool_pre_ping": True}
        if url.startswith("sqlite"):
            options["connect_args"] = {"timeout": 10}
        self._engine = sa.create_engine(url, **options)
        self._made = False

    def create(self, name: str, role: str, experiment: str, expires: float | None) -> str:
        """A new token, which nobody can read again; `expires` in seconds since 1970."""
        if role not in ("reader", "writer", "admin"):
            raise UsageError(f"no role {role!r}; one of reader, writer, admin")
        token, number = new_token(), secrets.token_hex(4)
        row: dict[str, Any] = {"id": number, "sha256": digest(token), "name": name[:200]}
        row |= {"role": role, "experiment": experiment, "created": time.time()}
        row["expires"] = expires
        self._do(sa.insert(_tokens).values(**row))
        return token

    def tokens(self) -> list[dict[str, Any]]:
        """What is known of each token, oldest first; never the token."""
        columns = [column for column in _tokens.c if column.name != "sha256"]
        return self._ask(sa.select(*columns).order_by(_tokens.c.created))

    def revoke(self, number: str) -> bool:
        """Let the token of that id (or name) count no more; False where there is none."""
        named = (_tokens.c.id == number) | (_tokens.c.name == number)
        where = named & _tokens.c.revoked.is_(None)
        return self._do(sa.update(_tokens).where(where).values(revoked=time.time())) > 0

    def known(self, token: str) -> Principal | None:
        """Whose token it is; None for one that is unknown, revoked or has expired."""
        found = self._ask(sa.select(_tokens).where(_tokens.c.sha256 == digest(token)))
        for row in found:
            if row["revoked"] is None and (row["expires"] or time.time() + 1) > time.time():
                return Principal(row["name"], Role[row["role"]], row["experiment"])
        return None

    def any(self) -> bool:
        """Whether there is a token that counts."""
        now = time.time()
        unexpired = _tokens.c.expires.is_(None) | (_tokens.c.expires > now)
        alive = sa.select(_tokens.c.id).where(_tokens.c.revoked.is_(None), unexpired)
        return bool(self._ask(alive.limit(1)))

    def note(self, who: str, what: str, subject: str) -> None:
        """Add a line to the audit log."""
        row = {"time": time.time(), "who": who[:200], "what": what, "subject": subject}
        self._do(sa.insert(_audit).values(**row))

    def audit(self, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """The newest lines of the audit log, newest first; before the line `before`."""
        query = sa.select(_audit).order_by(_audit.c.id.desc()).limit(limit)
        return self._ask(query if before is None else query.where(_audit.c.id < before))

    def touch(self, upload: str) -> None:
        """A piece of an upload comes now."""
        now = {"touched": time.time()}
        if not self._do(sa.update(_uploads).where(_uploads.c.key == upload).values(now)):
            self._do(sa.insert(_uploads).values(key=upload, **now))

    def untouched(self, seconds: float) -> list[str]:
        """Uploads of which for so long no piece has come."""
        old = _uploads.c.touched < time.time() - seconds
        return [row["key"] for row in self._ask(sa.select(_uploads.c.key).where(old))]

    def forget(self, upload: str) -> None:
        """An upload is over."""
        self._do(sa.delete(_uploads).where(_uploads.c.key == upload))

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    def _do(self, statement: Any) -> int:
        def change() -> int:
            with self._engine.begin() as connection:
                return int(connection.execute(statement).rowcount)

        return self._tried(change)

    def _ask(self, statement: Any) -> list[dict[str, Any]]:
        def question() -> list[dict[str, Any]]:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(statement).mappings()]

        return self._tried(question)

    def _tried(self, work: Callable[[], Answer]) -> Answer:
        """Once more where the tables were there: the database may have been emptied since."""
        for again in (self._made, False):
            try:
                self._make()
                return work()
            except SQLAlchemyError as error:
                self._made = False
                if not again:
                    raise _away(error) from error
        raise AssertionError

    def _make(self) -> None:
        if not self._made:
            try:
                _metadata.create_all(self._engine)
            except SQLAlchemyError:
                _metadata.create_all(self._engine)  # another process made them just now
            self._made = True


def _away(error: SQLAlchemyError) -> BackendError:
    cause = str(getattr(error, "orig", None) or error).split("\n")[0]
    return BackendError(f"the database of tokens: {cause}")
