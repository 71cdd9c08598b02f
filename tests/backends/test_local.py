"""What is the local store's own: its layout, and folders moved, copied and removed by hand."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from autolog.backends.local import LocalBackend

from autolog import journal as journal_module
from autolog.errors import BackendError, NotFound
from autolog.records import Record
from autolog.testing._backend_parts import exact, light_series, series

RUN, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
ONE, TWO = "1" * 32, "2" * 32
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def backend(store: Path) -> LocalBackend:
    return LocalBackend(store)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every append looks whether its file is there, not only one each half second."""
    monkeypatch.setattr(journal_module, "CHECK_EVERY", -1.0)


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def holds(store: Path, run: str, expected: list[Record]) -> None:
    assert exact(LocalBackend(store).records(run)) == exact(expected)


# -- layout ----------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_write(backend: LocalBackend, store: Path) -> None:
    assert backend.run_ids() == []
    assert backend.artifacts(RUN) == []
    assert backend.artifact_path(RUN, "a") is None
    for call in (backend.records, backend.delete):
        with pytest.raises(NotFound):
            call(RUN)
    backend.drop_artifact(RUN, "a")
    backend.sync(RUN)
    backend.close()
    assert not store.exists()


def test_the_layout_is_as_documented(backend: LocalBackend, store: Path) -> None:
    backend.write(series(RUN, ONE, 0, 1))
    backend.write(light_series(OTHER, ONE, 5))
    with backend.create_artifact(RUN, "model/MLmodel") as stream:
        stream.write(b"flavors:")
    assert tree(store) == [
        ".gitignore",
        RUN,
        f"{RUN}/artifacts",
        f"{RUN}/artifacts/model",
        f"{RUN}/artifacts/model/MLmodel",
        f"{RUN}/journal-{ONE}.jsonl",
        "format",
        "light",
        f"light/journal-{ONE}.jsonl",
    ]
    assert (store / ".gitignore").read_text() == "*\n"
    assert (store / "format").read_text() == "autolog-runs 1\n"


def test_a_folder_in_use_is_not_hidden_from_git(store: Path) -> None:
    store.mkdir()
    (store / "thesis.tex").write_text("years of work")
    LocalBackend(store).write(series(RUN, ONE, 0, 1))
    assert not (store / ".gitignore").exists()
    holds(store, RUN, series(RUN, ONE, 0, 1))


def test_a_later_format_is_left_alone(store: Path) -> None:
    store.mkdir()
    (store / "format").write_text("autolog-runs 2\n")
    with pytest.raises(BackendError, match="autolog-runs 2"):
        LocalBackend(store).write(series(RUN, ONE, 0, 1))
    assert tree(store) == ["format"]


