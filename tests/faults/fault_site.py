"""A real server, a way to it that fails on demand, and programs that train meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import fault_stores as stores

from autolog.opening import open_backend

ENV = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}

PROGRAM = """\
import hashlib, os, random, sys, time
from autolog import autolog
autolog()
random.seed(1)
began, spent, total, calls = time.monotonic(), time.process_time(), 0.0, 0.0
with autolog.start_run("training") as run:
    for step in range(int(sys.argv[1])):
        total += random.random()
        called = time.monotonic()
        run.log_metric("loss", total, step=step)
        calls += time.monotonic() - called
        if step % 20 == 0:
            time.sleep(0.01)
        if step % 300 == 0:
            called = time.monotonic()
            run.log_artifact(str(step).encode() * 1000, "best.ckpt")
            calls += time.monotonic() - called
print("RESULT", hashlib.sha256(repr((total, random.random())).encode()).hexdigest())
print("SECONDS", time.monotonic() - began)
print("CALLS", calls)
print("CPU", time.process_time() - spent)
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """`autolog server` in a process group of its own, on one port as long as the test lasts.

    Attributes:
        command: What is run as `autolog`.
    """

    def __init__(self, folder: Path, backend: str, *more: str) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / f"server-{self.port}.log"
        self.command = [sys.executable, "-m", "autolog"]
        self.words = ["server", "--backend", backend, "--port", str(self.port), "--no-auth"]
        self.words += ["--quiet", "--rate-limit", "0", *more]
        self.env = dict(ENV)
        self.start()

    def start(self) -> None:
        """Begin to serve, and wait until it does."""
        with self.log.open("a") as file:
            self.process = subprocess.Popen(
                [*self.command, *self.words],
                env=self.env, stdout=file, stderr=file, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Way:
    """A port that leads to servers, to one after the other, unless it is told to do otherwise."""

    def __init__(self, *to: int) -> None:
        self.to, self.mode, self._count = list(to), "pass", 0
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
        self._count += 1
        to = self.to[self._count % len(self.to)]
        with socket.create_connection(("127.0.0.1", to)) as server:
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
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class User:
    """Who trains in a folder and sends to `uri`, which leads to what `stored` reads.

    Attributes:
        served: Where the same is read by means of ours.
    """

    def __init__(self, folder: Path, stored: Any, uri: str) -> None:
        self.folder, self.stored = folder, stored
        self.uri = self.served = uri
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

    def under_way(self, *programs: subprocess.Popen[str], size: int = 10_000) -> None:
        """Wait until so many bytes stand in as many journals."""
        while len(self.journals(size)) < len(programs):
            assert None in [program.poll() for program in programs]
            time.sleep(0.01)

    def arriving(self, program: subprocess.Popen[str]) -> None:
        """Wait until the store holds something."""
        while not self.stored.records():
            assert program.poll() is None
            time.sleep(0.05)

    def journals(self, size: int = 0) -> list[Path]:
        """The journals of more than `size` bytes."""
        return [one for one in self.store.glob("*/journal-*") if one.stat().st_size > size]

    def train(self, meanwhile: Callable[[], object] = lambda: None, steps: int = 3000) -> str:
        """Train to the end, while something happens; what the training came to."""
        return self.trained(meanwhile, steps)["RESULT"]

    def trained(self, meanwhile: Callable[[], object], steps: int = 3000) -> dict[str, str]:
        """Train to the end, while something happens; all that the training said."""
        program = self.begin(steps)
        self.under_way(program)
        meanwhile()
        return self.told(program)

    def told(self, program: subprocess.Popen[str]) -> dict[str, str]:
        """What a training that ended well said."""
        out, err = program.communicate(timeout=120)
        assert program.returncode == 0, err
        return dict(re.findall(r"([A-Z]+) (\S+)", out))

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

    def check(self, *journals: Path) -> int:
        """The store holds every record of the journals once, and the files; how many records.

        They are given out in the order of their numbers.
        """
        held = self.stored.records()
        served = open_backend(self.served)
        written: dict[str, Path] = {}
        for journal in journals or [self.store]:
            for run, records in stores.journalled(journal).items():
                written[run] = journal
                assert held[run] == records, run
                assert _by_writer(served.records(run)) == records, run
                assert self.stored.files(run) == stores.kept(journal, run), run
        assert set(held) == set(written)
        return sum(map(len, held.values()))


class Site(User):
    """A server over a store, the way to it, and a user on the other side."""

    def __init__(self, folder: Path, stored: Any, *words: str) -> None:
        self.server = Server(folder, stored.uri, *words)
        self.way = Way(self.server.port)
        super().__init__(folder, stored, f"http://127.0.0.1:{self.way.port}")
        self.served = f"http://127.0.0.1:{self.server.port}"

    def ready(self) -> int:
        """The status with which the server answers who asks whether it is of use."""
        try:
            with urllib.request.urlopen(f"{self.served}/readyz") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def empty(self) -> None:
        """The server loses all that it has."""
        self.server.kill()
        self.stored.empty()
        self.server.start()


def _by_writer(records: Any) -> list[Any]:
    """The records as they come, those of each writer together."""
    parts = {writer: list(found) for writer, found in groupby(records, lambda one: one.writer)}
    return [record for writer in sorted(parts) for record in parts[writer]]
