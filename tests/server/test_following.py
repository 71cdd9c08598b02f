"""Followers of a run: what they get, and that the store is not read anew for each of them."""

from __future__ import annotations

import asyncio
import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from autolog.backends.sql import reading
from autolog.backends.sql.backend import SqlBackend
from autolog.server import following
from autolog.server.following import Parts

from autolog.errors import NotFound
from autolog.records import Block, Record

RUN, WRITER, OTHER = "a" * 32, "1" * 32, "2" * 32


def series(start: int, stop: int, writer: str = WRITER) -> list[Record]:
    return [
        Record(RUN, writer, i, 1.7e9 + i, "metric", "loss", i / 3, i) for i in range(start, stop)
    ]


class Counting(LocalBackend):
    """Counts how often it is asked, and what it gives."""

    asked = given = 0

    def blocks_since(self, run: str, seen: Any) -> Any:
        self.asked += 1
        for block in super().blocks_since(run, seen):
            self.given += len(block.entries)
            yield block

    def blocks(self, run: str) -> Any:
        raise AssertionError("the run is read anew")


def test_two_hundred_followers_are_one_reader(tmp_path: Path) -> None:
    store = Counting(tmp_path / "runs")
    store.write(series(0, 5000))
    parts = Parts()

    async def follow() -> int:
        seen: dict[str, int] = {}
        while (part := await parts.after(store, "", RUN, seen)).more:
            seen = part.seen
        return part.seen[WRITER]

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(follow() for _ in range(200)))

    assert set(asyncio.run(all_of_them())) == {5000}
    assert store.asked < 20
    assert store.given < 10_000


def test_what_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalBackend(tmp_path / "runs")
    store.write(series(0, 50_000))
    assert sum(len(block.entries) for block in store.blocks_since(RUN, {})) == 50_000
    decoded: list[int] = []
    from autolog.backends import _local_following as local

    real = local.decode_lines

    def counted(data: bytes) -> Any:
        decoded.append(len(data))
        return real(data)

    monkeypatch.setattr(local, "decode_lines", counted)
    store.write(series(50_000, 50_001))
    (block,) = store.blocks_since(RUN, {WRITER: 50_000})
    assert [one.seq for one in block.entries] == [50_000]
    assert sum(decoded) <= 2 * local.BLOCK
    decoded.clear()
    assert list(store.blocks_since(RUN, {WRITER: 50_001})) == []
    assert sum(decoded) <= local.BLOCK


def test_a_journal_that_is_replaced_or_copied_is_read_as_it_is(tmp_path: Path) -> None:
    store = LocalBackend(tmp_path / "runs")
    store.write(series(0, 1000))
    assert sum(len(block.entries) for block in store.blocks_since(RUN, {})) == 1000
    store.delete(RUN)
    LocalBackend(tmp_path / "runs").write(series(0, 10))
    assert sum(len(block.entries) for block in store.blocks_since(RUN, {})) == 10
    import shutil

    shutil.copytree(tmp_path / "runs" / RUN, tmp_path / "runs" / "copy")
    again = LocalBackend(tmp_path / "runs")
    assert sum(len(block.entries) for block in again.blocks_since(RUN, {WRITER: 4})) == 6
    with pytest.raises(NotFound):
        list(again.blocks_since("b" * 32, {}))


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_database_gives_its_pieces_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(reading, "PAGE", size)
    store = SqlBackend(f"sqlite:///{tmp_path}/runs.db")
    written = [
        Record(RUN, writer, i, 1.7e9, "metric", f"m{i % 5 and i % 11}", i / 3, i)
        for writer in (WRITER, OTHER)
        for i in range(3000)
    ]
    for start in range(0, 6000, 500):
        store.write(written[start : start + 500])
    for seen in ({}, {WRITER: 2999}, {WRITER: 1234, OTHER: 10}, {WRITER: 3000, OTHER: 3000}):
        found: list[Block] = [*store.blocks_since(RUN, seen)]
        names = [(writer, one.seq) for writer, entries in found for one in entries]
        assert sorted(names, key=lambda name: name[0]) == [
            (one.writer, one.seq) for one in written if one.seq >= seen.get(one.writer, 0)
        ]
    store.close()


def test_a_run_that_goes_on_is_followed_on(served: Any, tools: Any) -> None:
    """The end of one writer, or of one attempt, is not that of the stream."""
    run = "5" * 32
    served.send(tools.opening(run), tools.record(run, 1, "end", {"status": "killed"}))
    again = {**tools.opening(run), "writer": OTHER, "time": 1.7e9 + 10}
    served.send(again)
    client = http.client.HTTPConnection(served.host, served.port, timeout=30)
    client.request(
        "GET", f"/api/v1/runs/{run}/events", headers={"Authorization": f"Bearer {served.token}"}
    )
    answer = client.getresponse()

    def event() -> dict[str, str]:
        lines = iter(lambda: answer.readline().decode().rstrip("\n"), "")
        return dict(line.split(": ", 1) for line in lines)

    assert [json.loads(event()["data"])["kind"] for _ in range(3)] == ["run", "end", "run"]
    more = tools.record(run, 1, "metric", 0.5, "loss", step=1)
    served.send({**more, "writer": OTHER, "time": 1.7e9 + 11})
    found = event()
    assert json.loads(found["data"])["key"] == "loss"
    assert json.loads(found["id"]) == {WRITER: 2, OTHER: 2}
    end = tools.record(run, 2, "end", {"status": "finished"})
    served.send({**end, "writer": OTHER, "time": 1.7e9 + 12})
    last = event()
    assert json.loads(last["data"])["kind"] == "end"
    assert event() == {"event": "end", "data": "{}"}
    assert answer.read() == b""
    client.close()
    told = served.get(f"/runs/{run}/events", Last_Event_ID=last["id"]).body
    assert told == b"event: end\ndata: {}\n\n"  # who comes again is told that it is over


def test_a_long_run_comes_in_parts(served: Any, tools: Any) -> None:
    run = "6" * 32
    count = 5 * following.MOST // 2
    points = [tools.record(run, i, "metric", 0.5, "loss", step=i) for i in range(1, count)]
    served.send(tools.opening(run), *points, tools.record(run, count, "end", {"status": "ok"}))
    told = served.get(f"/runs/{run}/events").body
    assert told.count(b"\nid: ") + told.startswith(b"id: ") == count + 1
    assert told.endswith(b"event: end\ndata: {}\n\n")
