"""Starting, working in several processes, and stopping."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from http_farm import self_signed

from autolog.cli import serving

RUN = "a" * 32


def test_several_processes_are_one_server(tmp_path: Path, tools: Any) -> None:
    with tools.serving(tmp_path, "--workers", "2") as served:
        runs = [f"{number:032x}" for number in range(30)]
        for run in runs:
            assert served.send(tools.opening(run)).status == 200
            assert served.send(tools.record(run, 1, "metric", 1.0, "loss", step=1)).status == 200
        assert sorted(served.get("/run-ids").json["runs"]) == runs
        told = served.ask("GET", "/metrics").body.decode()
        assert 'route="/api/v1/records",status="200"} 60.0' in told
        data = os.urandom(300_000)
        where = f"/api/v1/runs/{runs[0]}/upload?path=a&sha256={hashlib.sha256(data).hexdigest()}"
        for offset in range(0, len(data), 50_000):
            piece = served.ask("PUT", f"{where}&offset={offset}", data[offset : offset + 50_000])
            assert piece.json == {"offset": offset + 50_000}
        assert served.ask("POST", f"{where}&size={len(data)}").status == 200
        assert served.get(f"/runs/{runs[0]}/artifact?path=a").body == data


def test_a_stop_lets_requests_end(tmp_path: Path, tools: Any) -> None:
    """Half of an upload is there and a client listens to events when the signal comes."""
    with tools.serving(tmp_path) as served:
        served.send(tools.opening(RUN))
        events = http.client.HTTPConnection(served.host, served.port, timeout=30)
        headers = {"Authorization": f"Bearer {served.token}"}
        events.request("GET", f"/api/v1/runs/{RUN}/events", headers=headers)
        stream = events.getresponse()
        assert stream.readline().startswith(b"id: ")
        upload = socket.create_connection((served.host, served.port), timeout=30)
        head = f"PUT /api/v1/runs/{RUN}/artifact?path=late HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: Bearer {served.token}\r\nContent-Length: 10\r\n\r\n"
        upload.sendall(head.encode() + b"01234")
        _until(lambda: (tmp_path / "runs" / RUN / "artifacts").exists())
        served.process.send_signal(signal.SIGTERM)
        assert b"data: " in stream.read()  # to its end
        upload.sendall(b"56789")
        assert upload.recv(1000).startswith(b"HTTP/1.1 200")
        assert served.process.wait(timeout=60) == 0
        assert (tmp_path / "runs" / RUN / "artifacts" / "late").read_bytes() == b"0123456789"
        assert not list((tmp_path / "state").rglob("*.token"))
        assert "Traceback" not in served.log.read_text()


def _until(done: Any) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_store_that_is_away_is_waited_for(tmp_path: Path, tools: Any) -> None:
    with tools.serving(tmp_path) as served:
        served.send(tools.opening(RUN))
        folder = tmp_path / "runs"
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("a file in its place")
        reply = served.send(tools.opening("b" * 32))
        assert (reply.status, reply.code) == (503, "store_unavailable")
        assert int(reply.headers["retry-after"]) > 0
        assert str(tmp_path) not in reply.body.decode()
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        assert served.send(tools.opening("b" * 32)).status == 200


def test_a_certificate_is_served(
    tmp_path: Path, tools: Any, certificate: tuple[Path, Path]
) -> None:
    options = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    words = ["server", "--port", "0", "--backend", str(tmp_path / "runs"), *options]
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "autolog", *words],
            stderr=file,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        )
    try:
        _until(lambda: "AUTOLOG_BACKEND=https://" in log.read_text())
        port = int(log.read_text().split("AUTOLOG_BACKEND=")[1].split()[0].rpartition(":")[2])
        context = ssl.create_default_context(cafile=str(certificate[0]))
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One for 127.0.0.1, as the tests of the client have it."""
    return self_signed(tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--backend", "nope://x"), "no backend for 'nope'"),
        (("--tls-cert", "/no/such"), "go together"),
        (("--proxy", "everybody"), "write 10.0.0.5"),
        (("--proxy-role", "god"), "no role 'god'"),
        (("--policy", "/no/such.json"), "--policy"),
        (("--host", "no-such-host.invalid"), "no-such-host.invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path,
    options: tuple[str, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, for none of it comes to serving."""
    from autolog.cli.app import call

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    given = options if options[0] == "--backend" else ("--backend", str(tmp_path / "r"), *options)
    assert call(["server", "--port", "0", *given]) in (1, 2)
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") <= 2


def test_a_port_that_is_taken_is_named(tmp_path: Path, tools: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ("server", "--port", port, "--backend", str(tmp_path / "runs"))
        done = tools.command(*words, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_served_where_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert serving._store(None) == f"sqlite:///{tmp_path}/autolog-server/runs.db"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "autolog-runs").mkdir()
    assert serving._store(None) == str(tmp_path / "autolog-runs")
    monkeypatch.setenv("AUTOLOG_BACKEND", "sqlite:///other.db")
    assert serving._store(None) == "sqlite:///other.db"
    assert serving._store("memory:") == "memory:"
