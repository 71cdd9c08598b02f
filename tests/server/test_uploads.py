"""Large files: written once, gone on with after a cut, and forgotten when nobody does."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.memory import MemoryBackend
from autolog.server import uploads
from autolog.server.config import Config
from autolog.server.pieces import Pieces
from autolog.server.service import Service

RUN = "a" * 32
DATA = secrets.token_bytes(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module", params=["local", "sqlite"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tools: Any
) -> Iterator[tuple[Any, Path]]:
    """A server, and the folder in which files of its store lie."""
    folder = tmp_path_factory.mktemp("uploads")
    uri = str(folder / "runs") if request.param == "local" else f"sqlite:///{folder}/runs.db"
    with tools.serving(folder, backend=uri) as served:
        assert served.send(tools.opening(RUN)).status == 200
        yield served, folder


def where(path: str, digest: str = DIGEST) -> str:
    return f"/api/v1/runs/{RUN}/upload?path={path}&sha256={digest}"


def staged(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".uploads/*") if path.is_file()]


def test_a_file_in_pieces_is_written_once(place: tuple[Any, Path]) -> None:
    served, folder = place
    for offset in range(0, len(DATA), 1_000_000):
        piece = DATA[offset : offset + 1_000_000]
        assert served.ask("PUT", f"{where('big')}&offset={offset}", piece).status == 200
    (file,) = staged(folder)
    inode = file.stat().st_ino
    assert served.ask("POST", f"{where('big')}&size={len(DATA)}").status == 200
    assert staged(folder) == []
    found = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_ino == inode]
    assert [path.read_bytes() for path in found] == [DATA]
    assert served.get(f"/runs/{RUN}/artifact?path=big").body == DATA


def test_a_piece_that_is_cut_off_is_gone_on_with_from_there(place: tuple[Any, Path]) -> None:
    served, _ = place
    data = secrets.token_bytes(2_000_000)
    target = where("cut", hashlib.sha256(data).hexdigest())
    client = socket.create_connection((served.host, served.port), timeout=30)
    head = f"PUT {target}&offset=0 HTTP/1.1\r\nHost: {served.host}:{served.port}\r\n"
    head += f"Authorization: Bearer {served.token}\r\nContent-Length: {len(data)}\r\n\r\n"
    client.sendall(head.encode() + data[:1_200_000])
    until = time.monotonic() + 30
    while not served.ask("GET", target).json["offset"]:
        assert time.monotonic() < until
    client.close()
    held = served.ask("GET", target).json["offset"]
    while (put := served.ask("PUT", f"{target}&offset={held}", data[held:])).status != 200:
        assert put.status in (409, 503)  # the cut is not noticed yet
        assert time.monotonic() < until
        held = served.ask("GET", target).json["offset"]
    assert 0 < held <= 1_200_000
    assert served.ask("POST", f"{target}&size={len(data)}").status == 200
    assert served.get(f"/runs/{RUN}/artifact?path=cut").body == data


def test_what_another_process_received_is_read_for_its_digest(tmp_path: Path, tools: Any) -> None:
    """The server is another one after a restart, and has reckoned nothing of the first piece."""
    for half in (0, 1):
        with tools.serving(tmp_path, backend=str(tmp_path / "runs")) as served:
            if not half:
                served.send(tools.opening(RUN))
            piece = DATA[half * 1_500_000 : (half + 1) * 1_500_000]
            put = served.ask("PUT", f"{where('big')}&offset={half * 1_500_000}", piece)
            assert put.status == 200
            if half:
                assert served.ask("POST", f"{where('big')}&size={len(DATA)}").status == 200
                assert served.get(f"/runs/{RUN}/artifact?path=big").body == DATA


def test_what_is_not_finished_within_a_day_goes_at_the_start(tmp_path: Path, tools: Any) -> None:
    store = str(tmp_path / "runs")
    with tools.serving(tmp_path, backend=store) as served:
        served.send(tools.opening(RUN))
        for path in ("old", "young"):
            assert served.ask("PUT", f"{where(path)}&offset=0", DATA).status == 200
    assert len(staged(tmp_path)) == 2
    key = uploads.fingerprint("upload", RUN, "old", DIGEST)
    with contextlib.closing(sqlite3.connect(tmp_path / "runs" / "server.db")) as database, database:
        changed = database.execute(
            "update autolog_server_uploads set touched = touched - 90000 where key = ?", (key,)
        )
        assert changed.rowcount == 1
    with tools.serving(tmp_path, backend=store) as served:
        assert served.ask("GET", where("old")).json == {"offset": 0}
        assert served.ask("GET", where("young")).json == {"offset": len(DATA)}
        assert served.ask("DELETE", where("young")).status == 204
    assert staged(tmp_path) == []


def test_a_store_without_a_place_for_pieces_keeps_them_as_files(tmp_path: Path) -> None:
    service = Service(Config(backend="memory:uploads", access=f"sqlite:///{tmp_path}/access.db"))
    store = MemoryBackend("memory:uploads")
    file = uploads.staged(service, "b" * 32)
    assert isinstance(file, Pieces)
    for offset in (0, 1_500_000):
        piece = Piece(DATA[offset : offset + 1_500_000])
        assert file.add(offset, piece) == offset + 1_500_000
    service.accounts.touch("b" * 32)
    assert file.sha256() == DIGEST
    file.keep(RUN, "big", DIGEST)
    assert store.open_artifact(RUN, "big").read() == DATA
    assert store.run_ids() == [RUN]
    assert service.accounts.untouched(uploads.ABANDONED) == []
    assert service.accounts.untouched(-1) == ["b" * 32]
    service.close()


class Piece:
    """A piece as the server receives it."""

    def __init__(self, data: bytes) -> None:
        self.declared = len(data)
        self._data = data

    def read(self, size: int = -1) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        return data
