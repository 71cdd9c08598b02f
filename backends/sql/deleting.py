"""Removing a run with all that only it has."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from .artifacts import mark_unused
from .refreshing import refresh
from .schema import artifacts, chunks, latest, runs, series, writers


def delete_run(connection: Connection, run: str) -> int | None:
    """Remove the run's rows; the bytes that this frees, None where there is no such run."""
    query = select(runs.c.id, runs.c.records, runs.c.parent, runs.c.brief)
    held = connection.execute(query.where(runs.c.run == run).with_for_update()).one_or_none()
    if held is None:
        return None
    own = artifacts.c.run_id == held.id
    digests = connection.execute(select(artifacts.c.digest).where(own)).scalars().all()
    if not held.records and not digests:
        return None
    freed = len(held.brief or b"") + _bytes(connection, held.id)
    _delete_rows(connection, held.id)
    if held.parent is not None:
        above = select(runs.c.id).where(runs.c.run == held.parent, runs.c.brief.is_not(None))
        refresh(connection, connection.execute(above).scalars().all())
    return freed + mark_unused(connection, digests)


def _bytes(connection: Connection, run_id: int) -> int:
    total = 0
    for table, body in ((chunks, chunks.c.body), (series, series.c.tail)):
        query = select(func.sum(func.length(body))).select_from(writers.join(table))
        total += int(connection.execute(query.where(writers.c.run_id == run_id)).scalar() or 0)
    return total


def _delete_rows(connection: Connection, run_id: int) -> None:
    own = select(writers.c.id).where(writers.c.run_id == run_id)
    for table in (chunks, series):
        connection.execute(table.delete().where(table.c.writer_id.in_(own)))
    for table in (writers, latest, artifacts):
        connection.execute(table.delete().where(table.c.run_id == run_id))
    connection.execute(runs.delete().where(runs.c.id == run_id))
