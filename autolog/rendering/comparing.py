"""A comparison as lines: differences only, and what is equal in one line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from rich.text import Text

from ..comparing import SECTIONS, Comparison, Difference
from . import facts
from .text import NONE, aligned, clean, number, value_text

NOUNS = {"params": "params", "metrics": "metrics"}


def comparison_lines(comparison: Comparison, ids: dict[str, str]) -> list[Text]:
    """The lines of `autolog compare`: a column for each run, a block for each kind of thing."""
    runs = comparison.runs
    rows = [
        [Text(), *(Text(ids[run.id], style="cyan") for run in runs)],
        [Text("name"), *(Text(clean(run.name, 30)) for run in runs)],
        [Text("status"), *(Text(run.status) for run in runs)],
    ]
    worth, untold = worth_telling(comparison), 0
    for section in SECTIONS:
        differences = comparison.of(section)
        told = [d for d in differences if section != "params" or worth(d)]
        untold += len(differences) - len(told)
        if told:
            rows.append([Text(section.upper(), style="bold")])
            rows += [_row(difference, comparison) for difference in told]
    lines = [*aligned(rows), *_same(comparison)]
    if untold:
        noun = "default or part" if untold == 1 else "defaults and parts"
        lines.append(Text(f"not shown: {untold} {noun} that not all have", style="dim"))
    return lines


def worth_telling(comparison: Comparison) -> Callable[[Difference], bool]:
    """Which params are: plain ones that somebody chose, and those that all runs have.

    Unless they are mere defaults of models of different classes, which say nothing.
    """
    params = [run.facts("param") for run in comparison.runs]
    parts = {key for run in comparison.runs for key in facts.structure(run)}
    alike = len({run.tags.get("estimator_class") for run in comparison.runs}) == 1

    def worth(difference: Difference) -> bool:
        own = [one[difference.key] for one in params if difference.key in one]
        chosen = any(fact.set is not False for fact in own)
        everywhere = len(own) == len(params) and (alike or chosen)
        return everywhere or (chosen and difference.key not in parts)

    return worth


def _same(comparison: Comparison) -> list[Text]:
    same = same_text(comparison)
    return [Text(f"same: {same}", style="dim")] if same else []


def same_text(comparison: Comparison) -> str:
    """What is wholly equal, and how many params and metrics are: `data, code, 3 params`."""
    found = []
    for section, count in comparison.same.items():
        if section in NOUNS:
            noun = section if count != 1 else section[:-1]
            found.append(f"{count} {noun}")
        elif not comparison.of(section):
            found.append(section)
    return ", ".join(sorted(found, key=lambda text: text[0].isdigit()))


def _row(difference: Difference, comparison: Comparison) -> list[Text]:
    key = Text("  " + clean(difference.key, 40))
    if difference.note:
        return [key, *(Text() for _ in difference.values[1:]), Text(difference.note)]
    return [key, *map(Text, cells(difference, comparison)), change(difference)]


def cells(difference: Difference, comparison: Comparison) -> list[str]:
    """What each run has, with `~` before a metric whose link is only probable."""
    found = [_shown(difference.section, value) for value in difference.values]
    if difference.section == "metrics":
        for i, run in enumerate(comparison.runs):
            series = run.series.get(difference.key)
            found[i] = "~" + found[i] if series is not None and series.probable else found[i]
    return found


def _shown(section: str, value: Any) -> str:
    if value is None:
        return NONE
    if section == "metrics":
        return number(value)
    if section == "data":
        return _dataset_text(facts.mapping(value))
    if section == "code":
        return _code_text(str(value))
    return value_text(value, 30)


def _code_text(value: str) -> str:
    """A commit's first digits, or those of the digest of a source."""
    if re.fullmatch("[0-9a-f]{7,64}", value):
        return value[:7]
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:7]


def _dataset_text(value: Any) -> str:
    shape = shape_text(value.get("shape"))
    return " ".join(part for part in (shape, facts.digest(value)) if part) or "recorded"


def shape_text(shape: Any) -> str:
    """`426×30`; a size that is not known is `?`."""
    if not isinstance(shape, list):
        return ""
    return "×".join("?" if size is None else clean(size, 12) for size in shape)


def change(difference: Difference) -> Text:
    """How a metric of two runs changed: `▲ 0.0070`, green where that is known to be better."""
    if difference.section != "metrics" or len(difference.values) != 2:
        return Text()
    before, after = difference.values
    if before is None or after is None or not abs(after - before) > 0:
        return Text()
    better = facts.direction(difference.key) * (1 if after > before else -1)
    style = {1: "green", -1: "red"}.get(better, "")
    return Text(f"{'▲' if after > before else '▼'} {_step(after - before)}", style=style)


def _step(amount: float) -> str:
    if isinstance(amount, int):
        return number(abs(amount))
    text = f"{abs(amount):.4f}"
    return text if float(text) and abs(amount) < 10 else number(abs(amount))
