"""The index answers as the files would, whatever has happened to them or to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend

from autolog import index
from autolog.backend import Backend
from autolog.columns import columns
from autolog.records import Record
from autolog.search import search
from autolog.store import Store

from .conftest import Story, run_id, settle

OFF = "/dev/null/none"


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH", 1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "autolog" / "index"


@pytest.fixture
def kept(told: Story, cache: Path) -> Story:
    """A store of three settled runs whose index is written."""
    told.run("a").opens("one").params({"C": 1}).metric("loss", 0.5).ends()
    told.run("b").opens("two", light=True).metric("loss", 0.75)("tag", "long", "x" * 400).ends()
    told.run("c").opens("three").metric("loss", 3.0, 2.0).ends("failed")
    told.backend.close()
    settle(Path(told.backend.uri), 1)
    search(Store(told.backend))
    assert len(list(cache.iterdir())) == 1
    return told


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read, one after another."""
    found: list[str] = []
    blocks = LocalBackend.blocks

    def told(self: LocalBackend, run: str) -> Any:
        found.append(run)
        return blocks(self, run)

    monkeypatch.setattr(LocalBackend, "blocks", told)
    return found


def anew(story: Story) -> Store:
    return Store(LocalBackend(story.backend.uri))


def test_what_has_not_changed_is_not_read_again(kept: Story, reads: list[str]) -> None:
    found = search(anew(kept), "metrics.loss > 0.6", order_by="metrics.loss")
    assert [(run.name, run.metrics["loss"]) for run in found] == [("two", 0.75), ("three", 2.0)]
    assert [run.status for run in found] == ["finished", "failed"]
    assert columns(found)["metrics.loss"] == [0.75, 2.0]
    assert reads == []
    assert found[1].series["loss"].count == 2
    assert reads == [run_id("c")]


def test_only_what_changed_is_read(kept: Story, reads: list[str]) -> None:
    kept.run("d", writer="9" * 32).opens("four").ends()
    kept.run("a", writer="8" * 32)("metric", "loss", 0.25)
    assert len(search(anew(kept))) == 4
    assert sorted(reads) == [run_id("a"), run_id("d")]


@pytest.mark.parametrize("run", ["a", "b"])
def test_an_edit_that_changes_no_size_is_seen(kept: Story, run: str) -> None:
    root = Path(kept.backend.uri)
    edited = [path for path in root.rglob("journal-*") if run_id(run) in path.read_text()]
    for moment, path in enumerate(edited):
        path.write_text(path.read_text().replace("0.5,", "9.5,").replace("0.75,", "9.75,"))
        path.write_text(path.read_text().replace("0.5]", "9.5]"))
        settle(root, 10 + moment)
    (found,) = search(anew(kept), "metrics.loss > 9")
    assert found.id == run_id(run)


def test_a_shared_journal_that_was_replaced_is_read_whole(kept: Story) -> None:
    root = Path(kept.backend.uri)
    (path,) = (root / "light").glob("journal-*")
    inode = path.stat().st_ino
    text = path.read_text().replace("two", "TWO").replace("0.75", "0.875")
    path.write_text(text + text.splitlines()[-1].replace("end", "new") + "\n")
    settle(root, 10)
    assert path.stat().st_ino == inode
    (found,) = search(anew(kept), "name = 'TWO'")
    assert found.metrics["loss"] == 0.875


def test_what_was_read_before_the_index_was_opened_is_not_kept(kept: Story) -> None:
    store = anew(kept)
    writer = kept.run("a", writer="8" * 32)
    assert store.folded(run_id("a")).series["loss"].value == 0.5
    writer("metric", "loss", 0.25)
    settle(Path(kept.backend.uri), 10)
    kept.run("d", writer="9" * 32).opens("four").ends()
    search(store)
    (found,) = search(anew(kept), "name = 'one'")
    assert found.metrics["loss"] == 0.25


def test_a_half_line_of_a_shared_journal_is_read_when_it_is_whole(kept: Story) -> None:
    root = Path(kept.backend.uri)
    (path,) = (root / "light").glob("journal-*")
    line = f'[4,{kept.now},"metric","loss",0.625,null,null,"{run_id("b")}"]\n'
    for moment, part in enumerate((line[:20], line[20:])):
        with path.open("a") as file:
            file.write(part)
        settle(root, 10 + moment)
        (found,) = search(anew(kept), "name = 'two'")
        assert found.metrics["loss"] == (0.75, 0.625)[moment]


