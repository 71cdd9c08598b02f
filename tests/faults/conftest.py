"""A real server, a way to it that fails on demand, and programs that train meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from autolog.backends.local import LocalBackend

ENV = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}

PROGRAM = """\
import hashlib, os, random, sys, time
from autolog import autolog
autolog()
random.seed(1)
began, total = time.monotonic(), 0.0
with autolog.start_run("training") as run:
    for step in range(int(sys.argv[1])):
        total += random.random()
        run.log_metric("loss", total, step=step)
        if step % 20 == 0:
            time.sleep(0.01)
        if step % 300 == 0:
            run.log_artifact(str(step).encode() * 1000, "best.ckpt")
print("RESULT", hashlib.sha256(repr((total, random.random())).encode()).hexdigest())
print("SECONDS", time.monotonic() - began)
"""


class Server:
    """`autolog server` in a process group of its own, on one port as long as the test lasts."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder, self.backend = folder, backend
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Begin to serve, and wait until it does."""
        log = self.folder / "server.log"
        words = ["--backend", self.backend, "--port", str(self.port), "--no-auth", "--quiet"]
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autolog", "server", *words, "--rate-limit", "0"],
                env=ENV, stdout=file, stderr=file, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Way:
    """A port that leads to the server, unless it is told to do otherwise."""

    def __init__(self, to: int) -> None:
        self.to, self.mode = to, "pass"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            mode = self.mode
            if mode in ("pass", "cut"):
                self._forward(client, 3000 if mode == "cut" else sys.maxsize)
                return
            client.recv(65536)
            while self.mode == "hang":
                time.sleep(0.05)
            client.sendall(_ANSWERS.get(mode, b""))

    def _forward(self, client: socket.socket, most: int) -> None:
        """Pass on what either side says; after `most` bytes of the client's both are cut off."""
        with socket.create_connection(("127.0.0.1", self.to)) as server:
            back = threading.Thread(target=_pump, args=[server, client, self], daemon=True)
            back.start()
            _pump(client, server, self, most)

    def close(self) -> None:
        """Refuse all."""
        self._listener.close()


_ANSWERS = {
    "500": b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops",
    "429": b"HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "garbage": b"\x00\xff{]]" * 1000,
    "lies": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n<a>",
}


def _pump(source: socket.socket, target: socket.socket, way: Way, most: int = sys.maxsize) -> None:
    mode = way.mode
    with contextlib.suppress(OSError):
        while most > 0 and way.mode == mode and (data := source.recv(min(65536, most))):
            target.sendall(data)
            most -= len(data)
        for one in (source, target):
            one.shutdown(socket.SHUT_RDWR)


class Site:
    """The server, the way to it, and a user's folder on the other side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served = folder / "served"
        self.server = Server(folder, str(self.served))
        self.way = Way(self.server.port)
        self.uri = f"http://127.0.0.1:{self.way.port}"
        self.store, self.spool = folder / "autolog-runs", folder / "spool"
        (folder / "train.py").write_text(PROGRAM)

    @property
    def env(self) -> dict[str, str]:
        """What the user has set."""
        return {
            **ENV,
            "AUTOLOG_BACKEND": f"{self.store} {self.uri}",
            "AUTOLOG_SPOOL": str(self.spool),
            "AUTOLOG_EXIT_TIMEOUT": "0.3",
            "TMPDIR": str(self.folder),
        }

    def begin(self, steps: int = 3000, **env: str) -> subprocess.Popen[str]:
        """Train."""
        return subprocess.Popen(
            [sys.executable, "train.py", str(steps)], env={**self.env, **env}, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def train(self, meanwhile: Callable[[], object] = lambda: None, steps: int = 3000) -> str:
        """Train to the end, while something happens; the training's result."""
        program = self.begin(steps)
        time.sleep(1)
        meanwhile()
        out, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
        found = re.search(r"RESULT (\w+)", out)
        assert found is not None
        return found[1]

    def sync(self) -> None:
        """Send what is left, by hand, until nothing is."""
        until = time.monotonic() + 90
        while True:
            done = subprocess.run(
                [sys.executable, "-m", "autolog", "sync"], env=self.env, cwd=self.folder,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode == 0:
                return
            assert time.monotonic() < until, done.stdout + done.stderr
            time.sleep(0.2)

    def empty(self) -> None:
        """The server loses all that it has."""
        self.server.kill()
        shutil.rmtree(self.served)
        self.server.start()

    def check(self, *journals: Path) -> int:
        """The server holds every record of the journals once, and the files; how many records."""
        count = 0
        kept = LocalBackend(self.served)
        for journal in map(LocalBackend, journals or [self.store]):
            for run in journal.run_ids():
                assert list(kept.records(run)) == list(journal.records(run)), run
                assert kept.artifacts(run) == journal.artifacts(run)
                for path in journal.artifacts(run):
                    with kept.open_artifact(run, path) as a, journal.open_artifact(run, path) as b:
                        assert a.read() == b.read(), (run, path)
        for path in self.served.glob("*/journal-*.jsonl"):
            lines = path.read_bytes().splitlines()[1:]
            seqs = [int(line[1 : line.index(b",")]) for line in lines]
            assert seqs == list(range(len(seqs))), path
            count += len(seqs)
        return count


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server and a user, for one test."""
    site = Site(tmp_path)
    yield site
    site.way.close()
    site.server.kill()


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the training comes to without us."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "train.py").write_text(PROGRAM)
    out = subprocess.run(
        [sys.executable, "train.py", "3000"], env={**ENV, "AUTOLOG": "0"}, cwd=folder,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = re.search(r"RESULT (\w+)", out)
    assert found is not None
    return found[1]
