"""The revision of a store's tables: made by the first write, raised by `upgrade` alone."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, select, text

from autolog.errors import IncompatibleStore

from . import dialects
from .schema import SCHEMA, store, tables

if TYPE_CHECKING:
    from alembic.config import Config

TABLE = "autolog_schema"
"""Alembic's own table, under a name of ours: the database may hold other programs' tables."""
MIGRATIONS = Path(__file__).with_name("migrations")
_REVISION = text(f"SELECT version_num FROM {TABLE}")
FURTHER: tuple[Path, ...] = ()
"""Folders with further revisions; a test tries one."""


def exists(connection: Connection) -> bool:
    """Whether there is a store in the database."""
    return inspect(connection).has_table(TABLE)


def revision(connection: Connection) -> str:
    """The revision of the store's tables."""
    return str(connection.execute(_REVISION).scalar())


def check_readable(connection: Connection, uri: str) -> None:
    """Raise IncompatibleStore for tables that this autolog is too old for."""
    held = revision(connection)
    if not held.isdecimal() or int(held) > int(SCHEMA):
        by = connection.execute(select(store.c.value).where(store.c.key == "written_by")).scalar()
        raise IncompatibleStore(
            uri,
            f"has tables of schema {held}, made by autolog-ml {by}; this is "
            f"autolog-ml {own_version()}, which knows schema {SCHEMA}",
            f"install {by} or later",
        )


def check_writable(connection: Connection, uri: str) -> None:
    """As `check_readable`, and for tables that are older too."""
    check_readable(connection, uri)
    held = revision(connection)
    if held != SCHEMA:
        raise IncompatibleStore(
            uri,
            f"has tables of schema {held}, and schema {SCHEMA} is needed to write",
            f"run `autolog server upgrade-db --backend {uri}`, after a back-up; "
            "until then it can be read",
        )


def make(connection: Connection) -> None:
    """Make the tables, if nobody else was quicker."""
    dialects.lock_schema(connection)
    if not exists(connection):
        tables.create_all(connection)
        connection.execute(
            text(f"CREATE TABLE {TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        stamp = text(f"INSERT INTO {TABLE} (version_num) VALUES (:revision)")
        connection.execute(stamp, {"revision": SCHEMA})
        connection.execute(store.insert(), {"key": "written_by", "value": own_version()})


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, within the transaction of `connection`."""
    from alembic import command

    command.upgrade(_config(connection), "head")
    connection.execute(store.delete().where(store.c.key == "written_by"))
    connection.execute(store.insert(), {"key": "written_by", "value": own_version()})


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    places = (MIGRATIONS / "versions", *FURTHER)
    config.set_main_option("version_locations", os.pathsep.join(map(str, places)))
    config.attributes["connection"] = connection
    return config


def own_version() -> str:
    """The version of this autolog."""
    try:
        return version("autolog-ml")
    except PackageNotFoundError:
        return "unknown"