@pytest.mark.parametrize("name", ["CON", "a:b", "x.", "a*?", "50%", "aux.txt", "tab\there"])
def test_names_on_disk_are_legal_everywhere(backend: LocalBackend, store: Path, name: str) -> None:
    with backend.create_artifact(RUN, f"d/{name}") as stream:
        stream.write(b"x")
    (path,) = (store / RUN / "artifacts" / "d").iterdir()
    assert re.fullmatch(r"[^<>:\"/\\|?*\x00-\x1f]*[^<>:\"/\\|?*\x00-\x1f. ]", path.name)
    assert path.name.split(".")[0].upper() not in ("CON", "AUX")
    assert backend.artifacts(RUN) == [f"d/{name}"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on this system")
def test_links_do_not_lead_out_of_the_run(
    backend: LocalBackend, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = store / RUN / "artifacts"
    folder.mkdir(parents=True)
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    assert backend.artifacts(RUN) == []
    for path in ("file", "folder/secret", "folder/new"):
        for call in (backend.open_artifact, backend.artifact_path, backend.drop_artifact):
            with pytest.raises(BackendError):
                call(RUN, path)
        with pytest.raises(BackendError), backend.create_artifact(RUN, path):
            pass
    assert (tmp_path / "secret").read_text() == "secret"


# -- folders moved, copied, removed by hand ----------------------------------------------------


@pytest.mark.parametrize("name", ["best-run", "d" * 32, "copy of the best"])
def test_a_renamed_folder_is_the_run_that_its_header_names(store: Path, name: str) -> None:
    backend = LocalBackend(store)
    backend.write(series(RUN, ONE, 0, 5))
    with backend.create_artifact(RUN, "a") as stream:
        stream.write(b"x")
    (store / RUN).rename(store / name)
    again = LocalBackend(store)
    assert exact(again.records(RUN)) == exact(series(RUN, ONE, 0, 5))
    assert again.run_ids() == [RUN]
    assert again.acked(RUN) == {ONE: 5}
    with again.open_artifact(RUN, "a") as source:
        assert source.read() == b"x"
    with pytest.raises(NotFound):
        again.records("d" * 32)
    assert again.delete(RUN) > 0
    assert not (store / name).exists()


def test_a_copied_folder_counts_once(backend: LocalBackend, store: Path) -> None:
    backend.write(series(RUN, ONE, 0, 5))
    shutil.copytree(store / RUN, store / "copy")
    backend.write(series(RUN, ONE, 5, 8))
    holds(store, RUN, series(RUN, ONE, 0, 8))
    assert LocalBackend(store).run_ids() == [RUN]


def test_a_folder_copied_from_another_store_is_a_run(store: Path, tmp_path: Path) -> None:
    LocalBackend(tmp_path / "laptop").write(series(OTHER, ONE, 0, 5))
    LocalBackend(store).write(series(RUN, ONE, 0, 5))
    shutil.copytree(tmp_path / "laptop" / OTHER, store / OTHER)
    holds(store, OTHER, series(OTHER, ONE, 0, 5))


def test_a_folder_that_two_runs_share_keeps_the_other(store: Path) -> None:
    backend = LocalBackend(store)
    backend.write([*series(RUN, ONE, 0, 5), *series(OTHER, TWO, 0, 5)])
    (store / OTHER / f"journal-{TWO}.jsonl").rename(store / RUN / f"journal-{TWO}.jsonl")
    (store / OTHER).rmdir()
    again = LocalBackend(store)
    assert again.delete(RUN) > 0
    assert exact(again.records(OTHER)) == exact(series(OTHER, TWO, 0, 5))


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize("gone", [lambda root: root / RUN, lambda root: root])
def test_records_that_were_removed_are_asked_for_again(
    backend: LocalBackend, store: Path, gone: Callable[[Path], Path]
) -> None:
    backend.write(series(RUN, ONE, 0, 3))
    shutil.rmtree(gone(store))
    for _ in range(2):
        with pytest.raises(BackendError):
            backend.write(series(RUN, ONE, 3, 6))
    assert backend.acked(RUN) == {}
    backend.write(series(RUN, ONE, 0, 6))
    holds(store, RUN, series(RUN, ONE, 0, 6))
    assert (store / "format").read_text() == "autolog-runs 1\n"


@pytest.mark.usefixtures("watchful")
def test_a_folder_moved_while_it_is_written_is_followed(backend: LocalBackend, store: Path) -> None:
    backend.write(series(RUN, ONE, 0, 3))
    (store / RUN).rename(store / "moved")
    backend.write(series(RUN, ONE, 3, 6))
    assert not (store / RUN).exists()
    holds(store, RUN, series(RUN, ONE, 0, 6))
    backend.close()
    with pytest.raises(BackendError):
        backend.write(series(RUN, ONE, 6, 9))
    backend.write(series(RUN, ONE, 6, 9))
    holds(store, RUN, series(RUN, ONE, 0, 9))


def test_foreign_things_hide_only_themselves(backend: LocalBackend, store: Path) -> None:
    backend.write(series(RUN, ONE, 0, 3))
    (store / RUN / f"journal-{TWO}.jsonl").write_bytes(b"\x7fELF\x00" * 1000)
    (store / RUN / "notes.txt").write_text("my notes")
    (store / OTHER).mkdir()
    (store / THIRD).write_text("a file, not a folder")
    (store / "src").mkdir()
    (store / "light").mkdir()
    (store / "light" / f"journal-{TWO}.jsonl").write_text("{}\n" * 10)
    again = LocalBackend(store)
    assert RUN in again.run_ids()
    assert exact(again.records(RUN)) == exact(series(RUN, ONE, 0, 3))
    for run in (OTHER, THIRD):
        with pytest.raises(NotFound):
            again.records(run)
    assert len(again.notes()) == 2
    assert all("no journal" in note for note in again.notes())


def test_a_damaged_journal_is_put_aside_and_may_be_sent_again(store: Path) -> None:
    LocalBackend(store).write([*series(RUN, ONE, 0, 3), *light_series(OTHER, ONE, 5)])
    for path in store.rglob("*.jsonl"):
        path.write_bytes(path.read_bytes()[20:])
    backend = LocalBackend(store)
    backend.write([*series(RUN, ONE, 0, 3), *light_series(OTHER, ONE, 5)])
    holds(store, RUN, series(RUN, ONE, 0, 3))
    holds(store, OTHER, light_series(OTHER, ONE, 5))
    assert len(list(store.rglob("*.damaged"))) == 2


def test_a_store_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/self/no")):
        backend = LocalBackend(root)
        for run in (RUN, OTHER):
            with pytest.raises(BackendError):
                backend.write(series(run, ONE, 0, 3))
        with pytest.raises(BackendError):
            backend.write(light_series(THIRD, ONE, 5))
        with pytest.raises(BackendError), backend.create_artifact(RUN, "a"):
            pass
        with pytest.raises(BackendError):
            backend.records(RUN)
        with pytest.raises(BackendError):
            backend.delete(RUN)


def test_a_file_that_a_folder_has_replaced_is_not_forced(backend: LocalBackend) -> None:
    for name in ("first", "a"):  # the second waits for its turn
        with backend.create_artifact(RUN, name) as stream:
            stream.write(b"x")
    backend.drop_artifact(RUN, "a")
    with backend.create_artifact(RUN, "a/b") as stream:
        stream.write(b"y")
    backend.close()
    assert backend.artifacts(RUN) == ["a/b", "first"]
