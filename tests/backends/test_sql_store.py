"""What is a SQL store's own: its place, its errors, its artifacts' places, its size."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.sql.backend import SqlBackend
from sqlalchemy import event

from autolog.backend import Backend
from autolog.errors import BackendError
from autolog.points import thinned
from autolog.query import Query, Window
from autolog.records import Record
from autolog.search import answer
from autolog.store import Store
from autolog.testing._backend_parts import series

RUN, OTHER, ONE = "a" * 32, "b" * 32, "1" * 32


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqlBackend]:
    made = SqlBackend(f"sqlite:///{tmp_path}/runs.db")
    yield made
    made.close()


def put(backend: Backend, run: str, path: str, data: bytes) -> None:
    with backend.create_artifact(run, path) as stream:
        stream.write(data)


def test_nothing_is_made_before_the_first_write(backend: SqlBackend, tmp_path: Path) -> None:
    assert backend.run_ids() == []
    assert backend.summaries() == []
    assert list(tmp_path.iterdir()) == []


def test_a_relative_name_is_that_of_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = SqlBackend("sqlite:///runs.db")
    monkeypatch.chdir("/")
    backend.write(series(RUN, ONE, 0, 1))
    backend.close()
    assert (tmp_path / "runs.db").exists()


@pytest.mark.parametrize(
    "uri", ["postgresql://me:s3cret@host/db", "postgres://me@host/db?password=s3cret"]
)
def test_no_password_is_told(uri: str) -> None:
    backend = SqlBackend(uri)
    assert "s3cret" not in backend.uri
    assert backend.uri.startswith("postgresql://me")


@pytest.mark.parametrize(
    "uri", ["sqlite:", "sqlite://", "sqlite:///:memory:", "sqlite://host/a.db"]
)
def test_a_name_of_nothing_is_refused(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BackendError, match="write sqlite:///"):
        SqlBackend(uri).write(series(RUN, ONE, 0, 1))
    assert list(tmp_path.iterdir()) == []


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with pytest.raises(BackendError, match="is the server running") as caught:
            SqlBackend(f"postgresql://me:s3cret@127.0.0.1:{port}/db").run_ids()
    assert "s3cret" not in str(caught.value)
    assert not caught.value.permanent
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(BackendError, match="name another one"):
        SqlBackend(f"sqlite:///{tmp_path}/text.db").run_ids()


def test_what_is_no_record_is_refused_for_good(backend: SqlBackend) -> None:
    good = series(RUN, ONE, 0, 2)
    bad = Record(RUN, ONE, 2, 0.0, "tag", "t", "\ud800")
    with pytest.raises(BackendError) as caught:
        backend.write([*good, bad])
    assert caught.value.permanent
    assert backend.acked(RUN) == {}
    with pytest.raises(BackendError) as caught:
        backend.write(series(RUN, ONE, 5, 6))
    assert not caught.value.permanent


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anything")
def test_a_read_only_file_is_read(backend: SqlBackend, tmp_path: Path) -> None:
    backend.write(series(RUN, ONE, 0, 5))
    backend.close()
    (tmp_path / "runs.db").chmod(0o400)
    tmp_path.chmod(0o500)
    again = SqlBackend(backend.uri)
    assert len(list(again.records(RUN))) == 5
    with pytest.raises(BackendError, match="may not write"):
        again.write(series(RUN, ONE, 5, 6))
    tmp_path.chmod(0o700)


def test_a_store_that_was_removed_is_begun_anew(backend: SqlBackend, tmp_path: Path) -> None:
    backend.write(series(RUN, ONE, 0, 5))
    for path in tmp_path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert backend.acked(RUN) == {}
    backend.write(series(RUN, ONE, 0, 3))
    assert backend.acked(RUN) == {ONE: 3}


def test_contents_are_shared_and_go_with_the_last_run(backend: SqlBackend, tmp_path: Path) -> None:
    data = secrets.token_bytes(3_000_000)
    for run in (RUN, OTHER):
        backend.write(series(run, ONE, 0, 1))
        put(backend, run, "model/data", data)
    folder = tmp_path / "runs.db.artifacts"
    assert [p.stat().st_size for p in folder.rglob("*") if p.is_file()] == [len(data)]
    assert backend.delete(RUN) < 3_000_000
    with backend.open_artifact(OTHER, "model/data") as stream:
        assert stream.read() == data
    assert backend.delete(OTHER) >= 3_000_000
    assert not any(path.is_file() for path in folder.rglob("*"))


def test_a_smaller_store_is_a_smaller_file(backend: SqlBackend, tmp_path: Path) -> None:
    noise = [secrets.token_hex(500) for _ in range(2000)]
    backend.write([Record(RUN, ONE, i, 0.0, "tag", "t", one) for i, one in enumerate(noise)])
    backend.write(series(OTHER, ONE, 0, 5))
    backend.shrink()
    before = (tmp_path / "runs.db").stat().st_size
    backend.delete(RUN)
    backend.shrink()
    assert (tmp_path / "runs.db").stat().st_size < before - 900_000
    assert len(list(backend.records(OTHER))) == 5


def test_artifacts_go_to_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AUTOLOG_ARTIFACTS": "s3://bucket/runs",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = s3fs.S3FileSystem(skip_instance_cache=True)
    bucket.mkdir("bucket")
    data = secrets.token_bytes(7_000_000)
    backend = SqlBackend(f"sqlite:///{tmp_path}/runs.db")
    for path in ("model/data", "copy"):
        put(backend, RUN, path, data)
    bucket.invalidate_cache()
    (held,) = bucket.find("bucket")
    assert bucket.cat(held) == data
    with backend.open_artifact(RUN, "copy") as stream:
        assert stream.read() == data
    monkeypatch.delenv("AUTOLOG_ARTIFACTS")
    with pytest.raises(BackendError, match="set AUTOLOG_ARTIFACTS"):
        SqlBackend(backend.uri).open_artifact(RUN, "copy")
    backend.drop_artifact(RUN, "copy")
    backend.delete(RUN)
    bucket.invalidate_cache()
    assert bucket.find("bucket") == []
    backend.close()
    server.stop()


def test_a_thinned_history_is_that_of_all_points(backend: SqlBackend) -> None:
    chance = random.Random(0)
    for start in range(0, 2000, 400):
        batch = [
            Record(RUN, ONE, i, 1.7e9 + i / 3, "metric", "loss", chance.gauss(0, 1), 2 * i)
            for i in range(start, min(start + 400, 1900))
        ]
        backend.write(batch)
    whole = backend.history(RUN, "loss", Window())
    some = backend.history(RUN, "loss", Window(limit=100))
    assert len(whole.points) == some.total == 1900
    assert list(some.points) == list(thinned(whole.points, 100))
    assert 50 < len(some.points) <= 100


QUESTIONS = (
    "metrics.score <= 0.1 and metrics.loss > 0.2",
    "metrics.score > 1 and metrics.score <= 1.1 and params.kind = 'tree'",
    "metrics.loss < 0.5 and params.kind = 'bush'",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_filter_that_few_runs_match_looks_at_few(sizes: list[SqlBackend], question: str) -> None:
    for order in ((), ("metrics.score",), ("metrics.loss DESC",), ("attributes.name",)):
        small, large = (steps_of(one, Query(question, None, order, 50)) for one in sizes)
        assert large < 1.5 * small


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SqlBackend]]:
    """A store of 300 runs, and one of 3,000, with scores that count up."""
    folder = tmp_path_factory.mktemp("sizes")
    made = [SqlBackend(f"sqlite:///{folder}/{count}.db") for count in (300, 3000)]
    for backend, count in zip(made, (300, 3000), strict=True):
        facts = [("run", "", {"name": "r"}), ("param", "kind", "tree"), ("metric", "loss", 0.25)]
        numbers = [("metric", "score", number / 100) for number in range(count)]
        backend.write(
            [
                Record(f"{number:032x}", ONE, seq, 1e9 + number, *row)
                for number, own in enumerate(numbers)
                for seq, row in enumerate([*facts, own])
            ]
        )
        answer(Store(backend), Query("", None, (), 1))  # what follows from the records is made
    yield made
    for backend in made:
        backend.close()


def steps_of(backend: SqlBackend, query: Query) -> int:
    """How many tens of steps SQLite's machine takes for a search."""
    taken = itertools.count()

    def counted(connection: Any, *_: object) -> None:
        connection.set_progress_handler(lambda: next(taken) < 0, 10)

    engine = backend._database._engine()
    event.listen(engine, "checkout", counted)
    try:
        answer(Store(backend), query)
    finally:
        event.remove(engine, "checkout", counted)
    return next(taken)
