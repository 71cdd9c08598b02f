"""PostgreSQL is killed, under programs that write to it themselves and under a server."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fault_site as parts


def test_postgresql_is_killed_and_restarted(tmp_path: Path, own_cluster: Any, result: str) -> None:
    store = parts.stores.PostgresqlStore(own_cluster, "here")
    user = parts.User(tmp_path, store, store.uri)
    assert user.train(lambda: own_cluster.stop(signal.SIGQUIT)) == result  # as in a crash
    own_cluster.start()
    user.sync()
    assert user.check() > 3000


def test_postgresql_is_killed_under_a_server(
    own_cluster: Any, make_site: Callable[..., Any], result: str
) -> None:
    site = make_site(parts.stores.PostgresqlStore(own_cluster, "here"), "--workers", "2")
    server = site.server.process.pid
    found = []

    def fault() -> None:
        found.append(site.ready())
        own_cluster.stop(signal.SIGQUIT)
        found.append(site.ready())
        own_cluster.start()
        found.extend(site.ready() for _ in range(5))

    assert site.train(fault) == result
    assert found == [200, 503, *[200] * 5]
    site.sync()
    assert site.check() > 3000
    assert site.server.process.pid == server
    assert site.server.process.poll() is None
    log = site.server.log.read_text()
    assert "Traceback" not in log


def test_a_server_starts_before_its_database(
    own_cluster: Any, make_site: Callable[..., Any], result: str
) -> None:
    store = parts.stores.PostgresqlStore(own_cluster, "here")
    own_cluster.stop()
    site = make_site(store)
    assert "the store cannot be reached now" in site.server.log.read_text()
    assert site.ready() == 503
    assert site.train(own_cluster.start) == result
    assert site.ready() == 200
    site.sync()
    assert site.check() > 3000
