"""The append-only file: what is written, what a failing disk leaves, what a reader makes of it."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolog import journal as journal_module
from autolog.errors import BackendError
from autolog.journal import JournalWriter, encode_record
from autolog.journal_read import Line, contiguous, in_order, read_journal
from autolog.records import Record
from autolog.testing._backend_parts import exact, record, series

RUN, WRITER = "a" * 32, "1" * 32


def journal(path: Path, run: str | None = RUN) -> JournalWriter:
    return JournalWriter(path, run, WRITER)


def seqs(path: Path) -> list[int]:
    return [one.seq for one in read_journal(path).records()]


def test_the_file_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = journal(path)
    assert not path.exists()
    writer.append([Record(RUN, WRITER, 0, 1.5, "param", "C", 1.0, None, {"set": True})])
    writer.append([Record(RUN, WRITER, 1, 2.5, "metric", "loss", 0.5, 3)])
    writer.append([Record(RUN, WRITER, 2, 3.5, "tag", "t", None)])
    assert path.read_text("utf-8").splitlines() == [
        f'{{"autolog":1,"run":"{RUN}","writer":"{WRITER}"}}',
        '[0,1.5,"param","C",1.0,null,{"set":true}]',
        '[1,2.5,"metric","loss",0.5,3]',
        '[2,3.5,"tag","t",null]',
    ]


def test_a_shared_journal_names_the_run_in_each_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    sent = [record("b" * 32, WRITER, 0), record("c" * 32, WRITER, 0)]
    journal(path, None).append(sent)
    header, first, _ = path.read_text("utf-8").splitlines()
    assert json.loads(header)["run"] is None
    assert json.loads(first)[7] == "b" * 32
    assert exact(read_journal(path).records()) == exact(sent)


def test_header_and_first_record_are_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    real = os.write

    def spy(fd: int, data: bytes) -> int:
        written.append(data)
        return real(fd, data)

    monkeypatch.setattr(os, "write", spy)
    writer = journal(tmp_path / "journal.jsonl")
    writer.append(series(RUN, WRITER, 0, 3))
    writer.append(series(RUN, WRITER, 3, 4))
    assert [data.count(b"\n") for data in written] == [4, 1]


def test_it_goes_on_after_close(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = journal(path)
    for seq in range(3):
        writer.append(series(RUN, WRITER, seq, seq + 1))
        writer.sync()
        writer.close()
    assert exact(read_journal(path).records()) == exact(series(RUN, WRITER, 0, 3))


def test_a_missing_folder_is_an_error_of_the_store(tmp_path: Path) -> None:
    writer = journal(tmp_path / "missing" / "journal.jsonl")
    with pytest.raises(BackendError, match="No such file"):
        writer.append(series(RUN, WRITER, 0, 1))
    (tmp_path / "missing").mkdir()
    with pytest.raises(BackendError, match="closed after"):
        writer.append(series(RUN, WRITER, 0, 1))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_an_error_of_the_store() -> None:
    writer = journal(Path("/dev/full"))
    with pytest.raises(BackendError, match=os.strerror(errno.ENOSPC)):
        writer.append(series(RUN, WRITER, 0, 1))
    with pytest.raises(BackendError, match="closed after"):
        writer.append(series(RUN, WRITER, 0, 1))


def _limited(path: Path, limit: int) -> None:
    """In a child: append until the file may not grow, then exit with the count of appends."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    writer = journal(path)
    done = 0
    try:
        while done < 100:
            writer.append(series(RUN, WRITER, done, done + 1))
            done += 1
    except BackendError:
        os._exit(done)
    os._exit(255)


