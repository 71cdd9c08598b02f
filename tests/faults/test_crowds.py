"""Many who send at once: batches twice and in any order, several servers over one database."""

from __future__ import annotations

import math
import random
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import fault_site as parts
import pytest

from autolog.errors import BackendError
from autolog.opening import open_backend
from autolog.records import Record

WRITERS = [(run * 32, writer * 32) for run in "ab" for writer in "123"]
BATCH, BATCHES = 50, 8


def records_of(run: str, writer: str) -> list[Record]:
    """What a writer has to say: its opening, facts, and points of three metrics."""
    found = [Record(run, writer, 0, 1.0, "run", "", {"name": "crowd", "attempt": 1})]
    for seq in range(1, BATCH * BATCHES):
        if seq % 10 == 0:
            found.append(Record(run, writer, seq, 1.0 + seq, "param", f"p{seq}", seq))
        else:
            value = {"$float": "nan"} if seq == 111 else math.sqrt(seq)
            found.append(Record(run, writer, seq, 1.0 + seq, "metric", f"m{seq % 3}", value, seq))
    return found


def send(uri: str, waiting: deque[list[Record]], hurry: threading.Event) -> None:
    """Send batches until none waits; one that is refused waits again."""
    backend = open_backend(uri)
    while True:
        try:
            batch = waiting.popleft()
        except IndexError:
            break
        try:
            backend.write(batch)
        except BackendError:
            waiting.append(batch)
            hurry.wait(0.01)  # what comes before it is with another thread, or the server is gone
    backend.close()


def test_batches_come_twice_and_in_any_order(site: Any) -> None:
    written = {run: [] for run, _ in WRITERS}  # type: dict[str, list[Record]]
    batches = []
    for run, writer in WRITERS:
        records = records_of(run, writer)
        written[run] += records
        batches += [records[at : at + BATCH] for at in range(0, len(records), BATCH)]
    batches += [a + b for a, b in pairwise(batches)]  # and over their bounds
    random.Random(5).shuffle(batches)
    waiting, hurry = deque(batches), threading.Event()
    threads = [threading.Thread(target=send, args=[site.uri, waiting, hurry]) for _ in range(6)]
    for thread in threads:
        thread.start()
    while not any(len(found) > BATCH for found in site.stored.records().values()):
        time.sleep(0.01)
    site.server.kill()
    assert waiting
    site.server.start()
    for thread in threads:
        thread.join()
    assert site.stored.records() == written
    backend = open_backend(site.uri)
    for run, records in written.items():
        found: dict[str, list[Record]] = {}
        for record in backend.records(run):
            found.setdefault(record.writer, []).append(record)
        assert [one for writer in sorted(found) for one in found[writer]] == records
    backend.close()


@pytest.fixture
def second(tmp_path: Path, store: Any) -> Iterator[Any]:
    """Another server over the same store."""
    server = parts.Server(tmp_path, store.uri)
    yield server
    server.kill()


def test_one_of_two_servers_over_a_database_is_killed(
    store: Any, second: Any, make_site: Callable[..., Any], result: str
) -> None:
    site = make_site(store, "--workers", "2")
    site.way.to.append(second.port)
    programs: list[subprocess.Popen[str]] = [site.begin() for _ in range(4)]
    site.under_way(*programs)
    site.server.kill()
    time.sleep(0.5)
    second.kill()
    site.server.start()
    time.sleep(0.5)
    second.start()
    for program in programs:
        out, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
        assert result in out
    site.sync()
    assert site.check() > 4 * 3000


test_one_of_two_servers_over_a_database_is_killed.stores = (  # type: ignore[attr-defined]
    "sqlite",
    "postgresql",
)
