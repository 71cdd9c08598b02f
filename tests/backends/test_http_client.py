"""The client of a server: what it believes, what it tells whom, and how it goes on."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import http_farm
import msgspec
import pytest
from autolog.backends.http import HttpBackend, wire

from autolog.errors import BackendError, FilterError, NotFound
from autolog.localtoken import token_file, write_token
from autolog.query import Query
from autolog.records import Record
from autolog.search import search_runs
from autolog.testing._backend_parts import record, series

RUN, OTHER, WRITER = "a" * 32, "b" * 32, "1" * 32

Handler = http.server.BaseHTTPRequestHandler


@contextmanager
def answering(do: Callable[[Any], None]) -> Iterator[Any]:
    """A real HTTP server that answers as `do` says; `asked` has the requests."""

    class Scripted(Handler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            server.asked.append((self.command, self.path, dict(self.headers)))
            do(self)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        asked: list[tuple[str, str, dict[str, str]]]

    server = Server(("127.0.0.1", 0), Scripted)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def reply(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    """What always answers so."""

    def do(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return do


def url(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


# -- addresses -------------------------------------------------------------------------------


def test_making_one_asks_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        backend = HttpBackend(f"http://127.0.0.1:{trap.getsockname()[1]}/")
        assert not backend.uri.endswith("/")
        backend.close()
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "uri",
    [
        "http:",
        "http://",
        "http:///x",
        "http://h:port",
        "http://h:99999",
        "http://h?a=b",
        "http://h#a",
    ],
)
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(BackendError, match="is no address"):
        HttpBackend(uri)


def test_a_secret_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BackendError, match="AUTOLOG_TOKEN") as caught:
        HttpBackend("https://jane:hunter2@runs.example.org")
    assert "hunter2" not in str(caught.value)


# -- what servers answer -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (500, b"", False),
        (502, b"<html>bad gateway</html>", False),
        (429, b"", False),
        (503, b'{"error": {"code": "store_unavailable", "message": "away"}}', False),
        (400, b"", True),
        (401, b"", True),
        (403, b'{"error": []}', True),
        (404, b"<html>some other server</html>", True),
        (413, b"\xff\xfe", True),
    ],
)
def test_errors_say_whether_to_try_again(status: int, body: bytes, permanent: bool) -> None:
    with answering(reply(status, body, Retry_After="7")) as server:
        backend = HttpBackend(url(server))
        calls: list[Callable[[], Any]] = [
            lambda: backend.write(series(RUN, WRITER, 0, 1)),
            lambda: backend.acked(RUN),
            lambda: backend.send_artifact(RUN, "a", io.BytesIO(b"x")),
            lambda: list(backend.records(RUN)),
        ]
        for call in calls:
            with pytest.raises(BackendError) as caught:
                call()
            assert caught.value.permanent is permanent
            assert not isinstance(caught.value, NotFound)
            if not permanent:
                assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"writers": 3}', b'{"writers": {"a": "b"}}', b"<html>", b"[" * 100_000],
)
def test_an_answer_of_another_kind_is_an_error(body: bytes) -> None:
    with answering(reply(200, body)) as server, pytest.raises(BackendError):
        HttpBackend(url(server)).acked(RUN)


def test_a_body_that_is_cut_off_is_an_error() -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"run":')
        handler.close_connection = True

    with answering(half) as server:
        backend = HttpBackend(url(server))
        for call in (lambda: backend.acked(RUN), lambda: list(backend.records(RUN))):
            with pytest.raises(BackendError):
                call()
        with pytest.raises(BackendError), backend.open_artifact(RUN, "a") as stream:
            stream.read()


def test_a_batch_is_cut_into_bodies_that_a_server_takes() -> None:
    sizes = [10, 3_000_000, 3_000_000, 10, 5_000_000, *[10] * wire.MOST_RECORDS]
    batch = [Record(RUN, WRITER, i, 1e9, "tag", "t", "x" * n) for i, n in enumerate(sizes)]
    cut = [msgspec.msgpack.decode(body, type=list[Record]) for body in wire.bodies(batch)]
    assert [one for part in cut for one in part] == batch
    for part in cut:
        size = sum(len(one.value) for one in part)
        assert len(part) == 1 or (len(part) <= wire.MOST_RECORDS and size < wire.MOST_BYTES)
    assert len(cut) == 5


def test_a_record_that_cannot_be_sent_is_named() -> None:
    batch = [Record(RUN, WRITER, i, 1e9, "tag", "t", i if i != 3 else object()) for i in range(9)]
    with pytest.raises(BackendError, match="record 3 is not in wire form") as caught:
        list(wire.bodies(batch))
    assert caught.value.permanent


def test_a_redirect_is_not_followed() -> None:
    with answering(reply(200, b'{"writers": {}}')) as elsewhere:
        where = f"{url(elsewhere)}/steal?x=secret"
        with answering(reply(307, Location=where)) as server:
            backend = HttpBackend(url(server))
            for call in (
                lambda: backend.acked(RUN),
                lambda: backend.write(series(RUN, WRITER, 0, 1)),
            ):
                with pytest.raises(BackendError, match="redirects to") as caught:
                    call()
                assert caught.value.permanent
        assert elsewhere.asked == []


def test_nothing_is_said_in_the_programs_log(caplog: pytest.LogCaptureFixture) -> None:
    def cut(handler: Any) -> None:
        handler.close_connection = True

    with answering(cut) as server, pytest.raises(BackendError):
        HttpBackend(url(server)).acked(RUN)
    assert len(server.asked) == 2
    assert [line for line in caplog.records if line.levelname != "DEBUG"] == []


def test_a_dead_server_is_an_error_of_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BackendError, match="refused") as caught:
        HttpBackend(f"http://127.0.0.1:{port}").write(series(RUN, WRITER, 0, 1))
    assert not caught.value.permanent
    assert "\n" not in str(caught.value)
    with pytest.raises(BackendError, match="no-such-host"):
        HttpBackend("http://no-such-host.invalid").acked(RUN)


# -- tokens, proxies, certificates -----------------------------------------------------------------


def test_the_local_token_is_for_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("AUTOLOG_TOKEN", raising=False)
    with answering(reply(200, b'{"writers": {}}')) as server:
        port = server.server_address[1]
        path = token_file("127.0.0.1", port)
        write_token(path, "local-token")
        HttpBackend(f"http://localhost:{port}").acked(RUN)
        assert server.asked[-1][2]["Authorization"] == "Bearer local-token"
        monkeypatch.setenv("AUTOLOG_TOKEN", "mine")
        HttpBackend(url(server)).acked(RUN)
        assert server.asked[-1][2]["Authorization"] == "Bearer mine"
        monkeypatch.delenv("AUTOLOG_TOKEN")
        path.chmod(0o644)  # others could have read it, or put it there
        HttpBackend(url(server)).acked(RUN)
        assert "Authorization" not in server.asked[-1][2]
        monkeypatch.setenv("http_proxy", url(server))
        path.chmod(0o600)
        HttpBackend(f"http://runs.example.org:{port}").acked(RUN)
        assert server.asked[-1][1].startswith(f"http://runs.example.org:{port}/api/v1/")
        assert "Authorization" not in server.asked[-1][2]
        monkeypatch.setenv("no_proxy", "example.org")
        with pytest.raises(BackendError):
            HttpBackend(f"http://runs.example.org:{port}").acked(RUN)


def test_a_certificate_is_checked_with_the_authority_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    certificate, key = http_farm.self_signed(tmp_path)
    with answering(reply(200, b'{"writers": {}}')) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        address = url(server).replace("http:", "https:")
        with pytest.raises(BackendError, match=r"(?i)certificate"):
            HttpBackend(address).acked(RUN)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert HttpBackend(address).acked(RUN) == {}


# -- files and questions, on a real server ----------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with http_farm.farm(tmp_path_factory.mktemp("farm"), "local") as found:
        yield found


@pytest.fixture
def backend(address: str, monkeypatch: pytest.MonkeyPatch) -> HttpBackend:
    monkeypatch.setenv("AUTOLOG_TOKEN", http_farm.TOKEN)
    return HttpBackend(f"{address}/client")


class Breaking(io.BytesIO):
    """A file that cannot be read beyond a place."""

    limit = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.limit > 0:
            raise OSError("the disk is gone")
        return super().read(size)


def test_a_large_file_goes_on_where_it_was_cut_off(backend: HttpBackend) -> None:
    data = os.urandom(1 << 20) * 40
    digest = hashlib.sha256(data).hexdigest()
    source = Breaking(data)
    source.limit = 20_000_000
    with pytest.raises(OSError, match="gone"):
        backend.send_artifact(RUN, "big.bin", source, digest)
    assert backend.artifacts(RUN) == []
    rest = Breaking(data)
    read: list[int] = []
    rest.read = lambda size=-1: read.append(size) or io.BytesIO.read(rest, size)  # type: ignore[method-assign, func-returns-value]
    backend.send_artifact(RUN, "big.bin", rest, digest)
    assert sum(read) < len(data)
    with backend.open_artifact(RUN, "big.bin") as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == digest
        stream.seek(-10, os.SEEK_END)
        assert stream.read() == data[-10:]
        stream.seek(5)
        assert stream.read(10) == data[5:15]


def test_other_bytes_than_announced_are_refused(backend: HttpBackend) -> None:
    for size in (10, 17_000_000):
        with pytest.raises(BackendError):
            backend.send_artifact(OTHER, "a", io.BytesIO(b"x" * size), "0" * 64)
    assert backend.artifacts(OTHER) == []


def test_searches_and_histories_are_answered_by_the_server(backend: HttpBackend) -> None:
    for number in range(5):
        run = f"{number:032x}"
        facts = {"name": f"n{number}", "experiment": "wine"}
        opened = record(run, WRITER, 0, facts, kind="run", key="")
        points = [record(run, WRITER, n, n * 0.5 + number, step=n) for n in range(1, 30)]
        backend.write([opened, *points])
    found = search_runs(backend, "metrics.loss > 15", order_by="metrics.loss DESC", limit=3)
    assert [run.name for run in found] == ["n4", "n3", "n2"]
    history = found[0].history("loss", limit=7)
    assert (history.sampled, history.total) == (True, 29)
    assert [point.step for point in found[0].history("loss", steps=(3, 5))] == [3, 4, 5]
    assert backend.experiments()["wine"] == 5
    assert len(list(backend.summaries())) >= 5
    with pytest.raises(FilterError):
        backend.search(Query("metrics.loss >> 1"))
    with pytest.raises(NotFound):
        found[0].history("nothing")


def test_a_store_over_http_says_what_files_say(backend: HttpBackend) -> None:
    """Values that JSON alone would lose, as a reader sees them."""
    hard = {"nan": float("nan"), "big": 10**40, "text": "a\x00b", "bytes": b"\xff"}
    run = "d" * 32
    batch = [record(run, WRITER, 0, {"name": "hard"}, kind="run", key="")]
    batch += [record(run, WRITER, n + 1, v, kind="param", key=k)
              for n, (k, v) in enumerate(hard.items())]  # fmt: skip
    backend.write(batch)
    odd = "\udc80 \x00 👩"
    facts = {"name": odd, "experiment": odd, "pid": 2**70}
    again = record(OTHER, WRITER, 0, facts, kind="run", key="")
    unit = {"unit": odd, "link": "probable"}
    backend.write([again, record(OTHER, WRITER, 1, 10**30, key=odd, step=1, info=unit)])
    (found,) = search_runs(backend, "name = 'hard'")
    assert repr(dict(found.params)) == repr(hard)
    (other,) = search_runs(backend, limit=1, experiment=odd)
    assert (other.name, other.experiment, dict(other.metrics)) == (odd, odd, {odd: 10**30})
    history = other.history(odd)
    assert ([point.value for point in history], history.unit) == ([10**30], odd)
    assert backend.experiments()[odd] == 1
