"""The stores of the SQL suites, read by the databases' own drivers and nothing of ours."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct
import zlib
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from autolog.backend import Backend
from autolog.records import Record

Ask = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_FACTS = """
SELECT w.writer, {first}, s.{body}
FROM autolog_runs r JOIN autolog_writers w ON w.run_id = r.id
JOIN autolog_{table} s ON s.writer_id = w.id
WHERE r.run = {mark} AND s.name_id = 0 AND s.{body} IS NOT NULL
"""
_POINTS = """
SELECT w.writer, n.key, s.{body}
FROM autolog_runs r JOIN autolog_writers w ON w.run_id = r.id
JOIN autolog_{table} s ON s.writer_id = w.id JOIN autolog_names n ON n.id = s.name_id
WHERE r.run = {mark} AND s.{body} IS NOT NULL
"""
_BODIES = (("chunks", "body"), ("series", "tail"))


def sqlite_asker(path: Path) -> Ask:
    """What asks a SQLite file."""

    def ask(query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(path)) as connection:
            if not connection.execute("SELECT name FROM sqlite_master").fetchall():
                return []  # the first write was rolled back, and the tables with it
            return connection.execute(query.format(mark="?"), values).fetchall()

    return ask


def postgresql_asker(uri: str) -> Ask:
    """What asks a PostgreSQL database."""

    def ask(query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with psycopg.connect(uri) as connection:
            (made,) = connection.execute(
                "SELECT to_regclass('autolog_runs') IS NOT NULL"
            ).fetchone()  # type: ignore[misc]
            if not made:
                return []  # the first write was rolled back, and the tables with it
            return connection.execute(query.format(mark="%s"), values).fetchall()

    return ask


class SqliteOracle:
    """Looks into the SQLite file that `path(backend)` names, and the folder beside it."""

    def path(self, backend: Backend) -> Path:
        raise NotImplementedError

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        return raw_records(sqlite_asker(self.path(backend)), run)

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        file = self.path(backend)
        return raw_artifact(sqlite_asker(file), Path(f"{file}.artifacts"), run, path)


class PostgresqlOracle:
    """Asks the PostgreSQL database at `database_of(backend)`."""

    def database_of(self, backend: Backend) -> str:
        raise NotImplementedError

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        return raw_records(postgresql_asker(self.database_of(backend)), run)

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        return raw_artifact(postgresql_asker(self.database_of(backend)), None, run, path)


def raw_records(ask: Ask, run: str) -> list[Record]:
    """The records of a run as the tables hold them."""
    found = []
    for table, body in _BODIES:
        names = {"table": table, "body": body, "mark": "{mark}"}
        for writer, _, data in ask(_FACTS.format(first="0", **names), (run,)):
            for line in zlib.decompress(bytes(data)).splitlines():
                found.append(Record(run, writer, *json.loads(line)))
        for writer, key, data in ask(_POINTS.format(**names), (run,)):
            found += _points(run, writer, key, zlib.decompress(bytes(data)))
    return sorted(found, key=lambda one: (one.writer, one.seq))


def _points(run: str, writer: str, key: str, data: bytes) -> list[Record]:
    columns, infos = msgspec.msgpack.decode(data)
    seqs, times, steps, values = (_column(form, held) for form, held in columns)
    known = dict(json.loads(infos))
    return [
        Record(run, writer, seq, time, "metric", key, value, step, known.get(place))
        for place, (seq, time, step, value) in enumerate(
            zip(seqs, times, steps, values, strict=True)
        )
    ]


def _column(form: int, held: Any) -> list[Any]:
    if form == 1:
        first, step, count = held
        return [first + step * place for place in range(count)]
    if form == 2:
        return list(accumulate(held))
    if form == 3:
        return list(json.loads(held))
    count = len(held) // 8
    raw = bytes(held[byte * count + place] for place in range(count) for byte in range(8))
    return [_wire(value) for value in struct.unpack(f"<{count}d", raw)]


def _wire(value: float) -> Any:
    if value != value:
        return {"$float": "nan"}
    return {"$float": str(value)} if value in (float("inf"), float("-inf")) else value


def raw_artifact(ask: Ask, folder: Path | None, run: str, path: str) -> bytes | None:
    """The bytes of an artifact, of the folder beside a database or of its table."""
    query = """
    SELECT a.digest FROM autolog_artifacts a JOIN autolog_runs r ON r.id = a.run_id
    WHERE r.run = {mark} AND a.path = {mark}
    """
    for (digest,) in ask(query, (run, path)):
        if folder is not None:
            return (folder / digest[:2] / digest).read_bytes()
        parts = "SELECT data FROM autolog_blob_parts WHERE digest = {mark} ORDER BY part"
        return b"".join(bytes(data) for (data,) in ask(parts, (digest,)))
    return None
