"""Names of metrics, params, … as numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select

from . import dialects
from .schema import names

Item = TypeVar("Item")
Name = tuple[str, str]
"""A kind (`metric`, `param`, …) and a key in wire form."""

MANY = 500
"""Values that one statement is given; databases take some thousands at most."""

_NAMES = select(names.c.digest, names.c.id).where(
    names.c.digest.in_(bindparam("some", expanding=True))
)


def in_pieces(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """At most `MANY` of the items at a time."""
    return (items[i : i + MANY] for i in range(0, len(items), MANY))


def digest_of(name: Name) -> str:
    """What finds the name: databases index no long texts."""
    return hashlib.sha256("\0".join(name).encode()).hexdigest()


def name_ids(connection: Connection, wanted: Iterable[Name]) -> dict[Name, int]:
    """The numbers of the names, which are made where they are missing."""
    by_digest = {digest_of(name): name for name in wanted}
    found = known_names(connection, by_digest)
    missing = sorted(set(by_digest) - {digest_of(name) for name in found})
    if missing:
        rows = [
            {"digest": digest, "kind": kind, "key": key, "forms": 0}
            for digest in missing
            for kind, key in [by_digest[digest]]
        ]
        connection.execute(dialects.insert_new(connection, names), rows)
        found |= known_names(connection, {digest: by_digest[digest] for digest in missing})
    return found


def known_names(connection: Connection, by_digest: dict[str, Name]) -> dict[Name, int]:
    """The numbers of those names that there are, by name."""
    found: dict[Name, int] = {}
    for piece in in_pieces(sorted(by_digest)):
        rows = connection.execute(_NAMES, {"some": piece})
        found |= {by_digest[digest]: name_id for digest, name_id in rows}
    return found
