"""Many runs as a table: one experiment a block, and of params only those that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from ..search import short_ids
from ..view import Runs, RunView
from . import facts
from .columns import (
    Column,
    draws_sample,
    judged_data,
    metric_columns,
    param_columns,
    series_cell,
    spans,
    wanted_columns,
)
from .grouping import Group, Row, arrange
from .spark import SAMPLED
from .text import NONE, age, aligned, clean, short_duration

BAD = {"failed": "red", "killed": "red", "lost": "yellow"}
NAME_WIDTH = 40
"""Columns for a model's name on a wide terminal; on a narrow one it has a quarter."""
MOST_COLUMNS = 40
"""Columns of which the width is tried: a run may have thousands of metrics."""


MOST_SPANNED = 1000
"""Runs of a group of which all params are read to say what differs."""


@dataclass
class Page:
    """What one listing needs to know beside the runs.

    Attributes:
        ids: The short id of every run of the store.
        totals: How many runs each experiment has in the store.
        place: How the store is named in the headings.
        width: Columns of the terminal.
        limit: Most lines of runs shown in all, None for no limit.
        expand: Which groups are shown run by run: a line, a site, or `all`.
        columns: Params and metrics to show in place of those that would be chosen.
        ordered: Metric by which the runs stand, which is then the one that earns the star.
        now: The present, in Unix seconds; None for the clock's.
    """

    ids: dict[str, str]
    totals: Counter[str]
    place: str = ""
    width: int = 100
    limit: int | None = None
    expand: str | None = None
    columns: Sequence[str] = ()
    ordered: str | None = None
    now: float | None = None
    used: dict[str, None] = field(default_factory=dict)

    @property
    def name_width(self) -> int:
        """Columns that a model's name may take."""
        return max(20, min(NAME_WIDTH, self.width // 4))

    def footnote(self, text: str) -> None:
        """Explain a mark that was used, once."""
        self.used.setdefault(text)


def page_of(runs: Runs) -> Page:
    """A page for runs that stand by themselves."""
    return Page(short_ids([run.id for run in runs]), Counter(run.experiment for run in runs))


def runs_text(runs: Runs) -> str:
    """The `repr` of a sequence of runs."""
    if not runs:
        return "<no runs>"
    page = page_of(runs)
    page.limit = 30
    return "\n".join(line.plain for line in listing(runs, page))


def listing(runs: Sequence[RunView], page: Page) -> list[Text]:
    """The lines of `autolog ls`: a block for each experiment, then the footnotes."""
    lines: list[Text] = []
    left = page.limit
    for experiment, members in _by_experiment(runs).items():
        shown = arrange(members, page.expand, left)
        left = None if left is None else left - len(shown)
        if shown:
            lines += [*_block(experiment, shown, page), Text()]
    if page.used:
        lines.append(Text(" · ".join(page.used), style="dim"))
    return lines if page.used else lines[:-1]


def _by_experiment(runs: Iterable[RunView]) -> dict[str, list[RunView]]:
    blocks: dict[str, list[RunView]] = {}
    for run in runs:
        blocks.setdefault(run.experiment, []).append(run)
    return blocks


def _block(experiment: str, rows: list[Row | Group], page: Page) -> list[Text]:
    singles = [row.run for row in rows if isinstance(row, Row)]
    of = f"{sum(row.covers for row in rows)} of {page.totals[experiment]} runs"
    heading = (clean(experiment, 60) or "(no experiment)", of, page.place)
    lines = [Text(" · ".join(part for part in heading if part), style="bold")]
    same = _same(singles, page)
    if same:
        lines.append(Text(f"same in all: {', '.join(same)}", style="dim"))
    lines += [Text(), *_table(rows, page)]
    failures = [_failure(run, page) for run in singles if run.error]
    return [*lines, Text(), *failures] if failures else lines


def _failure(run: RunView, page: Page) -> Text:
    text = f"{page.ids[run.id]}: {facts.error_line(run)}"
    return Text(clean(text, page.width), style="red", no_wrap=True)


def _same(runs: list[RunView], page: Page) -> list[str]:
    """What is equal in all runs shown, and so is said once."""
    if len(runs) < 2:
        return []
    found = []
    kinds: list[tuple[str, Callable[[RunView], str | None]]] = [
        ("data ", facts.training_data),
        ("git ", facts.git),
        ("", facts.library),
    ]
    for word, read in kinds:
        values = {read(run) for run in runs}
        value = values.pop()
        if not values and value is not None:
            found.append(word + value)
            if word == "git " and value.endswith("*"):
                page.footnote("* uncommitted changes")
    data = judged_data(runs)
    return found if data is None else [*found, f"metrics on {clean(data, 40)}"]


def _table(rows: list[Row | Group], page: Page) -> list[Text]:
    singles = [row for row in rows if isinstance(row, Row)]
    runs = [row.run for row in singles]
    drawn = [series_cell(run) for run in runs]
    columns = _columns(singles, page, drawn)
    if not any(column.kind == "metric" for column in columns):  # numbers before pictures
        without = _columns(singles, page, [])
        if any(column.kind == "metric" for column in without):
            columns, drawn = without, ["" for _ in runs]
    best = _best(runs, columns, page)
    titles = [" ", "ID", "WHEN", "MODEL", "TIME", *(column.title for column in columns)]
    table = [[Text(title, style="dim") for title in [*titles, *["SERIES"] * any(drawn)]]]
    for row, series in zip(singles, drawn, strict=True):
        table.append([*_cells(row, columns, row.run == best, page), Text(series)])
    right = [i for i, column in enumerate(columns, 5) if _numbers(column, runs)]
    return _interleaved(rows, [_unindented(line) for line in aligned(table, right)], page.width)


def _numbers(column: Column, runs: list[RunView]) -> bool:
    values = [column.value(run) for run in runs]
    return all(isinstance(value, int | float) for value in values if value is not None)


def _unindented(line: Text) -> Text:
    """The star's column is followed by one blank, not two."""
    return Text.assemble(line[:1], line[2:])


def _interleaved(rows: list[Row | Group], lines: list[Text], width: int) -> list[Text]:
    """The table's lines with the groups' lines at their places."""
    groups = [row for row in rows if isinstance(row, Group)]
    head, *singles = lines
    following = iter(singles)
    body = [
        next(following) if isinstance(row, Row) else _group_line(row, groups, width) for row in rows
    ]
    return [head, *body] if singles else body


def _group_line(group: Group, groups: list[Group], width: int) -> Text:
    """A group's site, how to open it, and as much of what differs in it as the width holds."""
    sites = {other.site for other in groups if other.line == group.line}
    handle = group.line if len(sites) == 1 else group.site
    line = Text(no_wrap=True)
    line.append(f"▸ {'  ' * group.depth}{clean(group.name, NAME_WIDTH)} ×{len(group.runs):,}")
    line.append(f"  {clean(group.site, 60)} ")
    line.append(f"(autolog ls --expand {clean(handle, 60)})", style="dim")
    for span in spans(group.runs) if len(group.runs) <= MOST_SPANNED else ():
        if line.cell_len + len(span) + 2 <= width:
            line.append(f"  {span}")
    return line


def _cells(row: Row, columns: list[Column], best: bool, page: Page) -> list[Text]:
    run = row.run
    branch = f"{'  ' * (row.depth - 1)}└ " if row.depth else ""
    cells = [
        Text("★" if best else " ", style="yellow"),
        Text(page.ids[run.id], style="cyan"),
        Text(age(run.summary.started, page.now)),
        Text(branch + short_model(run.name, page.name_width)),
        _time(run),
    ]
    texts = [column.text(run) for column in columns]
    bare = [text for text, c in zip(texts, columns, strict=True) if c.kind == "metric"]
    drawn = series_cell(run)
    if run.status == "finished" and bare and set(bare) == {NONE} and not drawn:
        page.footnote("– none yet: call score on held-out data, or training_metrics=True")
    if any(text.startswith("~") for text in bare) or drawn.startswith("~"):
        page.footnote("~ probable link")
    if drawn and draws_sample(run):
        page.footnote(SAMPLED)
    return [*cells, *(Text(text, style="dim" if text == NONE else "") for text in texts)]


def short_model(name: str, width: int) -> str:
    """A model's name within `width` columns: `GridSearchCV›…›RandomForestCl…`."""
    first, *inner = clean(name).split("›")
    if len(inner) > 1 and len(clean(name)) > width:
        name = f"{first}›…›{inner[-1]}"
    return clean(name, width)


def _time(run: RunView) -> Text:
    if run.status in BAD:
        return Text(run.status, style=BAD[run.status])
    if run.status == "running":
        return Text("running", style="green")
    return Text(short_duration(run.duration))


def _columns(rows: list[Row], page: Page, drawn: Sequence[str]) -> list[Column]:
    """The columns, of which as many as the width holds are shown, the first ones first."""
    runs = [row.run for row in rows]
    if page.columns:
        return wanted_columns(runs, page.columns)
    params, metrics = param_columns(runs), metric_columns(runs)
    room = page.width - _fixed_width(rows, page, drawn)
    kept: set[int] = set()
    for column in sorted([*params, *metrics], key=lambda column: column.rank)[:MOST_COLUMNS]:
        width = max(len(column.title), *(len(column.text(run)) for run in runs)) + 2
        if width <= room:
            room -= width
            kept.add(id(column))
    return [column for column in (*params, *metrics) if id(column) in kept]


def _fixed_width(rows: list[Row], page: Page, drawn: Sequence[str]) -> int:
    """What the columns that are always there take."""
    names = [len(short_model(row.run.name, page.name_width)) + 2 * row.depth for row in rows]
    ids = [len(page.ids[row.run.id]) for row in rows]
    series = max((len(text) + 2 for text in drawn), default=0)
    return 2 + max(ids, default=4) + 8 + max(names, default=5) + 2 + 9 + series


def _best(runs: list[RunView], columns: list[Column], page: Page) -> RunView | None:
    """The run with the best value of the first metric whose name tells what is better."""
    for column in columns:
        keys = {*column.keys.values()}
        way = facts.direction(min(keys)) if column.kind == "metric" else 0
        if not way or (page.ordered and page.ordered not in keys):
            continue
        found = [(value * way, run) for run in runs if (value := column.exact(run)) is not None]
        found = [(value, run) for value, run in found if value == value]
        top = max((value for value, _ in found), default=None)
        winners = [run for value, run in found if value == top]
        return winners[0] if len(found) > 1 and len(winners) == 1 else None
    return None
