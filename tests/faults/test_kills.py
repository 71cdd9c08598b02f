"""Programs, and servers, that are killed at any moment: what was written arrives once."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import fault_site as parts
import pytest


def kill_clients(user: Any, kills: int, each_tenth: Any = lambda: None) -> None:
    """Begin to train and be killed within a second, again and again; then all has arrived."""
    chance = random.Random(7)
    for number in range(kills):
        program = user.begin(100_000)
        while len(user.journals()) <= number:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1))
        program.send_signal(signal.SIGKILL)
        program.communicate()
        if number % 10 == 9:
            each_tenth()
    user.sync()
    records = user.check()
    assert records > 8 * kills
    print(f"{kills} kills, {records} records, each once")


def number_of_kills(request: pytest.FixtureRequest) -> int:
    return 100 if request.config.getoption("--thorough") else 5


@pytest.mark.timeout(1800)
def test_clients_that_are_killed(site: Any, request: pytest.FixtureRequest) -> None:
    def restart() -> None:
        site.server.kill()
        site.server.start()

    kill_clients(site, number_of_kills(request), restart)


@pytest.mark.timeout(1800)
def test_clients_of_a_database_that_are_killed(
    store: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """They hold its connections and transactions themselves."""
    kill_clients(parts.User(tmp_path, store, store.uri), number_of_kills(request))


test_clients_of_a_database_that_are_killed.stores = (  # type: ignore[attr-defined]
    "sqlite",
    "postgresql",
)


def test_servers_that_are_killed(site: Any) -> None:
    """At any moment of four trainings."""
    chance, kills = random.Random(3), 0
    programs = [site.begin(20_000, AUTOLOG_EXIT_TIMEOUT="20") for _ in range(4)]
    site.under_way(*programs)
    while any(program.poll() is None for program in programs) and kills < 12:
        time.sleep(chance.uniform(0, 0.5))
        site.server.kill()
        kills += 1
        site.server.start()
        time.sleep(chance.uniform(0, 0.7))
    for program in programs:
        _, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
    site.sync()
    assert site.check() > 4 * 20_000
    assert kills > 4
