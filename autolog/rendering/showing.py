"""One run in full, as `autolog show` prints it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rich.text import Text

from ..comparing import Comparison, Difference, worth_telling
from ..fold import Fact
from ..series import Series
from ..view import RunView
from . import facts
from .columns import metric_text
from .comparing import diff_lines, same_text
from .comparing_cells import cells, change, label, note, shape_text
from .spark import spark
from .text import (
    NONE,
    aligned,
    clean,
    date,
    long_duration,
    number,
    short_duration,
    size,
    value_text,
)

Item = TypeVar("Item")

MOST_LINES = 10
"""Lines of a section beyond which the rest is counted, unless all is asked for."""


def run_lines(
    run: RunView,
    ids: dict[str, str],
    *,
    verbose: bool = False,
    since: Comparison | None = None,
) -> list[Text]:
    """The lines of `autolog show`; `since` compares the run with the one before it."""
    lines = _head(run, ids)
    for section in (_error, _metrics, _params, _series, _data, _tags, _tables):
        lines += section(run, verbose)
    lines += _models(run, ids)
    lines += _files(run, verbose)
    lines += _children(run, ids, verbose)
    return lines + (_changed(since, ids, verbose) if since is not None else [])


def _heading(title: str, note: str = "") -> Text:
    return Text.assemble((title, "bold"), (f" {note}" if note else "", "dim"))


def _indented(rows: list[list[Text]], right: tuple[int, ...] = ()) -> list[Text]:
    return [Text.assemble("  ", line) for line in aligned(rows, right)]


def _table(
    items: Sequence[Item], row: Callable[[Item], list[Text]], verbose: bool, indent: str = "  "
) -> list[Text]:
    """A row for each of the items, or for the first ones: there may be thousands."""
    few = verbose or len(items) <= MOST_LINES + 1
    shown = aligned([row(item) for item in (items if few else items[:MOST_LINES])])
    lines = [Text.assemble(indent, line) for line in shown]
    return lines if few else [*lines, _more(len(items) - MOST_LINES)]


def _more(count: int) -> Text:
    return Text(f"  … and {count} more (-v)", style="dim")


def _cut(lines: list[Text], verbose: bool) -> list[Text]:
    if verbose or len(lines) <= MOST_LINES + 1:
        return lines
    return [*lines[:MOST_LINES], _more(len(lines) - MOST_LINES)]


def _head(run: RunView, ids: dict[str, str]) -> list[Text]:
    name = ids[run.id] if len(ids[run.id]) > 7 else run.id[:7]
    style = {"failed": "red", "killed": "red", "lost": "yellow"}.get(run.status, "green")
    first = Text.assemble((name, "cyan"), " ", (clean(run.name), "bold"), "  ", (run.status, style))
    first.append(f" · {long_duration(run.duration)}{_overhead(run)}")
    if len(run.folded.attempts) > 1:
        first.append(f" · {len(run.folded.attempts)} attempts")
    parts = [run.experiment, run.site, _git(run), _python(run), facts.library(run)]
    second = "  ".join(clean(part) for part in parts if part)
    lines = [first, Text(second), Text(f"started {date(run.folded.started)}", style="dim")]
    if run.only_child is not None:
        child = f"{ids[run.only_child.id]} {clean(run.only_child.name)}"
        lines.append(Text(f"with the facts of its only child {child}", style="dim"))
    if run.parent is not None:
        lines.append(Text(f"child of {clean(ids.get(run.parent, run.parent[:8]))}", style="dim"))
    return lines


def _overhead(run: RunView) -> str:
    seconds = facts.overhead(run)
    if seconds is None or not run.duration:
        return ""
    return f" · autolog {long_duration(seconds)} ({seconds / run.duration:.1%})".replace("%", " %")


def _git(run: RunView) -> str | None:
    commit = facts.git(run)
    count = facts.changed_files(run)
    files = f" ({count} file{'s' if count != 1 else ''})" if count else ""
    return f"git {commit}{files}" if commit else None


def _python(run: RunView) -> str | None:
    version = facts.version(run, "python")
    return f"Python {'.'.join(version.split('.')[:2])}" if version else None


def _error(run: RunView, verbose: bool) -> list[Text]:
    if run.error is None:
        return []
    lines = [Text.assemble(("ERROR", "bold"), "  ", (clean(str(run.error), 500), "red"))]
    trace = run.error.traceback.rstrip().splitlines()
    shown = trace if verbose else trace[-4:]
    return [*lines, *(Text(f"  {clean(line.expandtabs())}", style="dim") for line in shown)]


def _metrics(run: RunView, verbose: bool) -> list[Text]:
    single = [series for series in run.measures.values() if series.count == 1]
    if not single:
        return []
    return [_heading("METRICS"), *_table(single, _metric, verbose, " ")]


def _metric(series: Series) -> list[Text]:
    return [
        Text(("~" if series.probable else " ") + clean(series.key, 48)),
        Text(number(series.value)),
        *(Text(_told(series, key), style="dim") for key in ("call", "site", "link")),
    ]


def _told(series: Series, key: str) -> str:
    value = series.info.get(key)
    return clean(value, 60) if isinstance(value, str) else ""


def _params(run: RunView, verbose: bool) -> list[Text]:
    params = run.facts("param")
    defaults = {key for key, fact in params.items() if fact.set is False}
    if not params:
        return []
    parts = facts.structure(run) - defaults
    chosen = [key for key in params if key not in defaults and key not in parts]
    hidden = [
        f"{len(keys)} {word if len(keys) == 1 else word + 's'}"
        for word, keys in (("default", defaults), ("part", parts))
        if keys
    ]
    known = any(fact.set is not None for fact in params.values())
    counts = ", ".join([f"{len(chosen)} set" if known else str(len(chosen)), *hidden])
    more = ": -v" if hidden and not verbose else ""
    shown = list(dict.fromkeys([*chosen, *params])) if verbose else chosen
    rows = _table(shown, lambda key: _param(key, params[key], key in defaults, verbose), verbose)
    return [_heading("PARAMS", f"({counts}{more})"), *rows]


def _param(key: str, fact: Fact, default: bool, verbose: bool) -> list[Text]:
    style = "dim" if default else ""
    value = Text(value_text(fact.value, 10_000 if verbose else 60), style=style)
    note = fact.info.get("note")
    return [
        Text(clean(key, 48), style=style),
        value,
        Text(clean(note, 60) if isinstance(note, str) else "", style="dim"),
    ]


def _series(run: RunView, verbose: bool) -> list[Text]:
    drawn = [series for series in run.measures.values() if series.count > 1]
    if not drawn:
        return []
    return [_heading("SERIES"), *_table(drawn, _drawn, verbose)]


def _drawn(series: Series) -> list[Text]:
    return [
        Text(("~" if series.probable else "") + clean(series.key, 40)),
        Text(spark(series.sample(), 16)),
        Text(_range(series)),
        Text(f"last {metric_text(series)}"),
        Text(_points(series), style="dim"),
    ]


def _range(series: Series) -> str:
    if series.low is None or series.high is None:
        return "nan"
    return f"{number(series.low)} … {number(series.high)}"


def _points(series: Series) -> str:
    unit = clean(series.unit, 20) if series.unit else "point"
    drawn = f", drawn from {len(series.sample()):,}" if series.sampled else ""
    return f"{series.count:,} {unit}s{drawn}"


def _data(run: RunView, verbose: bool) -> list[Text]:
    rows = [_dataset(name, facts.mapping(value)) for name, value in run.datasets.items()]
    return [_heading("DATA"), *_cut(_indented(rows), verbose)] if rows else []


def _dataset(name: str, value: Mapping[str, Any]) -> list[Text]:
    dtype = value.get("dtype")
    rule = value.get("rule")
    whole = {"full": "whole", "sample": "sample"}.get(str(rule).partition("-")[0], "")
    form = f"{shape_text(value.get('shape'))} {clean(dtype, 30) if dtype else ''}".strip()
    role = value.get("role")
    return [
        Text(clean(role, 12) if role else ""),
        Text(clean(name, 30)),
        Text(form),
        Text(f"{facts.digest(value) or NONE} {whole}".rstrip()),
        Text(facts.shared_rows(value) or "", style="yellow" if value.get("rows_shared") else ""),
    ]


def _tags(run: RunView, verbose: bool) -> list[Text]:
    rows = [[Text(clean(key, 40)), Text(clean(text, 80))] for key, text in run.tags.items()]
    return [_heading("TAGS"), *_cut(_indented(rows), verbose)] if rows else []


def _tables(run: RunView, verbose: bool) -> list[Text]:
    rows = [
        [Text(clean(name, 40)), Text(f"{_count(facts.mapping(value).get('rows'))} rows")]
        for name, value in run.tables.items()
    ]
    return [_heading("TABLES"), *_cut(_indented(rows), verbose)] if rows else []


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else NONE


def _models(run: RunView, ids: dict[str, str]) -> list[Text]:
    lines: list[Text] = []
    for name, given in run.models.items():
        model = facts.mapping(given)
        title = "" if name == "model" else f"{clean(name, 40)}  "
        what = clean(_class_name(str(model.get("class") or "")), 80)
        lines.append(Text.assemble(("MODEL", "bold"), f"  {title}{what} {_kept(model)}"))
        if model.get("partial"):
            lines.append(Text(f"  only in part: {clean(model['partial'], 200)}"))
        elif "path" in model:
            source = f"{ids[run.id]}/{clean(name, 60)}"
            lines.append(Text(f'  autolog.load_model("{source}")', style="dim"))
    return lines


def _class_name(path: str) -> str:
    """The last part of a dotted path; anything else as it is."""
    return path.rpartition(".")[2] if re.fullmatch(r"[\w.]+", path) else path


def _kept(model: Mapping[str, Any]) -> str:
    for reason in ("error", "shed"):
        if model.get(reason):
            return f"not kept: {clean(model[reason], 200)}"
    return f"{size(model.get('bytes'))}, {facts.signature(model)}"


def _files(run: RunView, verbose: bool) -> list[Text]:
    models = tuple(f"{clean(name)}/" for name in run.models)
    paths = [path for path in run.artifacts if not path.startswith(models)]
    own = [path for path in paths if verbose or not path.startswith("code/")]
    lines = [Text(f"  {clean(path, 200)}") for path in own]
    return [_heading("FILES"), *_cut(lines, verbose)] if lines else []


def _children(run: RunView, ids: dict[str, str], verbose: bool) -> list[Text]:
    if run.only_child is not None:
        return []
    rows = [
        [
            Text(ids.get(child.id, child.id[:8]), style="cyan"),
            Text(clean(child.name, 40)),
            Text(child.status if child.status != "finished" else short_duration(child.duration)),
        ]
        for child in run.children()
    ]
    return [_heading("CHILDREN", f"({len(rows)})"), *_cut(_indented(rows), verbose)] if rows else []


def _changed(since: Comparison, ids: dict[str, str], verbose: bool) -> list[Text]:
    rows: list[list[Text]] = []
    below: dict[int, list[Text]] = {}
    for section, wanted in (
        ("params", worth_telling(since)),
        ("metrics", lambda d: None not in d.values and d.values[1] == d.values[1]),
        ("data", lambda d: None not in d.values),
        ("code", lambda d: True),
        ("program", lambda d: d.key == "arguments"),
        ("environment", lambda d: None not in d.values or d.key.startswith("$")),
    ):
        told = [difference for difference in since.of(section) if wanted(difference)]
        for difference in told if verbose else told[:MOST_LINES]:
            rows.append(_change(difference, since))
            below[len(rows)] = _changed_parts(difference) if verbose else []
        if len(told) > MOST_LINES and not verbose:
            rows.append([Text(section), Text(f"… and {len(told) - MOST_LINES} more (-v)")])
    lines = []
    for place, line in enumerate(_indented(rows), 1):
        lines += [line, *below.get(place, [])]
    same = same_text(since)
    if same:
        # Apart from the table, whose columns it would widen.
        label = max((row[0].cell_len for row in rows), default=4)
        lines.append(Text(f"  {'same':<{label}}  {same}"))
    before = since.runs[0]
    note = f"since {ids.get(before.id, before.id[:8])} {clean(before.name, 40)}"
    return [_heading("CHANGED", note), *lines] if lines else []


def _change(difference: Difference, since: Comparison) -> list[Text]:
    before, after = cells(difference, since)
    file = difference.section == "code" and difference.detail.get("kind") != "commit"
    return [
        Text(difference.section, style="dim"),
        Text(label(difference)),
        Text(difference.note or after if file else f"{before} -> {after}"),
        Text("  ").join(text for text in (change(difference), note(difference)) if text),
    ]


def _changed_parts(difference: Difference) -> list[Text]:
    """The columns of a dataset that changed, the lines of a source."""
    parts = [[Text(clean(p.key, 40)), Text(clean(p.note, 80))] for p in difference.parts]
    found = [Text.assemble("      ", line) for line in aligned(parts)]
    for text in difference.detail.get("diffs") or ():
        found += diff_lines(text, True) if text else []
    return found
