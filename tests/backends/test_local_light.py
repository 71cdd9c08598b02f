"""Light runs in the local store: one shared journal for each writer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from autolog.backends.local import LocalBackend

from autolog.errors import BackendError
from autolog.records import Record
from autolog.testing._backend_parts import exact, light_series, series

RUN, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
ONE, TWO = "1" * 32, "2" * 32
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def backend(store: Path) -> LocalBackend:
    return LocalBackend(store)


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def holds(store: Path, run: str, expected: list[Record]) -> None:
    assert exact(LocalBackend(store).records(run)) == exact(expected)


def test_many_light_runs_make_one_file(backend: LocalBackend, store: Path) -> None:
    runs = [f"{n:032x}" for n in range(300)]
    for run in runs:
        backend.write(light_series(run, ONE, 5))
    assert tree(store) == [".gitignore", "format", "light", f"light/journal-{ONE}.jsonl"]
    again = LocalBackend(store)
    assert sorted(again.run_ids()) == runs
    for run in runs[::10]:
        assert exact(again.records(run)) == exact(light_series(run, ONE, 5))


def test_a_light_run_goes_on_in_another_instance(backend: LocalBackend, store: Path) -> None:
    backend.write(light_series(RUN, ONE, 4))
    LocalBackend(store).write(series(RUN, ONE, 4, 6))
    backend.write(series(RUN, ONE, 6, 8))
    holds(store, RUN, light_series(RUN, ONE, 8))
    assert not (store / RUN).exists()


def test_a_light_run_is_deleted_once_its_process_is_gone(
    backend: LocalBackend, store: Path
) -> None:
    for run in (RUN, OTHER):
        backend.write(light_series(run, ONE, 50))
    path = store / "light" / f"journal-{ONE}.jsonl"
    before = path.stat().st_size
    with pytest.raises(BackendError, match="is alive"):
        LocalBackend(store).delete(RUN)
    backend.close()
    freed = LocalBackend(store).delete(RUN)
    assert freed == before - path.stat().st_size > 0
    holds(store, OTHER, light_series(OTHER, ONE, 50))
    backend.write(series(OTHER, ONE, 50, 52))
    holds(store, OTHER, light_series(OTHER, ONE, 52))
    backend.close()
    LocalBackend(store).delete(OTHER)
    assert tree(store) == [".gitignore", "format", "light"]


def test_the_writer_itself_may_delete_its_light_runs(backend: LocalBackend) -> None:
    for run in (RUN, OTHER, THIRD):
        backend.write(light_series(run, ONE, 5))
    backend.delete(OTHER)
    backend.write(series(THIRD, ONE, 5, 7))
    backend.write(light_series(OTHER, ONE, 3))
    assert exact(backend.records(OTHER)) == exact(light_series(OTHER, ONE, 3))
    assert exact(backend.records(THIRD)) == exact(light_series(THIRD, ONE, 7))
    assert exact(backend.records(RUN)) == exact(light_series(RUN, ONE, 5))


def test_a_reader_follows_a_shared_journal(backend: LocalBackend, store: Path) -> None:
    reader = LocalBackend(store)
    for number in range(30):
        run = f"{number:032x}"
        backend.write(light_series(run, ONE, 5))
        assert exact(reader.records(run)) == exact(light_series(run, ONE, 5))
        backend.write(series(f"{number // 2:032x}", ONE, 5 + number % 2, 6 + number % 2))
    assert exact(reader.records(f"{3:032x}")) == exact(light_series(f"{3:032x}", ONE, 7))


def test_a_damaged_shared_journal_hides_only_its_bad_lines(
    backend: LocalBackend, store: Path
) -> None:
    backend.write(light_series(RUN, ONE, 5))
    backend.write(light_series(OTHER, ONE, 5))
    path = store / "light" / f"journal-{ONE}.jsonl"
    data = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*data[:3], b"\x00garbage", *data[3:-1]]) + b'\n[5,1.0,"met')
    again = LocalBackend(store)
    assert exact(again.records(RUN)) == exact(light_series(RUN, ONE, 5))
    assert exact(again.records(OTHER)) == exact(light_series(OTHER, ONE, 5))
    assert "1 unreadable line" in again.notes()[0]
