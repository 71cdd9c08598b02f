"""The index answers as the files would, whatever has happened to them or to it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog import index
from autolog.backend import Backend
from autolog.columns import columns
from autolog.errors import BackendError
from autolog.filters import text_of
from autolog.records import Record
from autolog.rendering.jsonform import run_json
from autolog.search import search
from autolog.store import Store

from .conftest import Story, Writer, run_id

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"filter": "metrics.loss > 0.5 or metrics.loss = nan", "order_by": "metrics.loss desc"},
    {"filter": "not metrics.loss > 0.5", "include_probable": True, "order_by": "metrics.loss"},
    {"filter": "params.C = 1 or params.C = '1' or params.C is null", "order_by": "params.C"},
    {"filter": "params.C > 9223372036854775807", "order_by": "params.C desc, name"},
    {"filter": "tags.who like '%e%' or status in ('running', 'lost', 'killed', 'failed')"},
    {"filter": "datasets.digest like 'full%' and datasets.role != 'test'", "limit": 3},
    {"filter": "datasets.name = 'X'", "experiment": "wine/demo"},
    {"filter": "duration > 0.5 and started > 0 and parent is null", "order_by": "duration"},
]

VALUES = [0, 1, 1.0, -0.0, 0.7, True, None, 2**63, -(2**70), float("nan"), float("inf"),
          "1", "", "a\0b", "\ud800", "\x1a", b"\xff", [1, [2**64]], {"$float": "x"}]  # fmt: skip
NUMBERS = [value for value in VALUES if isinstance(value, int | float)]


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH", 1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "autolog" / "index"


class Unversioned(LocalBackend):
    """A local store that is read whole for each question."""

    def versions(self, memo: Any = None) -> None:  # type: ignore[override]
        return None


def answers(root: Path, cache: Path | None = None) -> list[Any]:
    """All that searches can tell of the store, by the index in that cache folder or without."""
    if cache is None:
        return [_answer(Store(Unversioned(root)), question) for question in QUESTIONS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        return [_answer(Store(LocalBackend(root)), question) for question in QUESTIONS]


def _answer(store: Store, question: dict[str, Any]) -> Any:
    runs = search(store, **question)
    table = {name: [text_of(v) for v in values] for name, values in columns(runs).items()}
    whole = [json.dumps(run_json(run)) for run in runs]
    return whole, table, sorted(store.notes), sorted(store.backend.notes())


OFF = "/dev/null/none"


def settle(root: Path, moment: int) -> None:
    """Give every file that was changed just now a time long ago, another one at each step."""
    for path in root.rglob("journal-*"):
        if path.stat().st_mtime > 1.7e9:
            os.utime(path, (1.6e9 + moment, 1.6e9 + moment))


class Teller:
    """Changes a store at random, as programs and people do."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.root = root
        self.writers: list[Writer] = []

    def step(self) -> None:
        acts = [self.begin, self.begin, self.add, self.add, self.add, self.meddle]
        self.random.choice(acts if self.writers else [self.begin])()

    def begin(self) -> None:
        pick = self.random.choice
        story = Story(LocalBackend(self.root))
        story.now = 1.65e9
        runs = [writer.run for writer in self.writers]
        again = runs and pick([True, False, False])
        light = not again and pick([True, False])
        run = pick(runs) if again else self._hex(128)
        writer = story.run(run, writer=pick("12") * 32 if light else self._hex(128),
                           ago=self.random.random())  # fmt: skip
        facts = {"parent": pick([None, *runs]), "attempt": pick([1, 1, 2]), "light": light}
        writer.opens(pick(["a", "b", ""]), integration=pick([None, "sklearn"]), **facts)
        writer.backend.close()
        self.writers.append(writer)

    def _hex(self, bits: int) -> str:
        return f"{self.random.getrandbits(bits):0{bits // 4}x}"

    def add(self) -> None:
        pick = self.random.choice
        writer = pick(self.writers)
        writer.backend = LocalBackend(self.root)  # its folder may have got another name
        acts: list[Callable[[], Any]] = [
            lambda: writer("param", pick("CD"), pick(VALUES)),
            lambda: writer("tag", "who", pick(["me", "you", "\ud800"])),
            lambda: writer("metric", "loss", pick(NUMBERS), pick([None, 0, 1, 5]),
                           link=pick(["exact", "probable"])),
            lambda: writer("dataset", pick("XY"), pick(["odd", {"role": "train"},
                           {"role": "test", "digest": "full-v1:1"}])),
            lambda: writer.ends(pick(["finished", "failed"]), message="\ud800"),
        ]  # fmt: skip
        try:
            pick(acts)()
        except BackendError:
            self.writers.remove(writer)  # its journal was meddled with
        writer.backend.close()

    def meddle(self) -> None:
        pick = self.random.choice
        runs = [path for path in sorted(self.root.iterdir()) if path.is_dir()]
        run, journal = pick(runs), pick(sorted(self.root.rglob("journal-*")) or [self.root])
        copy = self.root / f"copy-{self._hex(16)}"
        acts: list[Callable[[], Any]] = [
            lambda: self.delete(pick(self.writers).run),
            lambda: run.name != "light" and run.rename(copy),
            lambda: shutil.copytree(run, copy),
            lambda: journal.is_file() and journal.write_bytes(journal.read_bytes()[:-3]),
            lambda: journal.is_file() and journal.write_bytes(
                journal.read_bytes().replace(b'"me"', b'"ne"')),
            lambda: journal.is_file() and journal.unlink(),
            lambda: run.name != "light" and shutil.rmtree(run),
            lambda: (self.root / self._hex(128)).mkdir(),
        ]  # fmt: skip
        pick(acts)()
        self.writers = [w for w in self.writers if self._stands(w)]

    def delete(self, run: str) -> None:
        backend = LocalBackend(self.root)
        if run in backend.run_ids():
            backend.delete(run)

    def _stands(self, writer: Writer) -> bool:
        """Whether the writer may go on: its journals are as it left them."""
        return LocalBackend(self.root).acked(writer.run).get(writer.writer) == writer.seq


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_searches_answer_with_the_index_as_without(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "autolog-runs")
        teller = Teller(root, seed)
        for moment in range(12):
            teller.step()
            settle(root, moment)
            plain = answers(root)
            assert answers(root, Path(folder, "cache")) == plain
            assert answers(root, Path(folder, "cache")) == plain
        assert list(Path(folder, "cache").rglob("index/*"))


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
