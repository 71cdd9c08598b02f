"""What is written arrives at every remote store, exactly and once, whatever these do meanwhile."""

from __future__ import annotations

import random
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from far import Place, eventually

import autolog
from autolog.api import state
from autolog.errors import NotFound
from autolog.live import Run
from autolog.reporting import notes


def train(name: str = "one", points: int = 300) -> Run:
    """A run with points and a file."""
    with autolog.start_run(name) as run:
        for step in range(points):
            run.log_metric("loss", 1 / (step + 1), step=step)
        run.log_artifact(b"hello", "notes/hello.txt")
    return run


def same(place: Place, journal: LocalBackend, *runs: str) -> bool:
    """Whether the remote store holds exactly what the journal does of the runs, or of all."""
    store = LocalBackend(place.root)
    return all(_same(store, journal, run) for run in runs or journal.run_ids())


def _same(store: LocalBackend, journal: LocalBackend, run: str) -> bool:
    try:
        if list(store.records(run)) != list(journal.records(run)):
            return False
    except NotFound:
        return False
    paths = store.artifacts(run)
    return paths == journal.artifacts(run) and all(
        store.open_artifact(run, path).read() == journal.open_artifact(run, path).read()
        for path in paths
    )


def owed(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "spool" / "outbox").glob("*/*.jsonl"))


def test_all_arrives_from_a_spool(far: Place, spooled: LocalBackend, tmp_path: Path) -> None:
    autolog.autolog(backend=[far.uri])
    run = train()
    autolog.disable()
    assert same(far, spooled, run.id)
    assert owed(tmp_path) == []
    assert oct((tmp_path / "spool").stat().st_mode & 0o777) == "0o700"


def test_all_arrives_from_a_local_store(far: Place, other: Place, store: Path) -> None:
    autolog.autolog(backend=["memory:beside", far.uri, str(store), other.uri])
    runs = [train(str(n), 10) for n in range(3)]
    autolog.disable()
    journal = LocalBackend(store)
    for run in runs:
        assert same(far, journal, run.id)
        assert same(other, journal, run.id)
        assert autolog.get_run(run.id, backend="memory:beside").metrics["loss"] == 0.1
    assert not (far.root.parent / "spool" / "runs").exists()


def test_one_reads_what_one_has_written(far: Place) -> None:
    autolog.autolog(backend=[far.uri])
    for number in range(3):
        run = train(points=number + 1)
        found = autolog.get_run(run.id)
        assert (found.status, found.metrics["loss"]) == ("finished", 1 / (number + 1))
        assert found.artifact("notes/hello.txt").read() == b"hello"


def test_local_recording_starts_no_thread(store: Path, far: Place) -> None:
    before = set(threading.enumerate())
    autolog.autolog(backend=[str(store), "memory:x"])
    train()
    assert set(threading.enumerate()) <= before
    autolog.disable()
    autolog.autolog(backend=[far.uri])
    train()
    (new,) = set(threading.enumerate()) - before
    assert (new.name, new.daemon) == ("autolog-shipper", True)


def test_a_dead_store_delays_no_other(far: Place, other: Place, store: Path) -> None:
    far.say("hang")
    autolog.autolog(backend=[far.uri, str(store), other.uri], exit_timeout=0.2)
    run = train()
    eventually(lambda: same(other, LocalBackend(store), run.id))
    assert far.runs() == []
    autolog.disable()
    far.say()


