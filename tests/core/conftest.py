"""Whole training programs for the tests of the core, run quickly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import autolog
from autolog.view import RunView

WARM = Path(__file__).with_name("warm.py")


class Done(NamedTuple):
    """An ended program: exit code (negative: the signal that ended it), what it printed."""

    code: int
    out: str


class Warm:
    """The process that programs are forked from."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, WARM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _told(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())

    def start(self, order: dict[str, Any]) -> int:
        """Begin a program; its pid."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return self._told()

    def wait(self) -> int:
        """The exit code of the program begun last."""
        return os.waitstatus_to_exitcode(self._told())

    def close(self) -> None:
        """End the process."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()


class Programs:
    """Runs programs in a folder of their own, and reads what they left."""

    def __init__(self, warm: Warm, folder: Path) -> None:
        self.warm = warm
        self.settle(folder)

    def settle(self, folder: Path) -> None:
        """Work in `folder` from here on."""
        self.folder = folder
        self.store = folder / "autolog-runs"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self.env = {**os.environ, "TMPDIR": str(self.temporary), "AUTOLOG_BACKEND": str(self.store)}

    def __call__(
        self, source: str, *arguments: str, at_start: Callable[[int], Any] | None = None, **env: str
    ) -> Done:
        """Run `source` to its end; `at_start` is called with its pid meanwhile."""
        program, out = self.folder / "train.py", self.folder / "out"
        program.write_text(textwrap.dedent(source), "utf-8")
        order = {
            "program": str(program),
            "arguments": arguments,
            "env": {**self.env, **env},
            "cwd": str(self.folder),
            "out": str(out),
        }
        pid = self.warm.start(order)
        try:
            if at_start is not None:
                at_start(pid)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            code = self.warm.wait()
        return Done(code, out.read_text("utf-8", "replace"))

    def runs(self, store: Path | None = None) -> list[RunView]:
        """The runs in the store, oldest first."""
        return list(autolog.search_runs(backend=store or self.store))[::-1]

    def spilled(self) -> list[RunView]:
        """The runs in the temporary folder, oldest first in each of its stores."""
        return [run for place in sorted(self.temporary.glob("autolog-spill-*"))
                for run in self.runs(place)]  # fmt: skip


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """One for all tests of a session; it starts with the first that needs it."""
    pytest.importorskip("sklearn")
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    server = Warm()
    yield server
    server.close()


@pytest.fixture
def programs(warm: Warm, tmp_path: Path) -> Programs:
    """Programs in an empty folder."""
    return Programs(warm, tmp_path)
