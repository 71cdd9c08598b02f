"""All in which databases differ from each other, beside the types in `schema`."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    and_,
    event,
    exc,
    false,
    func,
    or_,
    text,
    true,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from autolog.filters import like_pattern

from .bounds import UNKNOWN, Bounds, exactly

BUSY = 60_000
"""Milliseconds for which a writer of SQLite waits for the others."""
COPIED = 50
"""Rows from which on PostgreSQL is given them by COPY; below, its further exchange costs more."""
_LOCK = 0x6175746F  # a number of our own among PostgreSQL's advisory locks


def insert_new(connection: Connection, table: Table) -> Insert:
    """An INSERT that passes over rows which are there already."""
    return _insert_new(connection.dialect.name, table)


@functools.cache
def _insert_new(name: str, table: Table) -> Insert:
    if name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    if name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return mysql.insert(table).prefix_with("IGNORE")


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows that have a value for each column, in the columns' order."""
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED:
        _copy(connection, table, rows)
    elif rows:
        names = table.columns.keys()
        connection.execute(_insert(table), [dict(zip(names, row, strict=True)) for row in rows])


_insert = functools.cache(Table.insert)


def _copy(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    statement = f"COPY {table.name} ({', '.join(table.columns.keys())}) FROM STDIN"
    driver: Any = connection.connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as target:
            for row in rows:
                target.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise exc.DBAPIError(statement, None, error) from error


def lock_schema(connection: Connection) -> None:
    """Have others wait who want to make the tables too; SQLite knows one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    elif connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(text("SELECT GET_LOCK('autolog', 60)"))


def counts_nothing(connection: Connection) -> bool:
    """Whether the database does not know how many rows have which values."""
    return connection.dialect.name == "sqlite"


class Probed(FunctionElement[Any]):
    """A column whose index SQLite is not to use.

    It knows nothing of how many rows an index leads to, and would go through half of all runs
    for each run in place of looking at the one row.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Probed)
def _plain(element: Probed, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(Probed, "sqlite")
def _unindexed(element: Probed, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def like(
    connection: Connection, column: ColumnElement[str], pattern: str, ignore_case: bool
) -> Bounds:
    """Whether a text that is not null fits the pattern of a filter."""
    if connection.dialect.name == "sqlite":
        return exactly(func.autolog_like(column, pattern, ignore_case) == 1)
    if connection.dialect.name != "postgresql":
        return UNKNOWN
    standard = re.sub(r"\\(?![%_\\])", r"\\\\", pattern)
    if not ignore_case:
        return exactly(column.like(standard, escape="\\"))
    # Python knows more letters that are equal than the database, or others.
    foreign = or_(column.op("~")("[^\\x01-\\x7f]"), _is_foreign(pattern))
    fits = column.ilike(standard, escape="\\")
    return Bounds(and_(fits, ~foreign), or_(fits, foreign))


def _is_foreign(pattern: str) -> ColumnElement[bool]:
    return false() if pattern.isascii() else true()


# -- connections -------------------------------------------------------------------------------


def driven(url: URL) -> URL:
    """The URL with the driver that we use."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def prepare(engine: Engine) -> None:
    """Have each connection of the engine begin as we need it."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)


def _sqlite_connected(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    connection.create_function("autolog_like", 3, _sqlite_like, deterministic=True)
    connection.execute(f"PRAGMA busy_timeout = {BUSY}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _sqlite_like(value: str | None, pattern: str, ignore_case: int) -> bool:
    return value is not None and bool(like_pattern(pattern, bool(ignore_case)).match(value))


@contextlib.contextmanager
def transaction(connection: Connection, writes: bool) -> Iterator[None]:
    """A transaction, of which SQLite is told at its start whether it writes.

    One that reads first and writes then would fail there where another wrote in between.
    """
    with connection.begin():
        if connection.dialect.name == "sqlite":
            # Not by an event: with one each statement asks who listens, a tenth of a small write.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        yield


def begin_file(connection: Any) -> None:
    """Make a new SQLite file one that many processes use and that shrinks."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")


def snapshot(engine: Engine) -> dict[str, Any]:
    """Options of a transaction whose statements all see the same state."""
    if engine.dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ"}


def shrink(connection: Connection) -> None:
    """Give back to the file system what deleted rows took, outside of a transaction."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.executescript("PRAGMA incremental_vacuum")  # `execute` frees one page of many
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    elif connection.dialect.name == "postgresql":
        names = ("chunks", "series", "latest", "blob_parts")
        outside = connection.execution_options(isolation_level="AUTOCOMMIT")
        outside.exec_driver_sql("VACUUM " + ", ".join(f"autolog_{name}" for name in names))
