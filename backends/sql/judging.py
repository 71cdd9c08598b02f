"""The status of runs that have no end: the reader's judgement, before the database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, get_args

from sqlalchemy import Connection, select

from autolog.filters import Node, matches
from autolog.records import Status
from autolog.status import status_of
from autolog.summary import unpack_summary

from .schema import runs

MANY = 2000
"""Open runs beyond which the reader judges those that it finds, and no others."""


def fitting(node: Node) -> Sequence[Status]:
    """The statuses for which a comparison of the status holds."""
    found: list[Status] = []
    for status in get_args(Status):
        run: Any = SimpleNamespace(status=status)
        if matches(node, run):
            found.append(status)
    return found


def judge(connection: Connection) -> dict[int, Status] | None:
    """The status of each run without an end; None where these are too many to be asked after."""
    query = select(runs.c.id, runs.c.brief).where(runs.c.outcome.is_(None), runs.c.records > 0)
    rows = connection.execute(query.limit(MANY + 1)).all()
    if len(rows) > MANY:
        return None
    return {row.id: status_of(unpack_summary(row.brief), None) for row in rows}
