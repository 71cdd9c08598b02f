"""The connection to a database: made late, made anew after a fork, its errors made the store's."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url

from autolog.errors import BackendError

from . import dialects, upgrading

Answer = TypeVar("Answer")
Nothing = TypeVar("Nothing")

SECRETS = ("password", "passfile", "sslpassword", "sslkey")
FORK_WAIT = 0.25
"""Seconds that a fork waits for open transactions of SQLite."""
_TRIES = 5


class _Busy(Exception):
    """Others were in the way, or the connection was cut: the same may well succeed at once."""


class Database:
    """One database, as its users name it.

    Attributes:
        uri: The name without any secret.
        path: The file of SQLite; None for a server.
    """

    def __init__(self, uri: str) -> None:
        try:
            url = make_url(uri)
        except (exc.ArgumentError, ValueError):
            raise BackendError(
                "this is no URL of a database; write sqlite:///runs.db or postgresql://user@host/db"
            ) from None
        if url.drivername == "postgres":
            url = url.set(drivername="postgresql")
        self.path = _file(url)
        self._url = url if self.path is None else url.set(database=str(self.path))
        self.uri = _without_secrets(self._url)
        self._begin_anew()
        _databases.add(self)

    def _begin_anew(self) -> None:
        self._made: Engine | None = None
        self._known = False  # that the tables exist
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._idle = threading.Condition(threading.Lock())
        self._open = 0
        self._held = False
        self._forked_amidst = False

    # -- transactions ----------------------------------------------------------------------

    def read(self, question: Callable[[Connection], Answer], nothing: Nothing) -> Answer | Nothing:
        """What `question` finds in one state of the store; `nothing` where there is no store."""
        return self._tried(lambda: self._read(question, nothing))

    def write(self, change: Callable[[Connection], Answer]) -> Answer:
        """Do `change` as a whole or not at all; it may be done anew, so it only changes rows."""
        return self._tried(lambda: self._write(change))

    def _read(self, question: Callable[[Connection], Answer], nothing: Nothing) -> Answer | Nothing:
        if self.path is not None and not self.path.exists():
            return nothing
        with self._entered(), self._engine().connect() as raw:
            connection = raw.execution_options(**dialects.snapshot(raw.engine))
            with dialects.transaction(connection, writes=False):
                if not self._known and not upgrading.exists(connection):
                    return nothing
                upgrading.check_readable(connection, self.uri)
                self._known = True
                return question(connection)

    def _write(self, change: Callable[[Connection], Answer]) -> Answer:
        with self._own_turn():
            return self._write_now(change)

    @contextlib.contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Threads write to SQLite one after another: who finds it busy looks again ever later."""
        if self.path is None:
            yield
            return
        if not self._turn.acquire(timeout=dialects.BUSY / 1000):
            raise _Busy("database is locked")
        try:
            yield
        finally:
            self._turn.release()

    def _write_now(self, change: Callable[[Connection], Answer]) -> Answer:
        if self.path is not None and not self.path.exists():
            self.close()
            self._known = False
            _make_file(self.path)
        with self._changing() as connection:
            if not self._known and not upgrading.exists(connection):
                upgrading.make(connection)
            upgrading.check_writable(connection, self.uri)
            answer = change(connection)
        self._known = True
        return answer

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A connection in a transaction that writes."""
        with (
            self._entered(),  # first: a fork closes the engine of who has not entered
            self._engine().connect() as connection,
            dialects.transaction(connection, writes=True),
        ):
            yield connection

    def _tried(self, work: Callable[[], Answer]) -> Answer:
        for left in reversed(range(_TRIES)):
            try:
                with self._errors():
                    return work()
            except _Busy as busy:
                self._known = False
                if not left:
                    error = BackendError(f"{self.uri}: {busy}")
                    error.retry_after = 1.0
                    raise error from busy.__cause__
                time.sleep(0.01 * (_TRIES - left) ** 2)
        raise AssertionError

    def maintain(self) -> None:
        """Give back the room of what was deleted."""

        def shrink() -> None:
            engine = self._engine()
            with self._entered(), engine.connect() as raw:
                dialects.shrink(raw)

        if self.path is None or self.path.exists():
            self._tried(shrink)

    def upgrade(self) -> None:
        """Bring the tables to the schema of this autolog, as a whole or not at all."""

        def change() -> None:
            with self._changing() as connection:
                dialects.lock_schema(connection)
                if not upgrading.exists(connection):
                    raise BackendError(f"{self.uri} holds no store yet: the first run makes it")
                upgrading.check_readable(connection, self.uri)
                upgrading.upgrade(connection)

        if self.path is not None and not self.path.exists():
            raise BackendError(f"{self.uri}: there is no such file")
        self._tried(change)

    # -- connections -----------------------------------------------------------------------

    def _engine(self) -> Engine:
        with self._lock:
            if self._made is None:
                self._made = self._create()
            return self._made

    def _create(self) -> Engine:
        options: dict[str, Any] = {"pool_size": 5, "max_overflow": 15, "pool_timeout": 30}
        if self.path is None:
            options["connect_args"] = {"connect_timeout": 10}
        else:
            options["creator"] = self._connect_file
        try:
            engine = create_engine(dialects.driven(self._url), **options)
        except ModuleNotFoundError as error:
            extra = "postgresql" if error.name == "psycopg" else "sql"
            raise BackendError(
                f"{self.uri} needs {error.name}: pip install 'autolog-ml[{extra}]'"
            ) from error
        dialects.prepare(engine)
        return engine

    def _connect_file(self) -> Any:
        path = str(self.path)
        if os.access(path, os.W_OK):
            return sqlite3.connect(path, check_same_thread=False)
        # A file that nobody may write, in a folder where no file of locks can be made.
        still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
        uri = Path(path).as_uri() + f"?mode=ro{still}"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise _told(self, error) from error
        except exc.TimeoutError as error:
            raise _Busy("all connections are in use") from error
        except (exc.SQLAlchemyError, OSError, sqlite3.Error) as error:
            if str(error).startswith(_BUSY_TEXTS):
                raise _Busy(str(error)) from error
            raise BackendError(f"{self.uri}: {error}") from error

    def close(self) -> None:
        """Let go of all connections; a later call opens new ones."""
        with self._lock:
            engine, self._made = self._made, None
        if engine is not None:
            with contextlib.suppress(exc.SQLAlchemyError, sqlite3.Error):
                engine.dispose()

    # -- forks -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _entered(self) -> Iterator[None]:
        if self._forked_amidst:
            raise BackendError(
                f"{self.uri}: this process was forked while its parent was writing; "
                "its records stay in the journal, and another process sends them"
            )
        with self._idle:
            self._open += 1
        try:
            yield
        finally:
            with self._idle:
                self._open -= 1
                self._idle.notify_all()

    def before_fork(self) -> None:
        """SQLite knows for each process which locks it has, and a child would believe it too."""
        self._held = self.path is not None and self._idle.acquire()
        if self._held:
            self._idle.wait_for(lambda: self._open == 0, FORK_WAIT)
            if self._open == 0:
                self.close()

    def after_fork_in_parent(self) -> None:
        """Let others go on."""
        if self._held:
            self._held = False
            self._idle.release()

    def after_fork_in_child(self) -> None:
        """Begin with nothing of the parent's, which stays untouched."""
        engine = self._made
        self._begin_anew()
        if engine is not None:
            self._forked_amidst = self.path is not None
            _inherited.append(engine)  # so that nobody closes what the parent uses


