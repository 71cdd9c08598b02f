"""What programs leave when they end before all is sent: others send it, and it is told."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from far import Place, eventually, work

import autolog
from autolog import doctor
from autolog.cli import main
from autolog.delivery import outbox as outboxes
from autolog.delivery import sweeping
from autolog.delivery.destination import destination_of
from autolog.errors import NotFound
from autolog.spool import is_spool, usable

Program = Callable[..., subprocess.CompletedProcess[str]]
FORK = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def owed(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "spool" / "outbox").glob("*/*.jsonl"))


def whole(far: Place, journal: LocalBackend) -> bool:
    """Whether the remote store has every record of the journal, and no other."""
    with contextlib.suppress(NotFound):
        return all(far.records(run) == list(journal.records(run)) for run in journal.run_ids())
    return False


@pytest.mark.parametrize("word", ["hang", "down", ""])
def test_what_a_killed_program_left_is_sent_by_the_next(
    word: str, program: Program, far: Place, store: Path, tmp_path: Path
) -> None:
    far.say(word)
    backends = f"{store} {far.uri}"
    program(
        """
        run = autolog.start_run("killed")
        for step in range(2000):
            run.log_metric("loss", step, step=step)
        run.log_artifact(b"x", "x.bin")
        children = [run.child(str(n), light=True) for n in range(20)]
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        backends,
        kill=True,
    )
    far.say()
    program(
        """
        from autolog.delivery import rounds
        with autolog.start_run("next"): pass
        end = time.monotonic() + 30
        import glob
        while len(glob.glob("spool/outbox/*/*.jsonl")) > 1 and time.monotonic() < end:
            time.sleep(0.05)
        """,
        backends,
    )
    journal = LocalBackend(store)
    assert len(journal.run_ids()) == 22
    assert whole(far, journal)
    (killed,) = [run for run in far.runs() if "x.bin" in far.artifacts(run)]
    assert len(far.records(killed)) >= 2000
    assert owed(tmp_path) == []


def test_the_end_of_a_program_waits_for_a_while_only(
    program: Program, far: Place, tmp_path: Path
) -> None:
    far.say("hang")
    done = program(
        "with autolog.start_run('x'): pass\n", far.uri, AUTOLOG_EXIT_TIMEOUT="0.5"
    )  # which ends at all
    assert "1 run not yet sent" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert far.runs() == []
    assert len(owed(tmp_path)) == 1
    far.say()


def test_two_programs_do_not_send_the_same(far: Place, tmp_path: Path) -> None:
    far.say("down")
    autolog.autolog(backend=[far.uri], exit_timeout=0.05)
    autolog.start_run("x").end()
    (path,) = owed(tmp_path)
    assert outboxes.is_held(path)
    assert outboxes.take(path) is None
    autolog.disable()
    assert not outboxes.is_held(path)
    taken = outboxes.take(path)
    assert taken is not None
    assert len(taken.owed) == 1
    assert outboxes.take(path) is None
    taken.abandon()


@FORK
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_in_mid_shipment_is_safe(far: Place, store: Path) -> None:
    autolog.autolog(backend=[str(store), far.uri])
    run = autolog.start_run("parent")
    children = []
    for number in range(6):
        for step in range(500):
            run.log_metric("loss", 1.0, step=500 * number + step)
        child = os.fork()
        if child == 0:
            run.log_metric("child", number)
            with autolog.start_run(f"child {number}") as own:
                own.log_metric("loss", 1.0)
            if number % 2:
                autolog.disable()
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    run.end()
    journal = LocalBackend(store)
    assert len(journal.run_ids()) == 7
    eventually(lambda: set(far.runs()) == set(journal.run_ids()) and whole(far, journal))


