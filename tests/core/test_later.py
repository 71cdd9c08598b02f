"""What a run puts off is done when somebody reads the store, or it is closed; the newest alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import autolog


def test_it_is_done_before_the_store_is_read(tmp_path: Path) -> None:
    autolog.autolog(f"memory:{tmp_path}")
    with autolog.start_run() as run:
        for i in range(3):
            run.later("note", lambda i=i: run.log_artifact(str(i).encode(), "note.txt"))
        run.later("other", lambda: run.set_tag("other", "done"))
    found = autolog.get_run("@latest")
    assert found.artifact("note.txt").read() == b"2"
    assert found.tags["other"] == "done"


def test_it_is_done_when_recording_ends(tmp_path: Path) -> None:
    autolog.autolog(str(tmp_path / "store"))
    done: list[int] = []
    with autolog.start_run() as run:
        run.later("a", lambda: done.append(1))
        assert not done
    autolog.disable()
    assert done == [1]


def test_an_error_in_it_loses_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    autolog.autolog(f"memory:{tmp_path}")
    with autolog.start_run() as run:
        run.later("a", lambda: run.set_tag("a", "done"))
        run.later("b", lambda: 1 // 0)
    assert autolog.get_run("@latest").tags["a"] == "done"
    assert "catching up: ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_leaves_it_to_its_parent(tmp_path: Path) -> None:
    autolog.autolog(f"memory:{tmp_path}")
    with autolog.start_run() as run:
        run.later("a", lambda: (tmp_path / f"done-{os.getpid()}").touch())
    child = os.fork()
    if child == 0:
        try:
            list(autolog.search_runs())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert not list(tmp_path.glob("done-*"))
    list(autolog.search_runs())
    assert [path.name for path in tmp_path.glob("done-*")] == [f"done-{os.getpid()}"]
