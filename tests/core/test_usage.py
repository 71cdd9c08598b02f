"""The count of what a store holds, and what happens beyond its quota."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

import autolog
from autolog.usage import Usage


def add_many(root: Path, times: int) -> None:
    usage = Usage(root)
    for _ in range(times):
        usage.add(3)


def test_changes_of_many_processes_add_up(tmp_path: Path) -> None:
    workers = [
        multiprocessing.get_context("fork").Process(target=add_many, args=(tmp_path, 200))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert Usage(tmp_path).total() == 4 * 200 * 3


def test_a_store_without_the_file_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "artifacts" / "model"
    folder.mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"x" * 1000)
    (tmp_path / "run" / "journal-1.jsonl").write_bytes(b"y" * 50)
    assert Usage(tmp_path).total() == 1000


def test_recount_forgets_what_was_deleted_by_hand(tmp_path: Path) -> None:
    usage = Usage(tmp_path)
    usage.add(10**9)
    assert Usage(tmp_path).total() == 10**9
    assert usage.recount() == 0
    assert Usage(tmp_path).total() == 0


def test_beyond_the_quota_files_are_shed_and_facts_stay(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOLOG_STORE_QUOTA", "3000000")
    autolog.autolog(backend=str(store))
    with autolog.start_run("first") as run:
        run.log_artifact(bytes(4_000_000), "big.bin")
        run.log_artifact(b"x" * 10, "late.bin")
        run.log_metric("loss", 0.5)
    view = autolog.get_run(run.id)
    facts = view.facts("artifact")
    assert facts["big.bin"].value["bytes"] == 4_000_000
    assert "quota" in facts["late.bin"].value["shed"]
    assert "big.bin" in view.artifacts
    assert "late.bin" not in view.artifacts
    assert view.metrics["loss"] == 0.5


def test_below_the_free_space_floor_models_are_shed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    monkeypatch.setenv("AUTOLOG_FREE_SPACE_FLOOR", str(10**18))
    autolog.autolog(backend=str(store))
    linear_model.Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    model = autolog.get_run("@latest").models["model"]
    assert "floor" in model["shed"]
