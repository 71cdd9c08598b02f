"""Whole training programs for the tests of the core, run quickly."""

from __future__ import annotations

import json
import os
import shutil
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

HEAD = """\
import hashlib, json, os, shutil, sys, time
from pathlib import Path
from autolog import autolog
autolog()
import numpy as np
from sklearn.linear_model import Ridge
X = np.random.default_rng(0).random((40, 3))
y = X @ [1.0, 2.0, 3.0]
store = Path(os.environ["AUTOLOG_BACKEND"])
results = []

def train(*alphas):
    for alpha in alphas:
        results.append(Ridge(alpha=alpha).fit(X, y).coef_.tobytes().hex())
        autolog.log_metric("alpha", alpha)

"""
TAIL = '\nprint("RESULT", hashlib.sha256(repr(results).encode()).hexdigest())\n'


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


@pytest.fixture
def play(programs: Any) -> Callable[..., Any]:
    """Runs statements between head and tail, strict mode off; they must end with their result."""

    def run(source: str, code: int = 0, **env: str) -> Any:
        done = programs(HEAD + source + TAIL, AUTOLOG_STRICT="0", **env)
        assert done.code == code, done.out
        return done

    return run


@pytest.fixture
def unharmed(play: Callable[..., Any], programs: Any) -> Callable[..., list[str]]:
    """Runs statements with us and, with `AUTOLOG=0`, without: equal results; our lines."""

    def run(source: str, **env: str) -> list[str]:
        before = sorted(p.name for p in programs.folder.iterdir())
        plain = play(source, **{**env, "AUTOLOG": "0"})
        assert "autolog" not in plain.out
        for path in programs.folder.iterdir():
            if path.name not in (*before, "train.py", "out"):
                path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        watched = play(source, **env)
        lines = watched.out.splitlines()
        said = [line for line in lines if line.startswith("autolog:")]
        assert [line for line in lines if line not in said] == plain.out.splitlines()
        return said

    return run


@pytest.fixture(scope="session")
def head() -> str:
    """How programs begin: `X`, `y`, `store`, `results`, and `train(*alphas)`."""
    return HEAD
