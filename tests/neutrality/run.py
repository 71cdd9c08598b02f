"""Runs a library's own tests without and with autolog and compares them, test by test.

`python -m tests.neutrality.run [--xdist N] [--plain FILE] [--results FILE] [MODULE ...]`; each
module of tests in a session of its own, without modules all that scikit-learn ships. A package
with tests in it counts as all of them. With the files an interrupted run goes on where it was:
what they hold is not run again. The exit code is 1 where a test ends otherwise with autolog than
without, where autolog had anything to report, or where its hooks met too few of the fits.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import autolog

from . import modules
from .comparing import Comparison, compare, told
from .figures import ENOUGH, read, total
from .sessions import Died, Session


class Kept:
    """A file of JSON lines, one for each module and number of workers; the newest of each stays."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.lines = {_key(line): line for line in read(file)} if file else {}

    def add(self, line: dict[str, Any]) -> None:
        """Keep `line`, and write it at once."""
        self.lines[_key(line)] = line
        if self.file:
            text = "".join(json.dumps(one, sort_keys=True) + "\n" for one in self.lines.values())
            new = self.file.with_name(self.file.name + ".new")
            new.write_text(text, "utf-8")
            new.replace(self.file)


def _key(line: dict[str, Any]) -> tuple[str, int]:
    return line["name"], line["workers"]


def known(module: str, kept: Kept) -> Session | None:
    """What the tests came to without autolog and without xdist, if that was run before."""
    line = kept.lines.get((module, 0))
    if line is None or line["versions"] != modules.versions():
        return None
    return Session(**line["session"])


def commit() -> str:
    """Which state of autolog is watched; with a `*` where files differ from it."""
    folder = Path(autolog.__file__).parent
    command = ["git", "describe", "--always", "--dirty=*", "--exclude=*"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "?"


def clean(line: dict[str, Any]) -> bool:
    """Whether autolog changed nothing, said nothing, and was there."""
    return not (line["differing"] or line["reported"] or not line["hooks_fired"])


def examine(module: str, options: argparse.Namespace, before: Kept) -> Comparison:
    """Both sessions of one module, told and settled."""
    plain = known(module, before)
    found = compare(module, plain, strict=options.strict, workers=options.xdist)
    if plain is None:
        facts = {"name": module, "workers": 0, "session": found.plain.facts()}
        before.add({**facts, "versions": modules.versions()})
    found.settle()
    print(told(found), flush=True)
    return found


def main() -> int:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=["sklearn"])
    parser.add_argument("--xdist", type=int, default=0, metavar="N", help="with N workers")
    parser.add_argument("--strict", action="store_true", help="autolog's own errors are raised")
    parser.add_argument("--plain", type=Path, help="keeps what the tests come to without us")
    parser.add_argument("--results", type=Path, help="keeps the figures")
    parser.add_argument("--again", action="store_true", help="also what --results has already")
    options = parser.parse_args()
    results, before, died = Kept(options.results), Kept(options.plain), False
    for module in modules.named(options.modules):
        line = results.lines.get((module, options.xdist))
        if line and line["versions"] == modules.versions() and not options.again:
            continue
        try:
            found = examine(module, options, before)
        except Died as error:
            print(f"{module}: {error}", flush=True)
            died = True
            continue
        results.add({**found.facts(), "versions": modules.versions(), "commit": commit()})
    facts = total(results.lines.values())
    print(facts)
    return int(died or facts.share < ENOUGH or not all(map(clean, results.lines.values())))


if __name__ == "__main__":
    sys.exit(main())