def damages() -> dict[str, Callable[[bytes], bytes]]:
    def flip(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return {
        "empty": lambda data: b"",
        "short": lambda data: data[:-1],
        "head": lambda data: flip(data, 3),
        "sum": lambda data: flip(data, data.index(b"\n") + 2),
        "middle": lambda data: flip(data, len(data) // 2),
        "older": lambda data: data.replace(b"index 1\n", b"index 0\n", 1),
        "foreign": lambda data: b"PK\x03\x04" * 1000,
    }


@pytest.mark.parametrize("damage", list(damages()))
def test_a_damaged_index_is_made_anew(
    kept: Story, cache: Path, reads: list[str], damage: str
) -> None:
    (path,) = cache.iterdir()
    good = path.read_bytes()
    path.write_bytes(damages()[damage](good))
    assert len(search(anew(kept))) == 3
    assert len(reads) == 3
    assert len(path.read_bytes()) == len(good)
    assert len(search(anew(kept))) == 3
    assert len(reads) == 3


def test_another_store_s_index_is_not_believed(kept: Story, cache: Path, tmp_path: Path) -> None:
    (path,) = cache.iterdir()
    other = tmp_path / "other"
    Story(LocalBackend(other)).run("e").opens("else").ends()
    shutil.copy(path, index.Index(LocalBackend(other)).path)
    assert [run.name for run in search(Store(LocalBackend(other)))] == ["else"]


def test_reading_puts_nothing_into_the_store_and_needs_no_cache(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.run("a").opens("one").ends()
    root = Path(told.backend.uri)
    before = sorted(root.rglob("*"))
    monkeypatch.setenv("XDG_CACHE_HOME", OFF)
    for _ in range(2):
        assert [run.name for run in search(anew(told))] == ["one"]
    assert sorted(root.rglob("*")) == before


def test_a_small_store_gets_no_index(
    told: Story, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent.parent))
    told.run("a").opens("one").ends()
    search(anew(told))
    assert not cache.exists()


def test_what_could_not_be_read_is_said_each_time(kept: Story) -> None:
    root = Path(kept.backend.uri)
    (journal,) = (root / run_id("a")).glob("journal-*")
    with journal.open("ab") as file:
        file.write(b"rubbish\n")
    settle(root, 2)
    for _ in range(3):
        store = anew(kept)
        assert len(search(store)) == 3
        assert ["1 unreadable line" in note for note in store.backend.notes()] == [True]


def test_old_indexes_go(kept: Story, cache: Path) -> None:
    old = cache / ("0" * 32)
    old.write_bytes(b"")
    os.utime(old, (1e9, 1e9))
    kept.run("d", writer="9" * 32).opens("four").ends()
    search(anew(kept))
    assert not old.exists()
    assert len(list(cache.iterdir())) == 1


WAITS = """
    import sys, time
    from autolog import autolog
    autolog(backend=sys.argv[1])
    run = autolog.start_run("waits")
    run.__enter__()
    print("ready", flush=True)
    time.sleep(600)
"""


def test_whether_a_run_is_running_is_asked_anew(kept: Story) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WAITS), kept.backend.uri]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        settle(Path(kept.backend.uri), 3)
        for _ in range(2):
            (found,) = search(anew(kept), "status = 'running'")
            assert found.name == "waits"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert len(search(anew(kept), "status = 'running'")) == 0
    assert [run.name for run in search(anew(kept), "status = 'lost'")] == ["waits"]


def test_a_store_without_versions_is_read_each_time(story: Story, cache: Path) -> None:
    story.run("a").opens("one").ends()
    assert isinstance(story.backend, Backend)
    assert story.backend.versions() is None
    assert [run.name for run in search(Store(story.backend))] == ["one"]
    assert not cache.exists()


def test_a_run_with_12_000_names(told: Story, command: Any, tmp_path: Path) -> None:
    """Written, searched, listed, shown and exported."""
    count = 12_000
    run, writer, start = run_id("a"), "1" * 32, told.now - 60
    facts = {"name": "wide", "integration": "bench"}
    rows: list[tuple[Any, ...]] = [("run", "", facts)]
    rows += [("param", f"p{i}", i) for i in range(count)]
    rows += [("metric", f"m{i}", i / 2, step) for step in range(2) for i in range(count)]
    rows.append(("end", "", {"status": "finished"}))
    told.backend.write([Record(run, writer, i, start, *row) for i, row in enumerate(rows)])
    told.backend.close()
    (found,) = search(anew(told), f"metrics.m{count - 1} > 1 and params.p{count - 1} = {count - 1}")
    assert (len(found.params), len(found.metrics)) == (count, count)
    points = found.histories()
    assert len(points) == count
    assert [point.value for point in points["m7"]] == [3.5, 3.5]
    assert "wide" in command("ls")[1]
    _, shown, _ = command("show")
    assert f"… and {count - 10} more (-v)" in shown
    assert len(shown.splitlines()) < 40
    assert len(command("show", "-v")[1].splitlines()) > 2 * count
    target = tmp_path / "points.csv"
    assert command("export", "--points", "--to", str(target))[0] == 0
    assert len(target.read_text().splitlines()) == 2 * count + 1