@pytest.mark.skipif(os.name == "nt", reason="no RLIMIT_FSIZE on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("limit", [300, 301, 333, 350, 1000])
def test_a_short_write_is_cut_back(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "journal.jsonl"
    child = multiprocessing.get_context("fork").Process(target=_limited, args=(path, limit))
    child.start()
    child.join()
    assert child.exitcode is not None
    assert 0 < child.exitcode < 100
    assert path.read_bytes().endswith(b"\n")
    assert exact(read_journal(path).records()) == exact(series(RUN, WRITER, 0, child.exitcode))


def test_a_removed_file_closes_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "CHECK_EVERY", -1.0)
    folder = tmp_path / "run"
    for close in (False, True):
        writer = JournalWriter(folder / "journal.jsonl", RUN, WRITER, Path.mkdir)
        writer.append(series(RUN, WRITER, 0, 2))
        if close:
            writer.close()
        shutil.rmtree(folder)
        for _ in range(2):
            with pytest.raises(BackendError, match=r"removed|No such file"):
                writer.append(series(RUN, WRITER, 2, 4))
        shutil.rmtree(folder, ignore_errors=True)


def test_a_moved_file_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "CHECK_EVERY", -1.0)
    writer = journal(tmp_path / "a.jsonl")
    writer.append(series(RUN, WRITER, 0, 2))
    (tmp_path / "a.jsonl").rename(tmp_path / "b.jsonl")
    writer.append(series(RUN, WRITER, 2, 4))
    assert seqs(tmp_path / "b.jsonl") == [0, 1, 2, 3]


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "rb"])
def test_a_descriptor_that_now_means_another_file_is_let_go(tmp_path: Path, mode: str) -> None:
    (tmp_path / "other").write_bytes(b"mine")
    writer = journal(tmp_path / "a.jsonl")
    writer.append(series(RUN, WRITER, 0, 1))
    number = writer.fd
    with (tmp_path / "other").open(mode) as other:
        os.dup2(other.fileno(), number)
        writer.append(series(RUN, WRITER, 1, 2))
        os.dup2(other.fileno(), number)
        writer.close()
        os.close(number)  # nobody else has closed it
    assert (tmp_path / "other").read_bytes() == (b"" if mode == "wb" else b"mine")
    assert seqs(tmp_path / "a.jsonl") == [0, 1]


def test_a_closed_descriptor_is_no_loss(tmp_path: Path) -> None:
    writer = journal(tmp_path / "a.jsonl")
    writer.append(series(RUN, WRITER, 0, 1))
    os.close(writer.fd)
    writer.append(series(RUN, WRITER, 1, 2))
    assert seqs(tmp_path / "a.jsonl") == [0, 1]


def test_a_journal_never_takes_the_place_of_a_standard_stream(tmp_path: Path) -> None:
    program = f"""
import os, sys
os.close(0); os.close(1)
from autolog.journal import JournalWriter
from autolog.records import Record
from pathlib import Path
writer = JournalWriter(Path({str(tmp_path / "a.jsonl")!r}), {RUN!r}, {WRITER!r})
writer.append([Record({RUN!r}, {WRITER!r}, 0, 1.0, "metric", "m", 1)])
assert writer.fd > 2, writer.fd
assert not os.get_inheritable(writer.fd)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert seqs(tmp_path / "a.jsonl") == [0]


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A journal of 1,000 records."""
    path = tmp_path / "journal.jsonl"
    journal(path).append(series(RUN, WRITER, 0, 1000))
    return path


