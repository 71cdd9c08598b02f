"""A run goes from store to store and comes home as it was: ids, records, files, answers."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_farm
import pytest
from autolog.backends.http import HttpBackend
from autolog.backends.local import LocalBackend
from autolog.backends.sql.backend import SqlBackend

from autolog.backend import Backend
from autolog.codec import escape_text, to_wire
from autolog.records import Record
from autolog.rendering.jsonform import run_json
from autolog.store import Store
from autolog.syncing import sync
from autolog.testing import _backend_parts as parts
from autolog.testing._backend_parts import exact
from autolog.view import RunView

RUN, BELOW, WRITER, OTHER = "a" * 32, "b" * 32, "1" * 32, "2" * 32
TOKEN = "autolog_test-token-of-the-farm"
FILES = {
    "model/MLmodel": b"flavors:\n",
    "model/big.bin": secrets.token_bytes(17_000_000),
    "empty": b"",
    "ü/ %.txt": b"text",
}


def story() -> Iterator[Record]:
    """Two runs with hard values and keys, two attempts, two writers, and what is no run of ours."""
    count = itertools.count()

    def one(kind: Any, key: str, value: Any, step: Any = None, **info: Any) -> Record:
        name = (RUN, WRITER, next(count), 1.7e9 + 0.1)
        return Record(*name, kind, escape_text(key), to_wire(value), step, to_wire(info) or None)

    facts = {"name": "r\ud800", "experiment": "wine/x", "attempt": 1, "host": "elsewhere"}
    yield one("run", "", facts)
    for key in parts.HARD_KEYS:
        yield one("param", key, key)
    for name, value in parts.HARD_VALUES.items():
        yield one("param", f"value {name}", value, set=True)
    for step, number in enumerate((1.0, float("nan"), float("inf"), -0.0, 2**70, 0.1)):
        yield one("metric", "loss", number, step, unit="epoch")
        yield one("metric", "loss", number, step)
    yield one("end", "", {"status": "killed"})
    for seq, (kind, value) in enumerate(
        (("run", {**facts, "attempt": 2}), ("metric", 3.0), ("end", {"status": "finished"}))
    ):
        key, step = ("loss", 2) if kind == "metric" else ("", None)
        yield Record(RUN, OTHER, seq, 1.7e9 + 9, kind, key, to_wire(value), step)  # type: ignore[arg-type]
    yield Record(BELOW, WRITER, 0, 1.7e9 + 1, "run", "", {"name": "below", "parent": RUN})


def files(store: Backend) -> dict[str, bytes]:
    found = {}
    for path in store.artifacts(RUN):
        with store.open_artifact(RUN, path) as stream:
            found[path] = stream.read()
    return found


def told(store: Backend) -> list[Any]:
    """What a reader is told of both runs."""
    return [run_json(RunView(Store(store), run), full=True) for run in (RUN, BELOW)]


def test_home_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_TOKEN", TOKEN)
    home = LocalBackend(tmp_path / "home")
    written = list(story())
    home.write(written)
    for path, data in FILES.items():
        with home.create_artifact(RUN, path) as stream:
            stream.write(data)
    with http_farm.farm(tmp_path / "farm", "sqlite") as address:
        way: list[Backend] = [
            home,
            SqlBackend(f"sqlite:///{tmp_path}/one.db"),
            HttpBackend(f"{address}/two"),
            LocalBackend(tmp_path / "three"),
            home,
        ]
        for source, target in itertools.pairwise(way):
            first = sync(source, target)
            assert (first.failed, first.refused) == ([], [])
            expected = (0, 0) if target is home else (len(written), len(FILES))
            assert (first.records, first.artifacts) == expected
            again = sync(source, target)
            assert (again.records, again.artifacts) == (0, 0)
        for store in way:
            assert sorted(store.run_ids()) == [RUN, BELOW]
            assert exact([*store.records(RUN), *store.records(BELOW)]) == exact(written)
            assert files(store) == FILES
            assert told(store) == told(home)
        for store in way[:-1]:
            store.close()
