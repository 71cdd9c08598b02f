"""Runs a library's own tests without and with autolog and compares them, test by test.

`python tests/neutrality/run.py [--strict] [-k EXPRESSION] [--json FILE] [MODULE ...]`, each
module in a session of its own; without modules the list `WIDE`. The exit code is 1 where a test
ends otherwise with autolog than without, or where autolog had anything to report.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WIDE = (
    "sklearn.tests.test_base",
    "sklearn.tests.test_pipeline",
    "sklearn.tests.test_calibration",
    "sklearn.tests.test_multiclass",
    "sklearn.tests.test_multioutput",
    "sklearn.tests.test_naive_bayes",
    "sklearn.tests.test_metaestimators",
    "sklearn.tests.test_metaestimators_metadata_routing",
    "sklearn.tests.test_metadata_routing",
    "sklearn.tests.test_docstring_parameters",
    "sklearn.tests.test_public_functions",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.tree",
    "sklearn.svm",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.cluster",
    "sklearn.mixture",
    "sklearn.decomposition",
    "sklearn.manifold",
    "sklearn.gaussian_process",
    "sklearn.model_selection",
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.feature_selection",
    "sklearn.feature_extraction",
    "sklearn.compose",
    "sklearn.inspection",
    "sklearn.utils",
    "sklearn.tests.test_common",
)
"""Modules and packages of scikit-learn whose tests the wide run takes, a session for each."""

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass
class Session:
    """What one session of tests came to; `cpu` in seconds, of its child processes too."""

    outcomes: dict[str, str]
    cpu: float
    code: int
    output: str
    reasons: dict[str, str] = field(default_factory=dict)
    fits: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)


@dataclass
class Comparison:
    """Two sessions of the same tests."""

    name: str
    plain: Session
    watched: Session

    @property
    def differing(self) -> dict[str, tuple[str, str]]:
        """Tests that ended otherwise with autolog: how without, how with."""
        without, with_us = self.plain.outcomes, self.watched.outcomes
        return {
            test: (without.get(test, "absent"), with_us.get(test, "absent"))
            for test in sorted({*without, *with_us})
            if without.get(test) != with_us.get(test)
        }

    @property
    def said(self) -> list[str]:
        """What autolog had to report: the places of its lines, and lines of child processes."""
        lines = [line for line in self.watched.output.splitlines() if line.startswith("autolog:")]
        return self.watched.said + lines

    @property
    def clean(self) -> bool:
        """Whether autolog changed nothing, said nothing, and was there."""
        return not (self.differing or self.said or not self.watched.fired)

    def facts(self) -> dict[str, Any]:
        """The figures, for a table or a file."""
        counted = Counter(self.plain.outcomes.values())
        return {
            "name": self.name,
            "tests": len(self.plain.outcomes),
            "outcomes": dict(counted),
            "differing": self.differing,
            "reported": self.said,
            "notes": self.watched.notes,
            "hooks_fired": self.watched.fired,
            "fits": self.watched.fits,
            "missed": self.watched.missed,
            "cpu_plain": round(self.plain.cpu, 1),
            "cpu_with": round(self.watched.cpu, 1),
        }


def compare(tests: Sequence[str], name: str, *, strict: bool = False) -> Comparison:
    """Run `tests` (arguments of pytest) plain and with autolog, one after the other."""
    plain = session(tests)
    return Comparison(name, plain, session(tests, watched=True, strict=strict))


def session(tests: Sequence[str], *, watched: bool = False, strict: bool = False) -> Session:
    """One session of pytest, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="neutrality-") as temporary:
        folder = Path(temporary)
        (folder / "pytest.ini").write_text("[pytest]\n")
        result = folder / "result.json"
        with (folder / "output").open("w+b") as output:
            child = subprocess.Popen(
                _command(tests, folder, watched),
                cwd=folder,
                env=_environment(folder, result, strict),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        text = (folder / "output").read_text("utf-8", "replace")
        if not result.exists():
            raise SystemExit(f"the session ended early ({child.returncode}):\n{text[-5000:]}")
        return _read(result, usage.ru_utime + usage.ru_stime, child.returncode, text)


def _read(result: Path, cpu: float, code: int, output: str) -> Session:
    found = json.loads(result.read_text())
    outcomes = {ADDRESS.sub("0x…", test): end for test, end in found["outcomes"].items()}
    reasons = {ADDRESS.sub("0x…", test): why for test, why in found["reasons"].items()}
    ours = found["autolog"]
    return Session(
        outcomes, cpu, code, output, reasons, found["fits"], found["missed"],
        ours.get("fired", {}), ours.get("said", []), ours.get("notes", {}),
    )  # fmt: skip


def _command(tests: Sequence[str], folder: Path, watched: bool) -> list[str]:
    ours = ["-m", "autolog", "run", "--backend", str(folder / "runs")] if watched else []
    options = ["-q", "-p", "probe", "-p", "no:cacheprovider", "-p", "no:randomly"]
    # Only Python's own streams are caught, so that a child process's lines are seen.
    options += ["--capture=sys", "--tb=short", "-c", str(folder / "pytest.ini")]
    options += ["--rootdir", str(folder), "--import-mode=prepend", "--pyargs"]
    return [sys.executable, *ours, "-m", "pytest", *options, *tests]


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


# -- showing -----------------------------------------------------------------------------------


def told(found: Comparison) -> str:
    """A comparison as a few lines."""
    facts = found.facts()
    fits = found.watched.fits
    lines = [
        f"{found.name}: {facts['tests']} tests, {facts['outcomes']}, CPU {found.plain.cpu:.1f} s "
        f"plain, {found.watched.cpu:.1f} s with autolog; hooks fired "
        f"{sum(found.watched.fired.values())}; fits hooked {fits.get('hooked', 0)} of "
        f"{fits.get('all', 0)}, {fits.get('recorded', 0)} recorded"
    ]
    for test, (without, with_us) in found.differing.items():
        lines.append(f"  DIFFERS {test}: {without} -> {with_us}")
        lines.append(found.watched.reasons.get(test, found.plain.reasons.get(test, "")))
    lines += [f"  SAID {line}" for line in found.said]
    lines += [f"  noted {count} × {what}" for what, count in found.watched.notes.items()]
    lines += [
        f"  missed {count} × {what}" for what, count in list(found.watched.missed.items())[:5]
    ]
    return "\n".join(lines)


def total(found: Iterable[Comparison]) -> str:
    """All comparisons in one line."""
    every = list(found)
    tests = sum(len(one.plain.outcomes) for one in every)
    differing = sum(len(one.differing) for one in every)
    fired = sum(sum(one.watched.fired.values()) for one in every)
    hooked = sum(one.watched.fits.get("hooked", 0) for one in every)
    fits = sum(one.watched.fits.get("all", 0) for one in every)
    plain, watched = sum(one.plain.cpu for one in every), sum(one.watched.cpu for one in every)
    return (
        f"{tests} tests, {differing} end otherwise, hooks fired {fired:,}, fits hooked "
        f"{hooked:,} of {fits:,}, CPU {watched / plain:.2f} × ({plain:.0f} s → {watched:.0f} s)"
    )


def main() -> int:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=WIDE)
    parser.add_argument("-k", dest="expression", help="only tests whose names match")
    parser.add_argument("--strict", action="store_true", help="autolog's own errors are raised")
    parser.add_argument("--json", type=Path, help="write the figures there, a line for a module")
    options = parser.parse_args()
    found = []
    for module in options.modules:
        tests = [module, *(["-k", options.expression] if options.expression else [])]
        found.append(compare(tests, module, strict=options.strict))
        print(told(found[-1]), flush=True)
        if options.json:
            with options.json.open("a") as file:
                file.write(json.dumps(found[-1].facts()) + "\n")
    print(total(found))
    return 0 if all(one.clean for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
