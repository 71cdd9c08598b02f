"""Where several local stores are set, each of them gets the files too."""

from __future__ import annotations

from pathlib import Path

import pytest
from autolog.backends.local import LocalBackend
from autolog.backends.memory import MemoryBackend

import autolog
from autolog.backend import Backend
from autolog.reporting import notes


def files(store: Backend, run: str) -> dict[str, bytes]:
    return {path: store.open_artifact(run, path).read() for path in store.artifacts(run)}


def train(*stores: str, **settings: object) -> str:
    """The id of a run with every kind of file, in all the stores."""
    from sklearn.dummy import DummyClassifier

    autolog.autolog(backend=list(stores), **settings)  # type: ignore[arg-type]
    with autolog.start_run("one") as run:
        run.log_artifact(b"first", "notes/a.txt")
        run.log_artifact(b"second", "notes/a.txt")
        run.log_table("large", {"x": list(range(100_000))})
        run.log_model("model", DummyClassifier().fit([[0.0], [1.0]], [0, 1]))
    autolog.disable()
    return run.id


def test_every_store_has_all_files(tmp_path: Path) -> None:
    run = train(str(tmp_path / "a"), "memory:copies", str(tmp_path / "b"))
    first = files(LocalBackend(tmp_path / "a"), run)
    assert {"notes/a.txt", "tables/large.json", "model/MLmodel"} <= set(first)
    assert first["notes/a.txt"] == b"second"
    assert any(path.startswith("code/") for path in first)
    assert files(LocalBackend(tmp_path / "b"), run) == first
    assert files(MemoryBackend("memory:copies"), run) == first
    place = LocalBackend(tmp_path / "b").artifact_path(run, "model")
    assert autolog.load_model(str(place), trust=True).predict([[0.0]]) == [0]


def test_models_that_are_shed_go_everywhere(tmp_path: Path) -> None:
    stores = [str(tmp_path / "a"), str(tmp_path / "b")]
    autolog.autolog(backend=stores, light_after=1)
    from sklearn.linear_model import Ridge

    for alpha in range(5):
        Ridge(alpha).fit([[0.0], [1.0]], [0, 1])
    autolog.disable()
    a, b = map(LocalBackend, stores)
    runs = sorted(a.run_ids())
    assert sorted(b.run_ids()) == runs
    assert [files(a, run) for run in runs] == [files(b, run) for run in runs]
    assert any("model/MLmodel" in files(a, run) for run in runs)


def test_a_further_store_that_fails_costs_the_first_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOLOG_STRICT", "0")
    autolog.autolog(backend=[str(tmp_path / "a"), str(tmp_path / "b")])
    with autolog.start_run("one") as run:
        (tmp_path / "b" / run.id / "artifacts" / "notes").write_text("a file where a folder is due")
        run.log_artifact(b"text", "notes/a.txt")
        run.log_artifact(b"text", "b.txt")
    autolog.disable()
    assert files(LocalBackend(tmp_path / "a"), run.id)["notes/a.txt"] == b"text"
    held = files(LocalBackend(tmp_path / "b"), run.id)
    assert held["b.txt"] == b"text"
    assert "notes/a.txt" not in held
    said = [one for one in notes() if one.place == "copying files to a further store"]
    assert len(said) == 1
    assert str(tmp_path / "b") in said[0].text
    assert capfd.readouterr().err.count("copying files") == 1


def test_what_the_first_store_refuses_stands_nowhere(tmp_path: Path) -> None:
    run = train(str(tmp_path / "a"), str(tmp_path / "b"), max_model_size=10)
    for folder in ("a", "b"):
        held = files(LocalBackend(tmp_path / folder), run)
        assert "notes/a.txt" in held
        assert not [path for path in held if path.startswith("model")]


def test_a_further_store_beyond_its_quota_takes_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOLOG_STRICT", "0")
    full = LocalBackend(tmp_path / "b")
    with full.create_artifact("1" * 32, "large") as stream:
        stream.write(b"x" * 3_000_000)
    run = train(str(tmp_path / "a"), str(tmp_path / "b"), store_quota=2_000_000)
    assert "notes/a.txt" in files(LocalBackend(tmp_path / "a"), run)
    assert files(full, run) == {}
    assert [one for one in notes() if "quota" in one.text]
