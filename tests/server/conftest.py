"""A real `autolog server` for each module, and plain HTTP to speak with it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

RUN, OTHER = "a" * 32, "b" * 32
WRITER = "1" * 32


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code; it has the one shape."""
        found = self.json["error"]
        assert set(found) <= {"code", "message", "details"}, found
        return str(found["code"])


class Served:
    """A server's process and how to ask it; `token` is sent unless a call names another."""

    def __init__(self, process: subprocess.Popen[str], host: str, port: int, log: Path) -> None:
        self.process, self.host, self.port, self.log = process, host, port, log
        self.url = f"http://{host}:{port}"
        self.token: str | None = None

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = "", **headers: str
    ) -> Reply:
        """One request exactly as it is written: nothing in `path` is mended on its way."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        used = self.token if token == "" else token
        if used:
            sent.setdefault("Authorization", f"Bearer {used}")
        if isinstance(body, list | dict):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            data = body.encode() if isinstance(body, str) else body
            if data is not None and "Transfer-Encoding" not in sent:
                sent.setdefault("Content-Length", str(len(data)))
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Reply:
        """GET below `/api/v1`."""
        return self.ask("GET", f"/api/v1{path}", **more)

    def send(self, *records: dict[str, Any], **more: Any) -> Reply:
        """POST records."""
        return self.ask("POST", "/api/v1/records", list(records), **more)


def record(run: str, seq: int, kind: str, value: Any, key: str = "", **more: Any) -> dict[str, Any]:
    """A record as JSON."""
    fixed = {"run": run, "writer": WRITER, "seq": seq, "time": 1.7e9 + seq, "kind": kind}
    return {**fixed, "key": key, "value": value, **more}


def opening(run: str, experiment: str | None = "wine/demo", **facts: Any) -> dict[str, Any]:
    """A run's first record."""
    value = {"name": "by hand", **({} if experiment is None else {"experiment": experiment})}
    return record(run, 0, "run", {**value, **facts})


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`autolog WORDS`, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "autolog", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@contextmanager
def serving(folder: Path, *options: str, backend: str | None = None) -> Iterator[Served]:
    """`autolog server` over a store in `folder`, on a port that is free."""
    log = folder / "server.log"
    state = folder / "state"
    words = ["server", "--port", "0", "--backend", backend or str(folder / "runs"), *options]
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "autolog", *words],
            stderr=file,
            text=True,
            env={**os.environ, "XDG_STATE_HOME": str(state)},
        )
    try:
        served = _ready(process, log)
        files = list(state.rglob("*.token"))
        served.token = files[0].read_text().strip() if files else None
        yield served
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ready(process: subprocess.Popen[str], log: Path) -> Served:
    while True:
        match = re.search(r"https?://\[?([\w.:]+?)\]?:(\d+) serves", log.read_text())
        if match:
            served = Served(process, match[1].replace("0.0.0.0", "127.0.0.1"), int(match[2]), log)
            try:
                if served.ask("GET", "/healthz").status == 200:
                    return served
            except OSError:
                pass
        assert process.poll() is None, log.read_text()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with its local token, over an empty local store."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="session")
def tools() -> Any:
    """The functions of this file, for tests that start servers of their own."""
    return sys.modules[__name__]


Ask = Callable[..., Reply]
