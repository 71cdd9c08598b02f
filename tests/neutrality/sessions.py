"""One session of a library's own tests in a fresh process, plain or under `autolog run`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


class Died(Exception):
    """A session that ended before it could say what its tests came to."""


@dataclass
class Session:
    """What one session of tests came to; `cpu` in seconds, of its child processes too."""

    outcomes: dict[str, str]
    cpu: float
    code: int
    lines: list[str]
    reasons: dict[str, str] = field(default_factory=dict)
    fits: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The session as JSON."""
        return asdict(self)


def session(
    tests: Sequence[str], *, watched: bool = False, strict: bool = False, workers: int = 0
) -> Session:
    """One session of pytest, in a folder of its own that is gone afterwards.

    `tests`: arguments of pytest; `workers`: that many of xdist, 0 for none. Raises `Died`.
    """
    with tempfile.TemporaryDirectory(prefix="neutrality-") as temporary:
        folder = Path(temporary)
        (folder / "pytest.ini").write_text("[pytest]\npython_files = test_*.py *_test.py\n")
        result = folder / "result.json"
        with (folder / "output").open("w+b") as output:
            child = subprocess.Popen(
                _command(tests, folder, watched, workers),
                cwd=folder,
                env=_environment(folder, result, strict) | _library(tests),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        text = (folder / "output").read_text("utf-8", "replace")
        if not result.exists():
            raise Died(f"the session ended early ({child.returncode}):\n{text[-5000:]}")
        parts = [json.loads(part.read_text()) for part in sorted(folder.glob("result.json*"))]
        return _read(parts, usage.ru_utime + usage.ru_stime, child.returncode, text)


def _read(parts: list[dict[str, Any]], cpu: float, code: int, output: str) -> Session:
    """`parts`: what the probe wrote, first of the session itself, then of each worker."""
    ours = [part["autolog"] for part in parts]
    return Session(
        _named(parts[0]["outcomes"]),
        round(cpu, 1),
        code,
        [line for line in output.splitlines() if line.startswith("autolog:")],
        _named(parts[0]["reasons"]),
        _added(part["fits"] for part in parts),
        _added(part["missed"] for part in parts),
        _added(part.get("fired", {}) for part in ours),
        sorted({place for part in ours for place in part.get("said", [])}),
        _added(part.get("notes", {}) for part in ours),
    )


def _named(tests: Mapping[str, str]) -> dict[str, str]:
    """Addresses in tests' names differ from process to process."""
    return {ADDRESS.sub("0x…", test): what for test, what in tests.items()}


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def _command(tests: Sequence[str], folder: Path, watched: bool, workers: int) -> list[str]:
    ours = ["-m", "autolog", "run", "--backend", str(folder / "runs")] if watched else []
    options = ["-q", "-p", "probe", "-p", "no:cacheprovider", "-p", "no:randomly"]
    # Only Python's own streams are caught, so that a child process's lines are seen.
    options += ["--capture=sys", "--tb=short", "-c", str(folder / "pytest.ini")]
    options += ["--rootdir", str(folder), "--import-mode=prepend", "--pyargs"]
    options += ["--continue-on-collection-errors"]
    options += ["-n", str(workers)] if workers else ["-p", "no:xdist"]
    return [sys.executable, *ours, "-m", "pytest", *options, *tests]


def _library(tests: Sequence[str]) -> dict[str, str]:
    """Whose fits the probe is to count; Keras with a backend that needs no TensorFlow."""
    library = re.split(r"[._]", tests[0])[0]
    return {
        "NEUTRALITY_LIBRARY": library,
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "torch"),
    }


def _environment(folder: Path, result: Path, strict: bool) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    environ |= {
        "NEUTRALITY_RESULT": str(result),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
        "PYTHONHASHSEED": "0",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return environ | ({"AUTOLOG_STRICT": "1"} if strict else {})
