"""The stores that a server stands over: where they are, how they are lost, what they hold.

What they hold is read by the databases' own drivers and from the bare files, by nothing of ours.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
import sql_oracles as oracles
from postgresql_cluster import Cluster

from autolog.records import Record

Records = dict[str, list[Record]]


def journalled(root: Path) -> Records:
    """By run what stands in whole lines of the journals below `root`, by writer and seq."""
    found: Records = {}
    for path in root.glob("*/journal-*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        told = json.loads(lines[0]) if lines else {}
        for line in lines[1:]:
            if line.endswith(b"]\n"):
                record = Record(told["run"], told["writer"], *json.loads(line))
                found.setdefault(record.run, []).append(record)
    for records in found.values():
        records.sort(key=lambda one: (one.writer, one.seq))
    return found


def kept(root: Path, run: str) -> dict[str, bytes]:
    """The artifacts of a run in a folder, whole ones alone."""
    folder = root / run / "artifacts"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("%tmp-")
    }


class LocalStore:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "served"
        self.uri = str(self.root)

    def records(self) -> Records:
        """All that is stored, by run."""
        return journalled(self.root)

    def files(self, run: str) -> dict[str, bytes]:
        """The artifacts of a run."""
        return kept(self.root, run)

    def empty(self) -> None:
        """Lose all."""
        shutil.rmtree(self.root)


class SqlStore:
    """Tables, by what asks the database."""

    def __init__(self, uri: str, ask: Any, contents: Path | None) -> None:
        self.uri, self.ask, self._contents = uri, ask, contents

    def records(self) -> Records:
        """All that is stored, by run."""
        runs = self.ask("SELECT run FROM autolog_runs WHERE records > 0", ())
        return {run: oracles.raw_records(self.ask, run) for (run,) in runs}

    def files(self, run: str) -> dict[str, bytes]:
        """The artifacts of a run."""
        query = """SELECT a.path FROM autolog_artifacts a JOIN autolog_runs r ON r.id = a.run_id
                   WHERE r.run = {mark}"""
        paths = [path for (path,) in self.ask(query, (run,))]
        return {path: oracles.raw_artifact(self.ask, self._contents, run, path) for path in paths}


class SqliteStore(SqlStore):
    """A file, and the folder of contents beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "runs.db"
        self.contents = folder / "runs.db.artifacts"
        ask = oracles.sqlite_asker(self.path)
        super().__init__(f"sqlite:///{self.path}", ask, self.contents)

    def empty(self) -> None:
        """Lose all."""
        for path in self.path.parent.glob("runs.db*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


class PostgresqlStore(SqlStore):
    """A schema of its own in a cluster."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.run(f"CREATE SCHEMA {name}")
        uri = f"{cluster.uri}&options=-csearch_path%3D{name}"
        super().__init__(uri, oracles.postgresql_asker(uri), None)

    def run(self, *statements: str) -> None:
        """Have the database's owner do something."""
        with psycopg.connect(self.cluster.uri, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def empty(self) -> None:
        """Lose all."""
        self.run(f"DROP SCHEMA {self.name} CASCADE", f"CREATE SCHEMA {self.name}")
