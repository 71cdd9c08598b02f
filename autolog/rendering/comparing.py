"""A comparison as lines: differences only, what is equal in one line, and why a number changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from ..comparing import SECTIONS, Comparison, Difference, Explanation, worth_telling
from ..series import Series
from ..view import RunView
from . import facts
from .comparing_cells import (
    DATA_PARTS,
    cells,
    change,
    column_text,
    label,
    note,
    part_label,
    telling_digits,
)
from .spark import SAMPLED
from .table import Row, laid_out
from .text import NONE, clean, number, short_duration

MOST_COLUMNS = 5
"""Columns of a dataset that are shown, those that shifted most, unless all are asked for."""
MOST_ROWS = 12
"""Differences of a section that are."""
MOST_CHANGED = 6
"""Lines of a source that are."""

SAME = {"program": "command line", "host": "machine"}


def comparison_lines(
    comparison: Comparison,
    ids: Mapping[str, str],
    *,
    width: int = 120,
    verbose: bool = False,
    why: Sequence[Explanation] = (),
) -> list[Text]:
    """The lines of `autolog compare`: a column for each run, a block for each kind of thing."""
    told = _Told(comparison, ids, verbose)
    lines = laid_out(told.rows(), len(comparison.runs), width)
    for line in told.remarks():
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    for explanation in why:
        lines += why_lines(explanation, ids, width, several=len(comparison.runs) > 2)
    return lines


class _Told:
    """The rows of one comparison."""

    def __init__(self, comparison: Comparison, ids: Mapping[str, str], verbose: bool) -> None:
        self.comparison = comparison
        self.ids = ids
        self.verbose = verbose
        self.worth = worth_telling(comparison)
        self.untold: dict[str, int] = {}

    def rows(self) -> list[Row]:
        """The head, and each section that differs."""
        rows = self._head()
        for section in SECTIONS:
            told = self._worth(section)
            shown = told if self.verbose else told[:MOST_ROWS]
            if told:
                rows.append(Row(Text(section.upper(), style="bold")))
            for difference in shown:
                rows += self._rows_of(difference)
            if len(told) > len(shown):
                rows.append(_more(len(told) - len(shown), 2))
        return rows

    def _head(self) -> list[Row]:
        """Which runs, and of what they are the same kind; one line for each thing that differs."""
        runs = self.comparison.runs
        told: dict[str, list[str]] = {
            "name": [clean(run.name, 40) for run in runs],
            "experiment": [clean(run.experiment, 40) for run in runs],
            "site": [clean(run.site or "", 40) for run in runs],
            "status": [str(run.status) for run in runs],
            "time": _times(runs),
        }
        if self.comparison.of("code"):  # which moves the lines
            told["site"] = [text.partition(":")[0] for text in told["site"]]
        common = [texts[0] for texts in told.values() if len({*texts}) == 1 and texts[0]]
        rows = [Row(Text("  ".join(common)))] if common != ["finished"] and common else []
        rows.append(Row(Text(), [Text(self.ids[run.id], style="cyan") for run in runs]))
        for key, texts in told.items():
            if len({*texts}) > 1:
                rows.append(Row(Text(key), [Text(text) for text in texts]))
        return rows

    def _worth(self, section: str) -> list[Difference]:
        """The differences of a section that are shown; the others are counted."""
        found = self.comparison.of(section)
        if section == "params":
            told = [d for d in found if self.verbose or self.worth(d)]
            self._leave_out("default or part", "defaults and parts", len(found) - len(told))
        elif section == "environment":
            told = [
                d for d in found if self.verbose or d.key.startswith("$") or None not in d.values
            ]
            self._leave_out("package", "packages", len(found) - len(told))
        else:
            told = found
        return told

    def _leave_out(self, one: str, many: str, count: int) -> None:
        if count:
            self.untold[one if count == 1 else many] = count

    def _rows_of(self, difference: Difference) -> list[Row]:
        shown = [Text(text) for text in cells(difference, self.comparison)]
        row = Row(Text("  " + label(difference)), shown, self._note(difference))
        if difference.section == "code":
            row.below = self._changed_lines(difference)
        return [row, *self._parts(difference)]

    def _note(self, difference: Difference) -> Text:
        return Text("  ").join(t for t in (change(difference), note(difference)) if t)

    def _parts(self, difference: Difference) -> list[Row]:
        columns = [p for p in difference.parts if p.detail["part"] == "column"]
        rest = [p for p in difference.parts if p.detail["part"] != "column"]
        loud = [p for p in columns if self.verbose or _is_loud(p)]
        shown = loud if self.verbose else loud[:MOST_COLUMNS]
        rows = [self._part(p) for p in shown]
        if len(shown) < len(loud):
            rows.append(_more(len(loud) - len(shown), 4, "column"))
        elif still := sum(bool(p.detail.get("chance")) for p in columns if p not in shown):
            count = f"{still} column{'s' if still != 1 else ''}"
            text = f"    {count} shifted no more than from sample to sample (-v)"
            rows.append(Row(Text(text, style="dim")))
        return rows + [self._part(p) for p in rest]

    def _part(self, part: Difference) -> Row:
        shown = [Text(column_text(part, value), style="") for value in part.values]
        style = "" if part.detail["part"] in DATA_PARTS else "dim"
        told = clean(part.note, 80) if len(part.values) == 2 else ""
        return Row(Text("    " + part_label(part)), shown, Text(told, style=style))

    def _changed_lines(self, difference: Difference) -> list[Text]:
        """The lines of a source that changed: the first ones, or the whole diffs."""
        found: list[Text] = []
        diffs = difference.detail.get("diffs", ())
        if difference.detail.get("kind") == "source" and None in difference.values:
            diffs = diffs if self.verbose else ()  # of a file that is new all is
        for run, text in zip(self.comparison.runs, diffs, strict=False):
            if text and (self.verbose or len(diffs) == 2):
                if len(diffs) > 2:
                    found.append(Text(f"      {self.ids[run.id]}", style="cyan"))
                found += diff_lines(text, self.verbose)
        return found

    def remarks(self) -> list[Text]:
        """Why runs failed, what is the same, what is not known, what is left out."""
        errors = ((run, facts.error_line(run)) for run in self.comparison.runs)
        lines = [
            Text.assemble((self.ids[run.id], "cyan"), f": {error}")
            for run, error in errors
            if error
        ]
        if same := same_text(self.comparison):
            lines.append(Text(f"same: {same}", style="dim"))
        unknown: dict[str, list[str]] = {}
        for section, runs in self.comparison.unknown.items():
            if len(runs) < len(self.comparison.runs):
                unknown.setdefault(", ".join(self.ids[run] for run in runs), []).append(section)
        for names, sections in unknown.items():
            lines.append(Text(f"not recorded: {', '.join(sections)} of {names}", style="dim"))
        if self.untold:
            counts = ", ".join(f"{count} {noun}" for noun, count in self.untold.items())
            lines.append(Text(f"not shown: {counts} that not all have (-v)", style="dim"))
        if any(series.sampled for series in self._compared()):
            lines.append(Text(SAMPLED, style="dim"))
        return lines

    def _compared(self) -> Iterator[Series]:
        """The series of the metrics that differ."""
        for difference in self.comparison.of("metrics"):
            for i, run in enumerate(self.comparison.runs):
                if difference.name(i) in run.series:
                    yield run.series[difference.name(i)]


def _is_loud(column: Difference) -> bool:
    """Whether a column is worth a line: another type alone is not, nor another random sample."""
    return not column.detail.get("chance") and column.detail["change"] != "retyped"


def _times(runs: Sequence[RunView]) -> list[str]:
    """How long they took, where that is worth a line."""
    known = [run.duration or 0.0 for run in runs]
    worth = max(known) > 1.0 and max(known) > 1.5 * min(known)
    return [short_duration(run.duration) if worth else "" for run in runs]


def _more(count: int, indent: int, noun: str = "") -> Row:
    what = f" {noun}{'s' if count != 1 else ''}" if noun else ""
    return Row(Text(f"{' ' * indent}… and {count} more{what} (-v)", style="dim"))


def diff_lines(text: str, whole: bool) -> list[Text]:
    """A unified diff: all of it, or the first lines that changed."""
    lines = text.splitlines()
    if not whole:
        lines = [line for line in lines if line[:1] in ("+", "-")]
    shown = lines if whole else lines[:MOST_CHANGED]
    styles = {"+": "green", "-": "red", "@": "cyan"}
    found = [
        Text(f"      {line[:1]}{clean(line[1:].expandtabs(4))}", style=styles.get(line[:1], "dim"))
        for line in shown
    ]
    if len(shown) < len(lines):
        found.append(Text(f"      … and {len(lines) - len(shown)} more lines (-v)", style="dim"))
    return found


def same_text(comparison: Comparison) -> str:
    """What is wholly equal, and how many of a kind that is not: `data, code, 3 params`."""
    counts = comparison.same
    found, nouns = [], {"params": "param", "metrics": "metric", "data": "dataset", "code": "file"}
    for section in SECTIONS:
        count, differs = counts.get(section, 0), bool(comparison.of(section))
        if section == "code" and "commit" in counts:
            found.append("commit" if differs else "code")
            count = count if differs else 0
        if count and section in nouns and (differs or section in ("params", "metrics")):
            found.append(f"{count} {nouns[section]}{'s' if count != 1 else ''}")
        elif count and not differs:
            found.append(SAME.get(section, section))
    return ", ".join(sorted(found, key=lambda text: text[0].isdigit()))


# -- why ---------------------------------------------------------------------------------------


def why_lines(
    explanation: Explanation, ids: Mapping[str, str], width: int, *, several: bool = False
) -> list[Text]:
    """`WHY`: the possible causes, the likeliest first, each with what to look at."""
    digits = telling_digits(explanation.values)
    before, after = (NONE if v is None else number(v, digits) for v in explanation.values)
    head = Text.assemble(("WHY", "bold"), f"  {clean(explanation.metric, 60)}  {before} → {after}")
    if several:
        first, second = (ids[run.id] for run in explanation.runs)
        head.append(f"  {first} → {second}", style="cyan")
    if not explanation.reasons:
        return [head.append("  the same in both")]
    likely = [reason for reason in explanation.reasons if reason.likely]
    head.append("  likeliest first" if len(likely) > 1 else "", style="dim")
    head.truncate(max(width, 20), overflow="ellipsis")
    causes = [f"  {place}  {reason.cause}" for place, reason in enumerate(likely, 1)]
    indent = max(map(len, causes), default=0) + 2
    lines = [head]
    for cause, reason in zip(causes, likely, strict=True):
        lines += _wrapped(cause, clean(reason.says, 400), indent, width)
        lines += _wrapped("", clean(reason.look, 400), indent, width, style="dim")
    for reason in explanation.reasons:
        if not reason.likely:
            says = f"{clean(reason.says, 300)}: {clean(reason.look, 300)}"
            lines += _wrapped("  possibly", says, max(indent, 12), width, style="dim")
    return lines


def _wrapped(title: str, text: str, indent: int, width: int, *, style: str = "") -> list[Text]:
    """The text in lines of the width, `title` before the first."""
    room = max(width - indent, 20)
    parts = [part.plain.rstrip() for part in Text(text).wrap(Console(width=room), room)] or [""]
    titles = [title, *[""] * (len(parts) - 1)]
    return [Text(f"{a:<{indent}}{b}", style=style) for a, b in zip(titles, parts, strict=True)]
