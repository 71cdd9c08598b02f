"""Runs written by hand, as a backend would be given them."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from autolog.backends.memory import MemoryBackend

from autolog.backend import Backend
from autolog.codec import escape_text, to_wire
from autolog.records import Kind, Record

DAY = 86400.0


Command = Callable[..., tuple[int, str, str]]


def run_id(prefix: str) -> str:
    """A whole id that begins with `prefix`."""
    return prefix.ljust(32, "0")


class Writer:
    """One process that writes one run, record after record; times are seconds from `start`."""

    def __init__(self, backend: Backend, run: str, writer: str, start: float) -> None:
        self.backend = backend
        self.run = run
        self.writer = writer
        self.start = start
        self.seq = 0

    def __call__(
        self,
        kind: Kind,
        key: str = "",
        value: Any = None,
        step: float | None = None,
        *,
        at: float = 0.0,
        **info: Any,
    ) -> Writer:
        record = Record(
            self.run,
            self.writer,
            self.seq,
            self.start + at,
            kind,
            escape_text(key),
            to_wire(value),
            step,
            to_wire(info) if info else None,
        )
        self.backend.write([record])
        self.seq += 1
        return self

    def opens(self, name: str = "Ridge", *, attempt: int = 1, **facts: Any) -> Writer:
        """The record that opens the run, by default of a process that is long gone."""
        given = {
            "name": name,
            "experiment": "wine/demo",
            "attempt": attempt,
            "integration": "sklearn",
            "host": "elsewhere",
        }
        return self("run", "", {**given, **facts})

    def params(self, chosen: Mapping[str, Any], defaults: Mapping[str, Any] = {}) -> Writer:
        for key, value in chosen.items():
            self("param", key, value, set=True)
        for key, value in defaults.items():
            self("param", key, value, set=False)
        return self

    def metric(self, key: str, *values: float, **info: Any) -> Writer:
        """One value without a step, or a series with steps from 0."""
        if len(values) == 1:
            return self("metric", key, values[0], **info)
        for step, value in enumerate(values):
            self("metric", key, value, step, **info)
        return self

    def ends(self, status: str = "finished", *, after: float = 1.0, **error: str) -> Writer:
        return self("end", "", {"status": status, "error": error or None}, at=after)


def settle(root: Path, moment: int) -> None:
    """Give every file that was changed just now a time long ago, another one at each step."""
    for path in root.rglob("journal-*"):
        if path.stat().st_mtime > 1.7e9:
            os.utime(path, (1.6e9 + moment, 1.6e9 + moment))


class Story:
    """A store that is being filled."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.now = time.time()
        self._writers = 0

    def run(self, prefix: str, *, ago: float = DAY, writer: str | None = None) -> Writer:
        """A writer for the run whose id begins with `prefix`, which started `ago` seconds ago."""
        self._writers += 1
        return Writer(
            self.backend, run_id(prefix), writer or f"{self._writers:032x}", self.now - ago
        )


@pytest.fixture
def story() -> Story:
    """A story told in memory."""
    return Story(MemoryBackend(f"memory:{uuid.uuid4().hex}"))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A story told on disk, in the default store of the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return Story(LocalBackend(tmp_path / "autolog-runs"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command `autolog` within this process: exit code, standard output, standard error."""
    from autolog.cli import main

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    assert "AUTOLOG_BACKEND" not in os.environ
    return run


# -- comparisons ------------------------------------------------------------------------------


def pair(story: Story, **facts: Any) -> tuple[Writer, Writer]:
    """Two finished runs of one call, `a` before `b`."""
    given = {"site": "train.py:9", "library": "scikit-learn>=1.4", **facts}
    a, b = (story.run(prefix, ago=9 - i).opens(**given) for i, prefix in enumerate("ab"))
    return a.ends(), b.ends()


def code(story: Story, prefix: str, **files: str) -> None:
    for name, text in files.items():
        path = f"code/{name.replace('__', '.')}"
        with story.backend.create_artifact(run_id(prefix), path) as stream:
            stream.write(text.encode())


def column(name: str | None, digest: str, **figures: Any) -> dict[str, Any]:
    known = {"name": name, "dtype": "float64", "digest": digest, "missing": 0, **figures}
    return {key: value for key, value in known.items() if value is not None}


def dataset(*columns: Mapping[str, Any], rows: int = 100, **facts: Any) -> dict[str, Any]:
    """A dataset whose digest follows from its columns' digests."""
    digest = "full-v1:" + "".join(str(one["digest"]) for one in columns)
    shape = [rows, len(columns)]
    known = {"role": "train", "kind": "DataFrame", "shape": shape, "digest": digest}
    return {**known, "rule": "full-v1", "rows_read": rows, "columns": [*columns], **facts}


def facts(command: Command, *words: str) -> dict[str, Any]:
    """The comparison as JSON."""
    code, out, err = command("compare", *words, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def causes(command: Command, *words: str) -> list[tuple[str, bool]]:
    """What may have changed the number, in order, and whether it is likely."""
    (why,) = facts(command, "a", "b", *words)["why"]
    return [(reason["cause"], reason["likely"]) for reason in why["reasons"]]
