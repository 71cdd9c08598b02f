"""Two sessions of the same tests, compared test by test; what differs is tried again first."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .modules import selection
from .sessions import Died, Session, session

TIMES = 3
"""How often a test that ended otherwise is tried again, plain and with autolog."""


@dataclass
class Comparison:
    """Two sessions of the same tests; `flaky`: tests that do not end alike even without us.

    `paired`: they ran at the same time, without xdist, so that their times compare.
    """

    name: str
    plain: Session
    watched: Session
    workers: int = 0
    paired: bool = False
    flaky: dict[str, str] = field(default_factory=dict)

    @property
    def differing(self) -> dict[str, tuple[str, str]]:
        """Tests that ended otherwise with autolog: how without, how with."""
        without, with_us = self.plain.outcomes, self.watched.outcomes
        return {
            test: (without.get(test, "absent"), with_us.get(test, "absent"))
            for test in sorted({*without, *with_us})
            if without.get(test) != with_us.get(test) and test not in self.flaky
        }

    @property
    def said(self) -> list[str]:
        """What autolog had to report: the places of its lines, and lines of child processes."""
        return self.watched.said + self.watched.lines

    def settle(self) -> None:
        """Try what differs again, `TIMES` times: it is flaky if it varies without us.

        What only our first session had must also stay away when all is run once more with us.
        """
        seen = {test: [ends] for test, ends in self.differing.items()}
        if not seen:
            return
        for _ in range(TIMES):
            self._again(seen, selection(seen, self.name))
        same = [test for test, ends in seen.items() if all(a == b for a, b in ends[1:])]
        if same:
            whole = session([self.name], watched=True, workers=self.workers)
            same = [test for test in same if whole.outcomes.get(test) == seen[test][0][0]]
        for test, ends in seen.items():
            if test in same or len({without for without, _ in ends}) > 1:
                self.flaky[test] = ", ".join(f"{a} → {b}" for a, b in ends)

    def _again(self, seen: dict[str, list[tuple[str, str]]], tests: list[str]) -> None:
        try:
            plain = session(tests, workers=self.workers).outcomes
            watched = session(tests, watched=True, workers=self.workers).outcomes
        except Died:
            return
        for test, ends in seen.items():
            ends.append((plain.get(test, "absent"), watched.get(test, "absent")))

    def facts(self) -> dict[str, Any]:
        """The figures, for a table or a file."""
        return {
            "name": self.name,
            "workers": self.workers,
            "tests": len(self.plain.outcomes),
            "outcomes": dict(Counter(self.plain.outcomes.values())),
            "differing": self.differing,
            "flaky": self.flaky,
            "reported": self.said,
            "notes": self.watched.notes,
            "hooks_fired": self.watched.fired,
            "fits": self.watched.fits,
            "missed": dict(list(self.watched.missed.items())[:20]),
            "cpu_plain": self.plain.cpu if self.paired else None,
            "cpu_with": self.watched.cpu if self.paired else None,
        }


def compare(
    tests: str, plain: Session | None, *, strict: bool = False, workers: int = 0
) -> Comparison:
    """Run `tests` (an argument of pytest) with autolog, and at the same time plain if need be."""
    with ThreadPoolExecutor(1) as pool:
        without = None if plain else pool.submit(session, [tests])
        watched = session([tests], watched=True, strict=strict, workers=workers)
        found = plain or without.result()  # type: ignore[union-attr]
    return Comparison(tests, found, watched, workers, plain is None and not workers)


def told(found: Comparison) -> str:
    """A comparison as a few lines."""
    facts, fits = found.facts(), found.watched.fits
    lines = [
        f"{found.name}{f' -n {found.workers}' if found.workers else ''}: "
        f"{facts['tests']} tests, {facts['outcomes']}, CPU {found.plain.cpu:.1f} s "
        f"plain, {found.watched.cpu:.1f} s with autolog; hooks fired "
        f"{sum(found.watched.fired.values())}; fits hooked {fits.get('hooked', 0)} of "
        f"{fits.get('all', 0)}, {fits.get('recorded', 0)} recorded"
    ]
    for test, (without, with_us) in found.differing.items():
        lines.append(f"  DIFFERS {test}: {without} -> {with_us}")
        lines.append(found.watched.reasons.get(test, found.plain.reasons.get(test, "")))
    lines += [f"  flaky {test}: {ends}" for test, ends in found.flaky.items()]
    lines += [f"  SAID {line}" for line in found.said]
    lines += [f"  noted {count} × {what}" for what, count in found.watched.notes.items()]
    lines += [f"  missed {count} × {what}" for what, count in facts["missed"].items()]
    return "\n".join(lines)
