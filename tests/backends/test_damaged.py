"""Files that were changed where they lie, or on their way, are never given out as if whole."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import http_farm
import pytest
from autolog.backends.http import HttpBackend
from autolog.backends.local import LocalBackend
from autolog.backends.memory import MemoryBackend
from autolog.backends.sql.backend import SqlBackend

import autolog
from autolog.digests import Verified
from autolog.errors import BackendError
from autolog.syncing import sync

RUN = "a" * 32
TOKEN = "autolog_test-token-of-the-farm"
DATA = secrets.token_bytes(3_000_000)


def put(backend: Any, path: str, data: bytes) -> None:
    with backend.create_artifact(RUN, path) as stream:
        stream.write(data)


def content_of(store: Path, data: bytes) -> Path:
    """Where the SQLite store keeps it."""
    (found,) = store.with_name(f"{store.name}.artifacts").rglob(hashlib.sha256(data).hexdigest())
    return found


def turn_a_bit(file: Path, at: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[tuple[SqlBackend, Path]]:
    """A store, and the file of its one artifact `model/data`."""
    backend = SqlBackend(f"sqlite:///{tmp_path}/runs.db")
    put(backend, "model/data", DATA)
    yield backend, content_of(tmp_path / "runs.db", DATA)
    backend.close()


def says(error: BaseException, *parts: str) -> bool:
    digests = re.findall(r"[0-9a-f]{64}", str(error))
    expected = hashlib.sha256(DATA).hexdigest()
    return (
        all(part in str(error) for part in (RUN, "'model/data'", *parts))
        and len(set(digests)) == 2
        and digests[1] == expected
    )


@pytest.mark.parametrize("at", [0, 1_500_000, len(DATA) - 1])
@pytest.mark.parametrize("how", ["whole", "pieces", "end first", "last byte"])
def test_a_changed_file_of_a_sql_store_is_told(
    sqlite: tuple[SqlBackend, Path], at: int, how: str
) -> None:
    backend, file = sqlite
    turn_a_bit(file, at)
    with pytest.raises(BackendError) as caught, backend.open_artifact(RUN, "model/data") as stream:
        read_all(stream, how)
    assert says(caught.value, backend.uri)


def read_all(stream: BinaryIO, how: str) -> None:
    """Read to the end, or from there."""
    if how == "whole":
        stream.read()
    elif how == "pieces":
        for _ in range(3_000):
            assert len(stream.read(1000)) == 1000
    elif how == "end first":
        stream.seek(-10, os.SEEK_END)
        assert stream.tell() == len(DATA) - 10
        stream.read(10)
    else:
        stream.seek(len(DATA) - 1)
        stream.read()


@pytest.mark.parametrize("size", [0, 10, 2_999_999])
def test_a_file_that_was_cut_is_told(sqlite: tuple[SqlBackend, Path], size: int) -> None:
    backend, file = sqlite
    os.truncate(file, size)
    with pytest.raises(BackendError) as caught, backend.open_artifact(RUN, "model/data") as stream:
        stream.read()
    assert says(caught.value)


def test_sound_files_are_read_in_any_order(sqlite: tuple[SqlBackend, Path]) -> None:
    backend, _ = sqlite
    with backend.open_artifact(RUN, "model/data") as stream:
        assert isinstance(stream, Verified)
        for start, count in ((100, 50), (2_000_000, 999_999), (0, 10), (2_999_990, 100), (5, -1)):
            stream.seek(start)
            assert stream.read(count) == DATA[start : None if count < 0 else start + count]
        stream.seek(-3, os.SEEK_END)
        assert stream.read() == DATA[-3:]
        assert stream.read() == b""
    put(backend, "empty", b"")
    with backend.open_artifact(RUN, "empty") as stream:
        assert stream.read() == b""


def test_a_damaged_file_is_told_when_it_is_sent_on_and_the_rest_goes_on(
    sqlite: tuple[SqlBackend, Path], tmp_path: Path
) -> None:
    backend, file = sqlite
    put(backend, "sound", b"sound")
    turn_a_bit(file, 7)
    target = LocalBackend(tmp_path / "target")
    done = sync(backend, target)
    assert target.artifacts(RUN) == ["sound"]
    assert [line for line in done.refused if "model/data" in line and "damaged" in line]


def test_a_changed_file_of_a_local_store_is_told_by_the_run(store: Path) -> None:
    autolog.autolog(backend=str(store))
    with autolog.start_run("one") as run:
        run.log_artifact(b"first", "notes/a.txt")
        run.log_artifact(b"second", "notes/a.txt")
    autolog.disable()
    found = autolog.get_run(run.id, backend=str(store)).artifact("notes/a.txt")
    assert found.read() == b"second"
    (store / run.id / "artifacts" / "notes" / "a.txt").write_bytes(b"Second")
    with pytest.raises(BackendError, match=r"'notes/a.txt' of run .* is damaged"):
        found.read()


# -- over HTTP -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("damaged")
    with http_farm.farm(folder, "sqlite") as url:
        yield url, folder


@pytest.fixture
def remote(
    address: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[tuple[HttpBackend, Path]]:
    """A store over HTTP, and where its one artifact lies on the server."""
    monkeypatch.setenv("AUTOLOG_TOKEN", TOKEN)
    url, folder = address
    name = re.sub(r"[^a-z0-9]", "_", request.node.name.lower())[-30:]
    backend = HttpBackend(f"{url}/{name}")
    put(backend, "model/data", DATA)
    yield backend, content_of(folder / name / "runs.db", DATA)
    backend.close()


def test_a_client_names_what_is_damaged(remote: tuple[HttpBackend, Path]) -> None:
    backend, file = remote
    with backend.open_artifact(RUN, "model/data") as stream:
        assert stream.read() == DATA
    turn_a_bit(file, 2_500_000)
    for how in ("whole", "pieces", "end first"):
        with pytest.raises(BackendError) as caught:
            read_all(backend.open_artifact(RUN, "model/data"), how)
        assert says(caught.value, backend.uri)


def test_other_clients_are_told_by_a_cut_and_have_the_digest(
    remote: tuple[HttpBackend, Path],
) -> None:
    import base64
    import urllib.request

    backend, file = remote
    asked = urllib.request.Request(
        f"{backend.uri}/api/v1/runs/{RUN}/artifact?path=model/data",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    with urllib.request.urlopen(asked) as answer:
        assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert answer.read() == DATA
    turn_a_bit(file, 2_500_000)
    with pytest.raises(Exception, match="IncompleteRead"), urllib.request.urlopen(asked) as answer:
        answer.read()


def test_a_file_that_is_replaced_in_the_midst_is_told(remote: tuple[HttpBackend, Path]) -> None:
    backend, _ = remote
    with backend.open_artifact(RUN, "model/data") as stream:
        stream.seek(-1, os.SEEK_END)
        put(backend, "model/data", secrets.token_bytes(len(DATA)))
        stream.read()  # the old answer is still being read, or the change is told
        stream.seek(0)
        with pytest.raises(BackendError, match="replaced while it was read"):
            stream.read()


def test_a_store_without_digests_is_read_as_ever() -> None:
    backend = MemoryBackend("memory:damaged")
    put(backend, "a", b"text")
    assert backend.open_artifact(RUN, "a").read() == b"text"
