"""The figures of the runs over libraries' own tests, as a total and as the table in the docs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FIGURES = Path(__file__).with_name("figures.jsonl")
"""What the last runs came to, a line for each module of tests and number of xdist's workers."""

ENOUGH = 0.95
"""Share of the outermost fits that must stand under a hook."""

HEADS = (
    "tests of", "tests", "of them passed", "end otherwise with autolog", "the same with xdist",
    "CPU without", "CPU with", "hooks fired", "outermost fits under a hook",
)  # fmt: skip


class Total(NamedTuple):
    """Some lines added up; times are those of sessions that ran side by side."""

    tests: int
    passed: int
    differing: int
    fired: int
    hooked: int
    fits: int
    plain: float
    watched: float

    @property
    def share(self) -> float:
        """Of the outermost fits, those that stood under a hook; 1.0 where nothing was fitted."""
        return self.hooked / self.fits if self.fits else 1.0

    def __str__(self) -> str:
        return (
            f"{self.tests:,} tests, {self.passed:,} passed, {self.differing} end otherwise, hooks "
            f"fired {self.fired:,}, fits hooked {self.hooked:,} of {self.fits:,}, CPU "
            f"{self.watched / (self.plain or 1):.2f} × ({self.plain:.0f} → {self.watched:.0f} s)"
        )


def read(file: Path = FIGURES) -> list[dict[str, Any]]:
    """The lines of a file that may not be there yet."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def total(lines: Iterable[dict[str, Any]]) -> Total:
    """The sums over `lines`."""
    each = [
        (
            line["tests"],
            line["outcomes"].get("passed", 0),
            len(line["differing"]),
            sum(line["hooks_fired"].values()),
            line["fits"].get("hooked", 0),
            line["fits"].get("all", 0),
            line["cpu_plain"] or 0.0,
            line["cpu_with"] or 0.0,
        )
        for line in lines
    ]
    return Total(*map(sum, zip(*each, strict=True))) if each else Total(*[0] * 8)


def rows(file: Path = FIGURES) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows of the table in `docs/neutrality.md`."""
    lines = read(file)
    return HEADS, [_row(name, group) for name, group in _grouped(lines)]


def _grouped(lines: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By the package that is tested; a library's row of sums after its packages."""
    libraries: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for line in sorted(lines, key=lambda line: line["name"]):
        library, _, rest = line["name"].partition(".")
        libraries[library][rest.removeprefix("src.").partition(".")[0]].append(line)
    for library, packages in libraries.items():
        for name, group in packages.items():
            yield f"`{library}.{name}`" if name else f"`{library}`", group
        yield f"**{library}**", [line for group in packages.values() for line in group]


def _row(name: str, lines: list[dict[str, Any]]) -> tuple[str, ...]:
    alone = total(line for line in lines if not line["workers"])
    spread = total(line for line in lines if line["workers"])
    return (
        name,
        f"{alone.tests:,}",
        f"{alone.passed:,}",
        str(alone.differing),
        f"{spread.differing} of {spread.tests:,}" if spread.tests else "not run",
        *(f"{cpu:,.0f} s" if cpu else "–" for cpu in (alone.plain, alone.watched)),
        f"{alone.fired:,}",
        f"{alone.hooked:,} of {alone.fits:,}",
    )
