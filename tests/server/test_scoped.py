"""A bounded store answers as one that holds nothing else, whoever does the work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.memory import MemoryBackend
from autolog.backends.sql.backend import SqlBackend
from autolog.server.access import Principal, Role
from autolog.server.scoped import Experiments, Scoped
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autolog.backend import Backend
from autolog.query import Query
from autolog.records import Record
from autolog.search import answer
from autolog.store import Store
from autolog.testing._backend_search import queries, stories, told

WRITER = "1" * 32


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqlBackend]:
    backend = SqlBackend(f"sqlite:///{tmp_path}/runs.db")
    yield backend
    backend.close()


def scoped(backend: Backend, experiment: str = "one") -> Scoped:
    return Scoped(backend, Principal("me", Role.reader, experiment), Experiments(backend))


def ids(backend: Backend, query: Query) -> list[str]:
    return [run.id for run in answer(Store(backend), query)]


def opened(backend: Backend, run: str, **facts: Any) -> None:
    backend.write([Record(run * 32, WRITER, 0, 1.7e9, "run", "", {"name": run, **facts})])


@settings(
    max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
@given(stories, st.lists(queries, min_size=3, max_size=8), st.sampled_from(("one", "one/a", "x")))
def test_a_database_answers_as_the_reader_does(
    sqlite: SqlBackend, story: Any, asked: list[Query], experiment: str
) -> None:
    read = MemoryBackend("memory:scoped")
    for backend in (sqlite, read):
        for run in backend.run_ids():
            backend.delete(run)
    for batch in told(story, {}):
        for backend in (sqlite, read):
            backend.write(batch)
    mine, right = scoped(sqlite, experiment), scoped(read, experiment)
    for query in asked:
        assert ids(mine, query) == ids(right, query), query
    assert sorted(mine.run_ids()) == sorted(right.run_ids())
    assert Store(mine).experiments() == Store(right).experiments()


def test_the_database_has_the_bounds_in_its_question(sqlite: SqlBackend) -> None:
    for run, experiment in zip("abcd", ("one", "one/a", "one-b", "two"), strict=True):
        opened(sqlite, run, experiment=experiment)
    opened(sqlite, "e", experiment="one/a", parent="a" * 32)
    found = scoped(sqlite).search(Query(limit=10))
    assert found is not None
    assert found.exact
    assert {one.id[0] for one in found.runs} == set("abe")
    inner = sqlite.search(Query(limit=10, within=("one",)))
    assert inner is not None
    assert {one.id[0] for one in inner.runs} == set("abe")


def test_what_a_child_beyond_the_bounds_has_is_not_learned_by_its_parent(
    sqlite: SqlBackend,
) -> None:
    opened(sqlite, "a", experiment="one")
    opened(sqlite, "b", experiment="two", parent="a" * 32)
    sqlite.write([Record("b" * 32, WRITER, 1, 1.7e9, "metric", "secret", 0.5)])
    assert sorted(ids(sqlite, Query("metrics.secret = 0.5"))) == ["a" * 32, "b" * 32]
    assert ids(scoped(sqlite), Query("metrics.secret = 0.5")) == []
    assert ids(scoped(sqlite), Query("metrics.secret is null")) == ["a" * 32]
    (run,) = answer(Store(scoped(sqlite)), Query())
    assert dict(run.metrics) == {}
    assert list(run.children()) == []
