"""Bringing runs from store to store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import autolog
from autolog.errors import NotFound
from autolog.opening import open_backend
from autolog.syncing import sync


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A store with one finished run, one open one and a file."""
    autolog.autolog(backend=str(tmp_path / "a"))
    with autolog.start_run("one") as run:
        for step in range(2500):
            run.log_metric("loss", 1 / (step + 1), step=step)
        run.log_artifact(b"hello", "note.txt")
    autolog.start_run("open").log_param("depth", 3)
    return tmp_path / "a"


def test_all_is_brought_over_once(source: Path, tmp_path: Path) -> None:
    old, new = open_backend(source), open_backend(tmp_path / "b")
    first = sync(old, new)
    assert (first.runs, first.failed) == (2, [])
    for run in old.run_ids():
        assert list(new.records(run)) == list(old.records(run))
        assert new.artifacts(run) == old.artifacts(run)
    again = sync(old, new)
    assert (again.records, again.artifacts) == (0, 0)
    assert autolog.get_run("@2", backend=tmp_path / "b").metrics["loss"] == 1 / 2500


def test_what_a_live_run_adds_follows(source: Path, tmp_path: Path) -> None:
    old, new = open_backend(source), open_backend(tmp_path / "b")
    sync(old, new)
    run = autolog.get_run("@latest", backend=source)
    autolog.start_run(id=run.id).log_param("depth", 4)
    assert sync(old, new).records > 0
    assert autolog.get_run(run.id, backend=tmp_path / "b").params["depth"] == 4


def test_a_broken_run_hinders_no_other(source: Path, tmp_path: Path) -> None:
    old, new = open_backend(source), open_backend(tmp_path / "b")
    gone = autolog.get_run("@latest", backend=source).id
    ids = old.run_ids()
    shutil.rmtree(source / gone)
    (source / gone).write_bytes(b"no folder")
    done = sync(old, new)
    (kept,) = set(ids) - {gone}
    assert list(new.records(kept))
    with pytest.raises(NotFound):
        list(new.records(gone))
    assert done.records > 0


def test_memory_to_files(tmp_path: Path) -> None:
    autolog.autolog(backend="memory:sync-test")
    with autolog.start_run("in memory") as run:
        run.log_metric("loss", float("nan"), step=1)
    sync(open_backend("memory:sync-test"), open_backend(tmp_path / "b"))
    value = autolog.get_run(run.id, backend=tmp_path / "b").metrics["loss"]
    assert value != value