def test_an_outage_costs_nothing(
    far: Place, store: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    autolog.autolog(backend=[str(store), far.uri], exit_timeout=0.2)
    far.say("down")
    first = train("first")
    autolog.disable()
    lines = capfd.readouterr().err.splitlines()
    assert f"{far.uri} takes no runs now: connection refused (" in lines[0]
    assert "1 run not yet sent" in lines[1]
    assert "`autolog sync`" in lines[1]
    assert len(lines) == 2
    assert len(owed(tmp_path)) == 1
    far.say()
    autolog.autolog(backend=[str(store), far.uri])
    second = train("second")
    eventually(lambda: not owed(tmp_path) or owed(tmp_path) == [_own()])
    autolog.disable()
    for run in (first, second):
        assert same(far, LocalBackend(store), run.id)
    assert owed(tmp_path) == []


def _own() -> Path:
    assert state.recorder is not None
    assert state.recorder._delivery is not None
    path: Path = state.recorder._delivery.shippers[0].outbox.path
    return path


def test_what_is_owed_elsewhere_is_not_sent(far: Place, other: Place, tmp_path: Path) -> None:
    far.say("down")
    autolog.autolog(backend=[far.uri], exit_timeout=0.1)
    train()
    autolog.disable()
    autolog.autolog(backend=[other.uri])
    run = train()
    time.sleep(0.3)
    autolog.disable()
    assert other.runs() == [run.id]
    assert len(owed(tmp_path)) == 1


def test_an_emptied_store_gets_what_it_lacks(far: Place, store: Path) -> None:
    autolog.autolog(backend=[str(store), far.uri])
    run = autolog.start_run("long")
    journal = LocalBackend(store)
    for part in range(3):
        for step in range(2000):
            run.log_metric("loss", 0.5, step=2000 * part + step)
        run.log_artifact(b"%d" % part, f"{part}.txt")
        eventually(lambda: same(far, journal, run.id))
        far.empty()
    run.end()
    autolog.disable()
    assert same(far, journal, run.id)
    assert sorted(far.artifacts(run.id)) == ["0.txt", "1.txt", "2.txt", *_code(far, run.id)]


def _code(far: Place, run: str) -> list[str]:
    return [path for path in sorted(far.artifacts(run)) if path.startswith("code/")]


@pytest.mark.parametrize("word", ["late", "down", "busy:0.1", "denied", "broken:loss"])
def test_what_fails_for_a_while_is_sent_once(word: str, far: Place, store: Path) -> None:
    far.say(word)
    autolog.autolog(backend=[str(store), far.uri])
    runs = [train(str(n), 50) for n in range(5)]
    eventually(lambda: len(far.calls()) > 3)
    far.say()
    eventually(lambda: same(far, LocalBackend(store), *(run.id for run in runs)))


def test_a_store_that_asks_for_time_gets_it(far: Place, store: Path) -> None:
    far.say("busy:3600")
    autolog.autolog(backend=[str(store), far.uri], exit_timeout=0.2)
    train()
    eventually(far.calls)
    time.sleep(0.3)
    autolog.disable()
    assert len(far.calls()) == 1


def test_a_bad_record_holds_nothing_up(
    far: Place, store: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    far.say("bad:poison", "file:notes/hello.txt")
    autolog.autolog(backend=[str(store), far.uri])
    with autolog.start_run("one") as run:
        for step in range(100):
            run.log_metric("poison" if step in (30, 31, 77) else "loss", 1.0, step=step)
        run.log_artifact(b"hello", "notes/hello.txt")
    healthy = train()
    autolog.disable()
    journal = {(r.writer, r.seq): r for r in LocalBackend(store).records(run.id)}
    found = {(r.writer, r.seq): r for r in far.records(run.id)}
    changed = [found[name] for name in journal if journal[name] != found[name]]
    assert found.keys() == journal.keys()
    assert [one.key for one in changed] == ["autolog.refused"] * 3
    assert changed[0].value["key"] == "poison"
    assert "not to be had" in changed[0].value["error"]
    assert "notes/hello.txt" not in far.artifacts(run.id)
    assert autolog.get_run(healthy.id, backend=far.root).status == "finished"
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "refuses" in line]
    assert far.uri in line
    (left,) = owed(tmp_path)
    assert left.read_text().count("refused") == 3
    assert any("'notes/hello.txt'" in note.text for note in notes())


def test_too_large_is_sent_in_pieces(far: Place, store: Path) -> None:
    far.say("large:7")
    autolog.autolog(backend=[str(store), far.uri])
    run = train(points=500)
    autolog.disable()
    assert same(far, LocalBackend(store), run.id)


def test_light_runs_arrive_together(far: Place, store: Path) -> None:
    autolog.autolog(backend=[str(store), far.uri], exit_timeout=0)
    journal = LocalBackend(store)
    with autolog.start_run("parent") as parent:
        for part in range(2):
            children = [parent.child(f"{part}.{n}", light=True) for n in range(60)]
            for child in children:
                child.log_metric("score", 1.0, step=1)
                child.log_artifact(child.name.encode(), "name.txt")
            for child in children:
                child.end()
            ids = {child.id for child in children}
            eventually(lambda ids=ids: ids <= set(far.runs()))
            writes = [call for call in far.calls() if call.startswith("write")]
            assert len(writes) < 40
            if part == 0:
                far.empty()  # the second half finds an empty store
    eventually(lambda: same(far, journal))  # since the parent's end has shown that it is empty
    autolog.disable()


def test_models_and_files_are_replaced_and_dropped(far: Place, store: Path) -> None:
    autolog.autolog(backend=[str(store), far.uri])
    run = autolog.start_run("best")
    recorder: Any = state.recorder
    for version in (b"first", b"second one", b"third"):
        run.log_artifact(version, "best.ckpt")
        assert recorder._delivery.flush(60)
        assert far.artifacts(run.id)["best.ckpt"] == version
    with recorder.place(run.id).create_artifacts(run.id, "model") as create:
        for name in ("MLmodel", "data/weights"):
            with create(name) as stream:
                stream.write(b"x")
    run.fact("model", "model", {"path": "model", "sha256": {"MLmodel": "", "data/weights": ""}})
    assert recorder._delivery.flush(60)
    assert {"model/MLmodel", "model/data/weights"} <= far.artifacts(run.id).keys()
    recorder.shed_model(run.id, "model")
    run.end()
    autolog.disable()
    assert same(far, LocalBackend(store), run.id)
    assert "model/MLmodel" not in far.artifacts(run.id)


def test_what_goes_elsewhere_for_want_of_a_store_is_sent_too(
    far: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    autolog.autolog(backend=[str(tmp_path / "file"), far.uri])
    run = autolog.start_run("homeless")
    for step in range(10):
        run.log_metric("loss", 1.0, step=step)
    run.end()
    autolog.disable()
    (spill,) = (tmp_path / "tmp").glob("autolog-spill-*")
    assert far.records(run.id) == list(LocalBackend(spill).records(run.id))
    assert far.records(run.id)[-1].kind == "end"


def test_facts_after_the_end_follow(far: Place, store: Path) -> None:
    autolog.autolog(backend=[str(store), far.uri])
    run = train()
    eventually(lambda: same(far, LocalBackend(store), run.id))
    time.sleep(0.1)
    run.log_metric("accuracy", 0.5)
    eventually(lambda: same(far, LocalBackend(store), run.id))
    autolog.disable()
    assert far.records(run.id)[-1].key == "accuracy"


def test_a_damaged_line_holds_nothing_up(far: Place, store: Path) -> None:
    far.say("down")
    autolog.autolog(backend=[str(store), far.uri])
    run = train()
    (journal,) = (store / run.id).glob("journal-*")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[50] = b"\xff" * (len(lines[50]) - 1) + b"\n"
    with journal.open("r+b") as file:
        file.write(b"".join(lines))
    far.say()
    autolog.disable()
    found = far.records(run.id)
    assert len(found) == len(lines) - 1
    assert [r.seq for r in found if r.key == "autolog.unreadable"] == [49]


def test_a_removed_run_is_no_longer_owed(far: Place, store: Path, tmp_path: Path) -> None:
    far.say("down")
    autolog.autolog(backend=[str(store), far.uri])
    run = train()
    eventually(far.calls)
    shutil.rmtree(store / run.id)
    far.say()
    kept = train()
    autolog.disable()
    assert far.runs() == [kept.id]
    assert owed(tmp_path) == []


def test_the_random_state_stays(far: Place, store: Path) -> None:
    far.say("down")
    autolog.autolog(backend=[str(store), far.uri], exit_timeout=0.1)
    before = random.getstate()
    train()
    eventually(lambda: len(far.calls()) > 2)
    autolog.disable()
    assert random.getstate() == before


def test_a_run_is_resumed_that_only_the_remote_store_knows(far: Place, tmp_path: Path) -> None:
    autolog.autolog(backend=[far.uri])
    run = train("first")
    autolog.disable()
    autolog.autolog(backend=[far.uri], spool=str(tmp_path / "elsewhere"))
    with autolog.start_run(id=run.id) as again:
        again.log_metric("loss", 0.0, step=1)
    found = autolog.get_run(run.id)
    assert (found.name, len(found.history("loss"))) == ("first", 2)
    autolog.disable()
    far.say("hang")
    autolog.autolog(backend=[far.uri], spool=str(tmp_path / "third"), exit_timeout=0.1)
    autolog.start_run(id=run.id).end()
    autolog.disable()
    far.say()
