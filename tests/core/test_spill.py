"""Numbering, and what becomes of facts whose store fails."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from autolog.backends.memory import MemoryBackend

from autolog import journal, spill
from autolog.backend import Backend
from autolog.errors import BackendError
from autolog.records import Fact, Kind, Record
from autolog.reporting import notes
from autolog.spill import ResilientWriter, open_spill

RUN, OTHER = "a" * 32, "b" * 32
OPENING: Fact = (0.5, "run", "", {"name": "x"}, None, None)
FORK = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def fact(number: int, kind: Kind = "metric", value: Any = None) -> Fact:
    return (float(number), kind, f"k{number}", number if value is None else value, None, None)


class Failing(MemoryBackend):
    """A store in memory that fails on demand, after it has stored a prefix."""

    def __init__(self) -> None:
        super().__init__(f"memory:{secrets.token_hex(8)}")
        self.why: BaseException | None = None
        self.prefix = 0

    def write(self, batch: Sequence[Record]) -> None:
        super().write(batch if self.why is None else batch[: self.prefix])
        if self.why is not None:
            raise self.why


@pytest.fixture
def backend() -> Failing:
    return Failing()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, for one test alone."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def no_spill() -> Backend | None:
    return None


def by_writer(backend: Backend, run: str = RUN) -> list[list[Record]]:
    """The run's records, a list for each writer, by the time of its first fact."""
    found: dict[str, list[Record]] = {}
    for one in backend.records(run):
        found.setdefault(one.writer, []).append(one)
    for records in found.values():
        assert [one.seq for one in records] == list(range(len(records)))
    return list(found.values())


def numbers(records: Sequence[Record]) -> list[int]:
    return [int(one.time) for one in records if one.kind in ("metric", "param")]


# -- numbering -------------------------------------------------------------------------------


def test_facts_get_a_name_and_keep_their_content(backend: Failing) -> None:
    writer = ResilientWriter(backend, no_spill)
    facts: list[Fact] = [
        OPENING,
        (1.0, "metric", "loss", 0.5, 3, {"unit": "epoch"}),
        (2.0, "end", "", {"status": "finished"}, None, None),
    ]
    writer.append(RUN, facts[:2])
    writer.append(RUN, [])
    writer.append(OTHER, facts[:1])
    writer.append(RUN, facts[2:])
    expected = [Record(RUN, writer.writer, seq, *one) for seq, one in enumerate(facts)]
    assert list(backend.records(RUN)) == expected
    assert backend.acked(OTHER) == {writer.writer: 1}


def test_threads_number_without_gaps(backend: Failing) -> None:
    writer = ResilientWriter(backend, no_spill)

    def work(start: int) -> None:
        for number in range(start, start + 200):
            writer.append(RUN, [fact(number)])
            writer.append(f"{number:032x}", [OPENING])

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = by_writer(backend)
    assert sorted(numbers(found)) == [1000 * n + i for n in range(6) for i in range(200)]
    assert len(backend.run_ids()) == 1201


def test_an_ended_run_goes_on_where_it_was(
    backend: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "REMEMBERED", 2)
    writer = ResilientWriter(backend, no_spill)
    runs = [f"{n:032x}" for n in range(8)]
    for run in runs:
        writer.append(run, [OPENING, fact(1)])
        writer.forget(run)
    writer.forget(OTHER)
    for run in runs:
        writer.append(run, [fact(2)])
        writer.forget(run)
        writer.append(run, [fact(3)])
    for run in runs:
        (found,) = by_writer(backend, run)
        assert numbers(found) == [1, 2, 3]


@FORK
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_is_a_writer_of_its_own(store: Path) -> None:
    writer = ResilientWriter(LocalBackend(store), no_spill)
    light = {"name": "x", "light": True}
    writer.append(RUN, [OPENING, fact(1)])
    writer.append(OTHER, [(0.5, "run", "", light, None, None), fact(1)])
    for number in range(2, 5):
        child = os.fork()
        if child == 0:
            writer.append(RUN, [fact(10 * number)])
            writer.append(OTHER, [fact(10 * number)])
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        writer.append(RUN, [fact(number)])
    reader = LocalBackend(store)
    found = sorted(by_writer(reader), key=len)
    assert sorted(map(numbers, found)) == [[1, 2, 3, 4], [20], [30], [40]]
    assert all(records[0].kind == "run" for records in found)
    assert len(by_writer(reader, OTHER)) == 4
    assert not (store / OTHER).exists()


