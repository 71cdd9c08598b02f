"""The local store within its process: descriptors, forks, interruptions, what reaches the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from autolog.backends import _local_syncing, _local_writing
from autolog.backends.local import LocalBackend

from autolog.records import Record
from autolog.testing._backend_parts import exact, fork_writes, light_series, record, series

RUN, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
ONE, TWO = "1" * 32, "2" * 32
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def backend(store: Path) -> LocalBackend:
    return LocalBackend(store)


def journals_open(store: Path) -> int:
    folder = Path("/proc/self/fd")
    targets = []
    for entry in folder.iterdir():
        try:
            targets.append(entry.readlink())
        except FileNotFoundError:
            continue
    return sum(target.is_relative_to(store) for target in targets)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc on this system")
def test_descriptors_are_few_and_none_leaks(backend: LocalBackend) -> None:
    runs = [f"{n:032x}" for n in range(3 * _local_writing.MAX_OPEN)]
    for seq in range(3):
        for run in runs:
            backend.write(series(run, ONE, seq, seq + 1))
        assert journals_open(backend.root) == _local_writing.MAX_OPEN
    for run in runs:
        backend.write([record(run, ONE, 3, {}, kind="end", key="")])
    backend.close()
    assert journals_open(backend.root) == 0


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc on this system")
def test_a_child_holds_none_of_its_parents_journals(backend: LocalBackend) -> None:
    backend.write([*series(RUN, ONE, 0, 1), *light_series(OTHER, ONE, 5)])
    assert journals_open(backend.root) == 2
    child = os.fork()
    if child == 0:
        os._exit(journals_open(backend.root))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fork_writes(backend, series(RUN, TWO, 0, 2), 30.0) == 0
    backend.write([*series(RUN, ONE, 1, 2), *series(OTHER, ONE, 5, 6)])
    assert exact(backend.records(RUN)) == exact(series(RUN, ONE, 0, 2) + series(RUN, TWO, 0, 2))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "first", [series(RUN, ONE, 0, 2), light_series(RUN, ONE, 2)], ids=["full", "light"]
)
def test_an_interrupted_write_is_stored_once_or_not(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch, when: str, first: list[Record]
) -> None:
    backend.write(first)
    real = os.write

    def interrupted(fd: int, data: bytes) -> int:
        if when == "after":
            real(fd, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backend.write(series(RUN, ONE, 2, 3))
    held = backend.acked(RUN)[ONE]
    assert held == (3 if when == "after" else 2)
    backend.write(series(RUN, ONE, held, 6))
    assert exact(backend.records(RUN)) == exact([*first, *series(RUN, ONE, 2, 6)])
    (path,) = backend.root.rglob("*.jsonl")
    assert path.read_bytes().count(b"\n") == 7


def test_ends_and_artifacts_reach_the_disk(
    backend: LocalBackend, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real, here = os.fsync, threading.get_ident()

    def spy(fd: int) -> None:
        if threading.get_ident() == here:  # the shippers of other tests have their own
            synced.append(os.fstat(fd).st_ino)
        real(fd)

    monkeypatch.setattr(os, "fsync", spy)
    backend.write(series(RUN, ONE, 0, 5))
    assert synced == []
    journal = (store / RUN / f"journal-{ONE}.jsonl").stat().st_ino
    backend.sync(RUN)
    with backend.create_artifact(RUN, "a") as stream:
        stream.write(b"x")
    artifact = (store / RUN / "artifacts" / "a").stat().st_ino
    assert synced == [journal]
    backend.write([record(RUN, ONE, 5, {}, kind="end", key="")])
    assert synced[1:] == [artifact, journal]


def test_in_a_fast_loop_they_reach_the_disk_together(
    backend: LocalBackend, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = _local_syncing.sync_descriptor

    def spy(fd: int, path: str) -> None:
        if Path(path).is_relative_to(store):
            synced.append(path)
        real(fd, path)

    monkeypatch.setattr(_local_syncing, "sync_descriptor", spy)
    monkeypatch.setattr(_local_syncing, "EVERY", 600.0)
    end = record(RUN, ONE, 1, {}, kind="end", key="")
    backend.write([*series(RUN, ONE, 0, 1), end])
    assert synced == [str(store / RUN / f"journal-{ONE}.jsonl")]
    others = [f"{i:032x}" for i in range(3)]
    for run in others:
        backend.write([*series(run, ONE, 0, 1), record(run, ONE, 1, {}, kind="end", key="")])
    assert len(synced) == 1
    backend.delete(others[0])
    backend.close()
    assert synced[1:] == [str(store / run / f"journal-{ONE}.jsonl") for run in others[1:]]


def test_copied_artifacts_share_their_bytes(backend: LocalBackend, store: Path) -> None:
    with backend.create_artifact(RUN, "code/train.py") as stream:
        stream.write(b"print()")
    backend.copy_artifact(RUN, OTHER, "code/train.py")
    first, second = (store / run / "artifacts" / "code" / "train.py" for run in (RUN, OTHER))
    assert first.samefile(second)
    with backend.create_artifact(RUN, "code/train.py") as stream:
        stream.write(b"changed")
    assert second.read_bytes() == b"print()"


def test_reading_needs_no_framework(store: Path) -> None:
    LocalBackend(store).write(series(RUN, ONE, 0, 3))
    program = (
        "import sys; from autolog.opening import open_backend;"
        f"print(len(list(open_backend({str(store)!r}).records({RUN!r}))));"
        "print(sorted({'numpy', 'pandas', 'sqlite3', 'http', 'wrapt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["3", "[]"]