_inherited: list[Engine] = []
_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def _each(call: Callable[[Database], None]) -> Callable[[], None]:
    def all_of_them() -> None:
        for one in list(_databases):
            call(one)

    return all_of_them


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_each(Database.before_fork),
        after_in_parent=_each(Database.after_fork_in_parent),
        after_in_child=_each(Database.after_fork_in_child),
    )


# -- names and errors --------------------------------------------------------------------------


def _file(url: URL) -> Path | None:
    """The absolute path of SQLite's file, as seen from where the store was named."""
    if url.get_backend_name() != "sqlite":
        return None
    if url.host:
        raise BackendError(f"sqlite: knows no host {url.host!r}; write sqlite:///{url.database}")
    if not url.database or url.database == ":memory:":
        raise BackendError("sqlite: names no file; write sqlite:///runs.db, or memory: for none")
    return Path(os.path.abspath(os.path.expanduser(url.database)))  # noqa: PTH100, PTH111


def _without_secrets(url: URL) -> str:
    plain = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    )
    return plain.difference_update_query(SECRETS).render_as_string(hide_password=False)


def _make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        dialects.begin_file(connection)


def _told(database: Database, error: exc.DBAPIError) -> Exception:
    """What a person is told of a database's error; _Busy where trying again may help at once."""
    original = error.orig
    state = getattr(original, "sqlstate", None) or ""
    said = _said(original)
    if state[:2] in _BUSY_CLASSES or state in _BUSY_STATES or said.startswith(_BUSY_TEXTS):
        return _Busy(said)
    if error.connection_invalidated:
        return _Busy(said)
    told = BackendError(f"{database.uri}: {_advice(database, said, state)}")
    told.permanent = state[:2] == "22"  # the data themselves
    told.retry_after = 5.0 if state[:2] in ("53", "57") else None
    return told


def _said(original: BaseException | None) -> str:
    """What the driver says, without the statement and the second guesses on further lines."""
    primary = getattr(getattr(original, "diag", None), "message_primary", None)
    first = (primary or str(original)).strip().partition("\n")[0]
    return " ".join(first.removeprefix("connection failed: ").split())


_BUSY_CLASSES = ("40",)  # deadlocks
_BUSY_STATES = ("42P01", "57P01", "57P02")  # tables that are gone, a server that stops
_BUSY_TEXTS = ("database is locked", "no such table", "database table is locked")


def _advice(database: Database, said: str, state: str) -> str:
    for words, advice in _ADVICE.items():
        if words in said:
            return f"{said}; {advice}"
    return said


_ADVICE = {
    "password authentication failed": "set PGPASSWORD, or write the user into ~/.pgpass",
    "no password supplied": "set PGPASSWORD, or write the user into ~/.pgpass",
    "Name or service not known": "is the host's name right?",
    "failed to resolve host": "is the host's name right?",
    "Connection refused": "is the server running, and does it listen there?",
    "No such file or directory": "is the server running?",
    "permission denied": "the user needs rights to read and write the tables autolog_*",
    "readonly database": "you may not write the file or its folder",
    "unable to open database file": "its folder has to exist, and to be writable",
    "disk I/O error": "is the disk full, or failing? what is not stored yet stays in the journal",
    "disk is full": "make room, what is not stored yet stays in the journal",
    "file is not a database": "another program's file is in this place; name another one",
    "malformed": "restore the file from a back-up",
    "FATAL: database": "create it: createdb NAME",
    "FATAL: role": "name the user who may write there, or create it: createuser NAME",
}
