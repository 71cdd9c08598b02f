"""Programs that are killed at any moment while they send: what they wrote arrives once."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

import pytest


@pytest.mark.timeout(1800)
def test_clients_that_are_killed(site: Any, request: pytest.FixtureRequest) -> None:
    kills = 100 if request.config.getoption("--thorough") else 5
    chance = random.Random(7)
    for number in range(kills):
        program = site.begin(100_000)
        while len(site.journals()) <= number:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1))
        program.send_signal(signal.SIGKILL)
        program.communicate()
        if number % 10 == 9:
            site.server.kill()
            site.server.start()
    site.sync()
    records = site.check()
    assert records > 8 * kills
    print(f"{kills} kills, {records} records, each once")