@pytest.mark.parametrize("method", ["spawn", "fork"])
@FORK
def test_workers_send_their_own(method: str, far: Place, store: Path, tmp_path: Path) -> None:
    context: Any = multiprocessing.get_context(method)
    arguments = ([str(store), far.uri], str(tmp_path / "spool"))
    far.say("down")
    workers = [context.Process(target=work, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    far.say()
    work(*arguments)
    journal = LocalBackend(store)
    assert len(journal.run_ids()) == 3
    eventually(lambda: set(far.runs()) == set(journal.run_ids()) and whole(far, journal))


# -- by hand -----------------------------------------------------------------------------------


@pytest.fixture
def waiting(far: Place, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Place:
    """Two runs wait for a remote store that works again by now."""
    far.say("down")
    autolog.autolog(backend=[far.uri], exit_timeout=0.05)
    for name in ("one", "two"):
        with autolog.start_run(name) as run:
            run.log_artifact(b"x", "x.bin")
    autolog.disable()
    monkeypatch.setenv("AUTOLOG_BACKEND", far.uri)
    capfd.readouterr()
    return far


def test_sync_sends_what_is_owed(waiting: Place, capfd: Any, tmp_path: Path) -> None:
    assert main(["sync"]) == 1
    told = capfd.readouterr()
    assert "0 records and 0 files" in told.out
    assert "still to be sent: 2 runs (connection refused)" in told.err
    waiting.say()
    assert main(["sync", "--json"]) == 0
    (facts,) = json.loads(capfd.readouterr().out)
    assert (facts["streams"], facts["records"] > 10, facts["left"]["streams"]) == (2, True, 0)
    assert len(waiting.runs()) == 2
    assert owed(tmp_path) == []
    assert main(["sync"]) == 0
    assert "0 records and 0 files" in capfd.readouterr().out


def test_the_destination_comes_from_the_caller(
    waiting: Place, other: Place, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("AUTOLOG_BACKEND", other.uri)
    assert main(["sync"]) == 0
    assert (other.runs(), waiting.runs()) == ([], [])
    monkeypatch.setenv("AUTOLOG_BACKEND", "memory:")
    assert main(["sync"]) == 2
    assert f"2 runs to send to {waiting.uri}" in capfd.readouterr().err
    waiting.say()
    assert main(["sync", "--to", waiting.uri]) == 0
    assert len(waiting.runs()) == 2


def test_a_store_is_synced_to_all_of_the_settings(
    waiting: Place, other: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Any
) -> None:
    waiting.say()
    spool = str(tmp_path / "spool" / "runs")
    monkeypatch.setenv("AUTOLOG_BACKEND", f"{spool} {waiting.uri} {other.uri}")
    assert main(["sync", spool]) == 0
    assert len(waiting.runs()) == len(other.runs()) == 2
    capfd.readouterr()
    assert main(["sync", spool]) == 0
    assert capfd.readouterr().out.count("0 records and 0 files") == 2


def test_doctor_tells_what_waits(waiting: Place) -> None:
    facts = doctor.report()
    (one,) = facts["delivery"]
    assert (one["destination"], one["streams"], one["sending"]) == (waiting.uri, 2, 0)
    assert one["reachable"] == "no: connection refused"
    assert one["records"] > 10
    assert any("2 runs not yet sent" in problem for problem in facts["problems"])
    waiting.say("file:x.bin")
    assert main(["sync"]) == 0
    facts = doctor.report()
    assert facts["delivery"][0]["reachable"] == "yes"
    assert len(facts["delivery"][0]["refused"]) == 2
    assert any("refuses 2 records or files" in problem for problem in facts["problems"])


# -- the spool ---------------------------------------------------------------------------------


def test_what_nobody_waits_for_goes_after_a_while(
    far: Place, spooled: LocalBackend, tmp_path: Path
) -> None:
    autolog.autolog(backend=[far.uri], exit_timeout=20)
    with autolog.start_run("sent") as sent:
        light = sent.child("light", light=True)
        light.end()
    autolog.disable()
    far.say("down")
    autolog.autolog(backend=[far.uri], exit_timeout=0.05)
    autolog.start_run("waits").end()
    autolog.disable()
    spool = tmp_path / "spool"
    sweeping.sweep(spool)
    assert len(spooled.run_ids()) == 3
    old = time.time() - 3 * 86400
    for path in spool.glob("runs/*/journal-*"):
        os.utime(path, (old, old))
    sweeping.sweep(spool)
    (left,) = LocalBackend(spool / "runs").run_ids()
    assert left not in (sent.id, light.id)
    assert sweeping.shed(spool) == []
    sweeping.sweep(spool, age=5)
    assert LocalBackend(spool / "runs").run_ids() == [left]
    sweeping.sweep(spool, age=2)
    assert LocalBackend(spool / "runs").run_ids() == []
    (line,) = sweeping.shed(spool)
    assert left[:8] in line
    assert "not sent" in line


def test_the_spool_has_a_quota_of_its_own(far: Place, tmp_path: Path) -> None:
    autolog.autolog(backend=[far.uri], spool_quota=5_000_000)
    with autolog.start_run("large") as run:
        run.log_artifact(b"x" * 6_000_000, "first.bin")
        run.log_artifact(b"x", "second.bin")
    found = autolog.get_run(run.id)
    autolog.disable()
    assert "first.bin" in found.artifacts
    assert "second.bin" not in found.artifacts
    assert "quota" in str(far.records(run.id))
    assert is_spool(tmp_path / "spool" / "runs", str(tmp_path / "spool"))


def test_a_spool_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    assert usable(place) != place


def test_where_the_temporary_folder_s_is_somebody_else_s_too_one_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    taken = tmp_path / f"autolog-spool-{os.getuid()}"
    for place in (tmp_path / "open", taken):
        place.mkdir()
        place.chmod(0o777)
    found = {usable(tmp_path / "open") for _ in range(3)}
    assert len(found) == 1
    assert not found & {tmp_path / "open", taken}
    assert len(list(tmp_path.iterdir())) <= 3  # none where this process has made one before


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://me:secret@Host:80/a/?token=x#y", "http://host/a"),
        ("https://host:443", "https://host"),
        ("https://host:8443/", "https://host:8443"),
        ("postgresql+psycopg://me:secret@db:5432/runs?password=x", "postgresql://db:5432/runs"),
        ("postgresql://me:x@/runs?host=/a&password=y", "postgresql:///runs?host=/a"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("far:/a/b", "far:/a/b"),
    ],
)
def test_a_destination_is_named_without_credentials(uri: str, name: str, far: Place) -> None:
    backend = LocalBackend(far.root)
    backend.uri = uri
    assert destination_of(backend).name == name
