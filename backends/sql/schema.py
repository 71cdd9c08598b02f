"""The tables. `docs/format.md` says what stands in them; decision 0010 says why."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT, VARCHAR

SCHEMA = "1"
"""The revision of these tables; `migrations/versions` leads from each to the next."""

SHORT = 200
"""Characters of a text that are held for filters and orders."""

Id = BigInteger().with_variant(Integer, "sqlite")
Bytes = LargeBinary().with_variant(LONGBLOB, "mysql", "mariadb")


def _text(length: int) -> String:
    """Text that is compared by code point, whatever the database's language is."""
    binary = VARCHAR(length, collation="utf8mb4_bin")
    return (
        String(length)
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(binary, "mysql", "mariadb")
    )


tables = MetaData()

store = Table(
    "autolog_store",
    tables,
    Column("key", _text(64), primary_key=True),
    Column("value", _text(SHORT), nullable=False),
    comment="Facts of the store: `written_by` is the autolog that made or upgraded the tables.",
)

runs = Table(
    "autolog_runs",
    tables,
    Column("id", Id, primary_key=True),
    Column("run", _text(32), nullable=False, unique=True),
    Column("records", BigInteger, nullable=False, default=0),
    Column("stale", Boolean, nullable=False, default=False),
    Column("brief", Bytes),
    Column("name", _text(SHORT)),
    Column("experiment", _text(SHORT)),
    Column("parent", _text(SHORT)),
    Column("trained", Boolean, nullable=False, default=False),
    Column("outcome", _text(16)),
    Column("started", Double),
    Column("ended", Double),
    Column("duration", Double),
    Column("first_seen", Double),
    Index("autolog_runs_first_seen", "first_seen"),
    Index("autolog_runs_experiment", "experiment", "first_seen"),
    Index("autolog_runs_parent", "parent"),
    Index("autolog_runs_outcome", "outcome"),
    Index("autolog_runs_stale", "stale"),
    comment="A row for each run; all after `records` follows from its records.",
    sqlite_autoincrement=True,
)

writers = Table(
    "autolog_writers",
    tables,
    Column("id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey(runs.c.id, ondelete="CASCADE"), nullable=False),
    Column("writer", _text(32), nullable=False),
    Column("held", BigInteger, nullable=False, default=0),
    Column("attempt", BigInteger, nullable=False, default=1),
    UniqueConstraint("run_id", "writer", name="autolog_writers_of_run"),
    comment="`held` records of each writer are stored, those of seq 0 to held - 1.",
    sqlite_autoincrement=True,
)

names = Table(
    "autolog_names",
    tables,
    Column("id", Id, primary_key=True),
    Column("digest", _text(64), nullable=False, unique=True),
    Column("kind", _text(16), nullable=False),
    Column("key", Text().with_variant(LONGTEXT, "mysql", "mariadb"), nullable=False),
    Column("forms", Integer, nullable=False, default=0),
    comment="What metrics, params, … are called; `forms` has a bit for each form met in latest.",
    sqlite_autoincrement=True,
)

series = Table(
    "autolog_series",
    tables,
    Column("writer_id", Id, ForeignKey(writers.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name_id", Id, primary_key=True, autoincrement=False),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("newest", Double),
    Column("stats", Bytes),
    Column("tail_first", BigInteger),
    Column("tail_count", Integer, nullable=False, default=0),
    Column("tail", Bytes),
    comment="The points of a metric (name_id 0: all other records) of a writer in an attempt.",
)

chunks = Table(
    "autolog_chunks",
    tables,
    Column("writer_id", Id, ForeignKey(writers.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name_id", Id, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("low_step", Double),
    Column("high_step", Double),
    Column("low_time", Double),
    Column("high_time", Double),
    Column("body", Bytes, nullable=False),
    comment="Records of a series before its tail, many in each row.",
)

latest = Table(
    "autolog_latest",
    tables,
    Column("run_id", Id, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name_id", Id, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("form", SmallInteger, nullable=False),
    Column("probable", Boolean, nullable=False, default=False),
    Column("num", Double),
    Column("text", _text(SHORT)),
    Index("autolog_latest_num", "name_id", "num", "run_id"),
    Index("autolog_latest_text", "name_id", "text", "run_id"),
    comment="What filters and orders ask for; an only child's values stand with its parent too.",
    sqlite_with_rowid=False,
)

blobs = Table(
    "autolog_blobs",
    tables,
    Column("digest", _text(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("place", _text(SHORT), nullable=False),
    Column("unused_since", Double),
    Index("autolog_blobs_unused", "unused_since"),
    comment="Contents of artifacts by SHA-256, and where they lie: `database`, `beside`, or a URL.",
)

artifacts = Table(
    "autolog_artifacts",
    tables,
    Column("run_id", Id, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("path_digest", _text(64), primary_key=True),
    Column("path", Text().with_variant(LONGTEXT, "mysql", "mariadb"), nullable=False),
    Column("digest", _text(64), ForeignKey(blobs.c.digest), nullable=False),
    Index("autolog_artifacts_digest", "digest"),
    comment="Which run has which content at which path.",
)

parts = Table(
    "autolog_blob_parts",
    tables,
    Column("digest", _text(64), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", Bytes, nullable=False),
    comment="Contents of artifacts that lie in the database itself, in pieces.",
)