@pytest.mark.parametrize("prefix", [0, 1])
def test_an_interrupted_append_leaves_the_numbers_right(backend: Failing, prefix: int) -> None:
    writer = ResilientWriter(backend, no_spill)
    writer.append(RUN, [OPENING])
    backend.why, backend.prefix = KeyboardInterrupt(), prefix
    with pytest.raises(KeyboardInterrupt):
        writer.append(RUN, [fact(1)])
    backend.why = None
    writer.append(RUN, [fact(2)])
    (found,) = by_writer(backend)
    assert numbers(found) == [1, 2][1 - prefix :]


# -- a failing store -----------------------------------------------------------------------------


def test_a_run_goes_on_in_the_temporary_folder(
    tmp_path: Path, temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    writer = ResilientWriter(LocalBackend(tmp_path / "file"), open_spill)
    for number in range(1, 20):
        writer.append(RUN, [OPENING] if number == 1 else [fact(number)])
        writer.append(OTHER, [OPENING] if number == 1 else [fact(number)])
    (folder,) = temporary.iterdir()
    assert folder.name.startswith("autolog-spill-")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for run in (RUN, OTHER):
        (found,) = by_writer(LocalBackend(folder), run)
        assert found[0].kind == "run"
        assert numbers(found) == list(range(2, 20))
        assert writer.lost(run) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert str(folder) in lines[0]


def test_a_spill_that_fails_later_is_self_contained(backend: Failing) -> None:
    other = Failing()
    writer = ResilientWriter(backend, lambda: other)
    writer.append(RUN, [OPENING, fact(1)])
    backend.why = BackendError("no space left")
    writer.append(RUN, [fact(2)])
    writer.append(RUN, [fact(3), fact(4)])
    writer.forget(RUN)
    writer.append(RUN, [fact(5)])
    (first,), (second,) = by_writer(backend), by_writer(other)
    assert numbers(first) == [1]
    assert numbers(second) == [2, 3, 4, 5]
    assert second[0].value == first[0].value == {"name": "x"}
    assert second[0].writer != first[0].writer
    assert "no space left" in notes()[0].text


@pytest.mark.parametrize("prefix", [0, 1, 2, 3])
def test_a_prefix_that_was_stored_is_not_stored_twice(backend: Failing, prefix: int) -> None:
    other = Failing()
    writer = ResilientWriter(backend, lambda: other)
    writer.append(RUN, [OPENING])
    backend.why, backend.prefix = BackendError("broken pipe"), prefix
    writer.append(RUN, [fact(1), fact(2), fact(3)])
    backend.prefix = 0
    writer.append(RUN, [fact(4)])
    stored = [n for store in (backend, other) for found in by_writer(store) for n in numbers(found)]
    assert sorted(stored) == [1, 2, 3, 4]


def test_what_is_lost_is_counted_and_told(
    backend: Failing, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    writer = ResilientWriter(backend, no_spill)
    writer.append(RUN, [OPENING, fact(1)])
    backend.why = BackendError("no space left")
    for number in range(2, 12):
        writer.append(RUN, [fact(number)])
        clock[0] += 0.3
    assert writer.lost(RUN) == 10
    backend.why = None
    clock[0] += 10
    writer.append(RUN, [fact(12)])
    writer.append(RUN, [fact(13)])
    assert writer.lost(RUN) == 0
    second = next(found for found in by_writer(backend) if numbers(found) != [1])
    assert [one.kind for one in second] == ["run", "system", "metric", "metric"]
    assert second[1].key == "autolog.lost"
    assert second[1].value == {"records": 10, "error": "no space left"}
    assert numbers(second) == [12, 13]
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "lost" in lines[0]


def test_one_bad_fact_does_not_hold_up_the_others(backend: Failing) -> None:
    writer = ResilientWriter(backend, no_spill)
    writer.append(RUN, [OPENING, fact(1)])
    writer.append(RUN, [fact(2), fact(3, value=object()), fact(4)])
    writer.append(RUN, [fact(5, value="\ud800")])
    writer.append(RUN, [fact(6)])
    found = by_writer(backend)
    assert sorted(n for records in found for n in numbers(records)) == [1, 2, 4, 6]
    lost = [one.value["records"] for records in found for one in records if one.kind == "system"]
    assert sum(lost) == 2


def test_a_bug_of_a_store_is_raised_in_tests_alone(
    backend: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Failing()
    writer = ResilientWriter(backend, lambda: other)
    backend.why = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        writer.append(RUN, [OPENING, fact(1)])
    monkeypatch.delenv("AUTOLOG_STRICT")
    writer.append(OTHER, [OPENING, fact(1)])
    for run in (RUN, OTHER):
        assert [numbers(found) for found in by_writer(other, run)] == [[1]]


def test_a_spill_that_cannot_be_made_is_no_error(backend: Failing) -> None:
    def fails() -> Backend | None:
        raise OSError("no temporary folder")

    writer = ResilientWriter(backend, fails)
    backend.why = BackendError("no space left")
    writer.append(RUN, [OPENING, fact(1)])
    assert writer.lost(RUN) == 2


def test_nobody_else_can_lay_out_the_spill(temporary: Path) -> None:
    folder = temporary / f"autolog-spill-{os.getuid()}-{os.getpid()}"
    (temporary / "theirs").mkdir()
    folder.symlink_to(temporary / "theirs")
    found = open_spill()
    assert found is not None
    assert found.uri != str(folder)
    assert stat.S_IMODE(Path(found.uri).stat().st_mode) == 0o700
    folder.unlink()
    folder.mkdir(mode=0o755)
    other = open_spill()
    assert other is not None
    assert other.uri not in (str(folder), found.uri)


# -- real disks ------------------------------------------------------------------------------------


def _fill(root: Path, limit: int, count: int) -> None:
    """In a child: append `count` facts where no file may grow beyond `limit` bytes."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    writer = ResilientWriter(LocalBackend(root), no_spill)
    writer.append(RUN, [OPENING])
    for number in range(count):
        writer.append(RUN, [fact(number)])
    os._exit(0 if writer.lost(RUN) == 0 else 1)


@FORK
@pytest.mark.skipif(os.name == "nt", reason="no RLIMIT_FSIZE on this system")
def test_files_that_may_not_grow_lose_nothing(store: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=_fill, args=(store, 1500, 400))
    child.start()
    child.join()
    assert child.exitcode == 0
    reader = LocalBackend(store)
    found = by_writer(reader)
    assert len(found) > 5
    assert sorted(n for records in found for n in numbers(records)) == list(range(400))
    assert reader.notes() == []


@pytest.mark.parametrize("gone", [lambda root: root / RUN, lambda root: root])
def test_a_vanished_folder_does_not_stop_the_run(
    store: Path,
    gone: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(journal, "CHECK_EVERY", -1.0)
    writer = ResilientWriter(LocalBackend(store), no_spill)
    writer.append(RUN, [OPENING, fact(1)])
    shutil.rmtree(gone(store))
    writer.append(RUN, [fact(2)])
    writer.append(RUN, [fact(3)])
    (found,) = by_writer(LocalBackend(store))
    assert [one.kind for one in found] == ["run", "system", "metric", "metric"]
    assert found[1].value["records"] == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_that_was_deleted_while_it_is_written_begins_anew(store: Path) -> None:
    backend = LocalBackend(store)
    writer = ResilientWriter(backend, no_spill)
    writer.append(RUN, [OPENING, fact(1)])
    backend.delete(RUN)
    writer.append(RUN, [fact(2)])
    (found,) = by_writer(LocalBackend(store))
    assert [one.kind for one in found] == ["run", "system", "metric"]
    assert found[1].value["records"] == 2
