"""Servers over each of the stores, and what a training comes to without us."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fault_site as parts
import pytest
from postgresql_cluster import Cluster, quick_cluster

STORES = ("local", "sqlite", "postgresql")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A PostgreSQL server that no test stops."""
    with quick_cluster() as cluster:
        yield cluster


@pytest.fixture
def own_cluster() -> Iterator[Any]:
    """A PostgreSQL server for one test."""
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of the kind that the test asks for, which nobody has written to."""
    if request.param == "postgresql":
        cluster = request.getfixturevalue("cluster")
        return parts.stores.PostgresqlStore(cluster, f"s{uuid.uuid4().hex}")
    kinds = {"local": parts.stores.LocalStore, "sqlite": parts.stores.SqliteStore}
    return kinds[request.param](tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a store runs over all of them, unless it names some."""
    if "store" in metafunc.fixturenames:
        kinds = getattr(metafunc.function, "stores", STORES)
        metafunc.parametrize("store", kinds, indirect=True)


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes servers over stores, each with a user; all are gone after the test."""
    with ExitStack() as ends:

        def make(store: Any, *words: str) -> Any:
            site = parts.Site(tmp_path, store, *words)
            ends.callback(lambda: site.server.kill())
            ends.callback(site.way.close)
            return site

        yield make


@pytest.fixture
def site(store: Any, make_site: Callable[..., Any]) -> Any:
    """A server and a user, for one test."""
    return make_site(store)


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the training comes to without us."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "train.py").write_text(parts.PROGRAM)
    out = subprocess.run(
        [sys.executable, "train.py", "3000"], env={**parts.ENV, "AUTOLOG": "0"}, cwd=folder,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = re.search(r"RESULT (\w+)", out)
    assert found is not None
    return found[1]