@pytest.mark.parametrize(
    ("damage", "kept", "note"),
    [
        (lambda data: data[:-3], 999, "torn last line"),
        (lambda data: data[:-1], 1000, None),
        (lambda data: data + b"\x00" * 5000, 1000, "torn last line"),
        (lambda data: data + b"\x00" * 50 + b"\n", 1000, "1 unreadable line passed over"),
        (lambda data: data.replace(b'"metric"', b"", 2), 998, "2 unreadable lines passed over"),
        (lambda data: data.replace(b"\n[5,", b"\n\xff\xfe[5,"), 999, "1 unreadable line"),
        (lambda data: data.replace(b"\n[5,", b"\n\n\n[5,"), 1000, None),
        (lambda data: data.replace(b"\n[5,", b"\n" + b"[" * 100_000 + b"5,"), 999, "1 unreadable"),
        (lambda data: data.replace(b"[7,", b'["7",').replace(b"[8,", b"{8,"), 998, "2 unreadable"),
        (lambda data: data.replace(b"[9,", b'["a":1,\n'), 999, "2 unreadable lines"),
        (lambda data: data[:40], 0, "no journal"),
        (lambda data: b"PK\x03\x04" + data, 0, "no journal"),
        (lambda data: b"x" * 10_000_000, 0, "no journal"),
        (lambda data: b"", 0, None),
        (lambda data: data.replace(b'"autolog":1', b'"autolog":2', 1), 0, "format 2"),
        (lambda data: data.replace(RUN.encode(), b"../../etc", 1), 0, "no ids"),
    ],
)
def test_damage_hides_itself_alone(
    full: Path, damage: Callable[[bytes], bytes], kept: int, note: str | None
) -> None:
    full.write_bytes(damage(full.read_bytes()))
    found = read_journal(full)
    assert len(list(found.records())) == kept
    assert len(list(found.records())) == kept
    assert len(found.notes) == (note is not None)
    assert note is None or note in found.notes[0]


def test_a_newer_autolog_may_add_kinds_and_items(full: Path) -> None:
    with full.open("ab") as file:
        file.write(b'[1000,1.0,"novelty","k",{"x":1},null,null,null,"more",{"and":"more"}]\n')
    *_, last = read_journal(full).records()
    assert (last.kind, last.value) == ("novelty", {"x": 1})


def test_an_append_after_a_torn_line_does_not_melt_into_it(full: Path) -> None:
    full.write_bytes(full.read_bytes()[:-3])
    journal(full).append(series(RUN, WRITER, 999, 1001))
    found = read_journal(full)
    assert exact(found.records()) == exact(series(RUN, WRITER, 0, 1001))
    assert "1 unreadable line" in found.notes[0]


@pytest.mark.parametrize("size", [1 << 18, (1 << 18) - 1, (1 << 18) + 1, 3 << 18])
def test_lines_across_block_boundaries(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal.jsonl"
    sent = [record(RUN, WRITER, seq, "x" * size) for seq in range(3)]
    writer = journal(path)
    writer.append(sent)
    writer.append(series(RUN, WRITER, 3, 20_000))
    assert exact(read_journal(path).records()) == exact([*sent, *series(RUN, WRITER, 3, 20_000)])


def test_a_record_that_is_not_in_wire_form_leaves_the_file_alone(tmp_path: Path) -> None:
    writer = journal(tmp_path / "journal.jsonl")
    with pytest.raises(BackendError, match="'bad' is not in wire form"):
        writer.append([record(RUN, WRITER, 0), Record(RUN, WRITER, 1, 0.0, "tag", "bad", {1j})])
    assert not (tmp_path / "journal.jsonl").exists()
    writer.append(series(RUN, WRITER, 0, 1))
    assert seqs(tmp_path / "journal.jsonl") == [0]


@given(st.lists(st.integers(0, 12)))
def test_order_and_contiguity(numbers: list[int]) -> None:
    notes: list[str] = []
    blocks = [[Line(n, 0.0, "tag") for n in numbers[i : i + 3]] for i in range(0, len(numbers), 3)]
    found = [line.seq for lines in in_order(blocks, notes.append) for line in lines]
    assert found == sorted(set(found)) == found
    held = contiguous(numbers)
    assert set(range(held)) <= set(numbers)
    assert held not in numbers
    assert set(found) >= set(range(held))
    if sorted(numbers) == numbers:
        assert set(found) == set(numbers)
        assert bool(notes) == (held != len(set(numbers)))


def test_lines_hold_no_trailing_nulls() -> None:
    assert encode_record(record(RUN, WRITER, 0, None, key="k")).count(b"null") == 1
