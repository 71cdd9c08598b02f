"""Which params and metrics of several runs are worth a column, and what stands in it."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..series import Series
from ..view import RunView
from .facts import direction, structure
from .spark import BROKEN, spark
from .text import NONE, clean, number, value_text

LONG_FLOAT = 10
"""Characters of a float beyond which a cell has its first digits alone."""
CELL_WIDTH = 18

SIDEWAYS = ("candidate", "fold", "component")
"""Units of series whose last point is no better than any other: no column shows it."""

CLOCK = ("_time", "per_second")
"""Ends of the names of series that tell how fast a training went, not how well."""

_OWNER = re.compile(r"^[A-Z][A-Za-z0-9]*_(?=[a-z])")
"""The class before what its method gave: `Ridge_` of `Ridge_score_X_test`."""


@dataclass(frozen=True)
class Column:
    """One column: what of each run stands in it.

    Attributes:
        kind: Whether it shows a param or a metric.
        title: Its heading.
        keys: The name of the param or metric in each run that has it, by the run's id.
        rank: Orders columns by how much they are wanted, the lowest first.
    """

    kind: Literal["param", "metric"]
    title: str
    keys: Mapping[str, str]
    rank: tuple[int, ...] = ()

    def value(self, run: RunView) -> Any:
        """The run's value, None where it has none."""
        values: Mapping[str, Any] = run.metrics if self.kind == "metric" else run.params
        return values.get(self.keys[run.id]) if run.id in self.keys else None

    def exact(self, run: RunView) -> float | None:
        """The metric's value where its link with the run is more than probable."""
        series = run.series.get(self.keys.get(run.id, ""))
        return None if series is None or series.probable else series.value

    def span(self, runs: Sequence[RunView]) -> str:
        """Its title with the least and the greatest number; empty where not all are numbers."""
        values = [value for run in runs if (value := self.value(run)) is not None]
        if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            return ""
        text = number if self.kind == "metric" else param_text
        ends = [text(end) for end in (min(values), max(values))]
        return f"{self.title} {' … '.join(dict.fromkeys(ends))}"

    def text(self, run: RunView) -> str:
        """What stands in the cell: `–` for nothing, `~` before what is only probable."""
        value = self.value(run)
        if value is None:
            return NONE
        if self.kind == "param":
            return param_text(value)
        return metric_text(run.series[self.keys[run.id]])


def param_text(value: Any) -> str:
    """A param in a cell; of a float with many digits, as tuners draw them, the first five."""
    text = value_text(value, CELL_WIDTH)
    return f"{value:.5g}…" if isinstance(value, float) and len(text) > LONG_FLOAT else text


def spans(runs: Sequence[RunView]) -> list[str]:
    """What differs between many runs, in words: `alpha 0.1 … 10`, two params and two metrics."""
    found = []
    for columns in (param_columns(runs), metric_columns(runs)):
        told = [column.span(runs) for column in sorted(columns, key=lambda column: column.rank)]
        found += [text for text in told if text][:2]
    return found


def metric_text(series: Series) -> str:
    """A metric's last value, with `~` before it where its link is only probable."""
    return ("~" if series.probable else "") + number(series.value)


def wanted_columns(runs: Sequence[RunView], names: Iterable[str]) -> list[Column]:
    """The columns that a person asked for by name: `params.C`, `metrics.rmse`, or just `C`."""
    found = []
    for rank, name in enumerate(names):
        entity, _, key = name.partition(".")
        kind: Literal["param", "metric"] = "metric" if entity in ("metric", "metrics") else "param"
        if entity not in ("param", "params", "metric", "metrics") or not key:
            key = name
            kind = "metric" if any(key in run.metrics for run in runs) else "param"
        found.append(Column(kind, clean(key, 40), {run.id: key for run in runs}, (rank,)))
    return found


def param_columns(runs: Sequence[RunView]) -> list[Column]:
    """The params that differ between the runs, or all that were chosen where there is one run."""
    found: list[Column] = []
    for title, keys in _short_names([_chosen(run) for run in runs], runs).items():
        column = Column("param", clean(title, CELL_WIDTH), keys)
        texts = [column.text(run) for run in runs]
        had = sum(text != NONE for text in texts)
        if (had > 1 and len({*texts} - {NONE}) > 1) or len(runs) == 1:
            found.append(Column("param", column.title, keys, (1, -had, len(found))))
    return found


def _chosen(run: RunView) -> list[str]:
    """The params that are not known to be defaults, without those that are whole estimators."""
    params = run.facts("param")
    parts = structure(run)
    return [key for key, fact in params.items() if fact.set is not False and key not in parts]


def _short_names(chosen: list[list[str]], runs: Sequence[RunView]) -> dict[str, dict[str, str]]:
    """Params by the last part of their names (`clf__C` → `C`), where that is one in each run."""
    own = {
        run.id: {**_by_short(run.params), **_by_short(mine)}
        for mine, run in zip(chosen, runs, strict=True)
    }
    found: dict[str, dict[str, str]] = {}
    for short, wanted in _by_short(key for keys in chosen for key in keys).items():
        keys = {run: shorts[short] for run, shorts in own.items() if short in shorts}
        if all(len(names) == 1 for names in keys.values()):
            found[short] = {run: names[0] for run, names in keys.items()}
        else:
            found |= {key: {run.id: key for run in runs} for key in wanted}
    return found


def _by_short(keys: Iterable[str]) -> dict[str, list[str]]:
    """The keys by their last part, each once."""
    found: dict[str, list[str]] = {}
    for key in dict.fromkeys(keys):
        found.setdefault(_short(key), []).append(key)
    return found


def _short(key: str) -> str:
    return key.rpartition("__")[2] or key


def metric_columns(runs: Sequence[RunView]) -> list[Column]:
    """The metrics that several runs have; where there are none such, all."""
    found = _measured(runs)
    lone = {
        name: all(run.measures[keys[run.id]].count == 1 for run in runs if run.id in keys)
        for name, keys in found.items()
    }
    shared = [name for name, keys in found.items() if len(keys) > 1] or list(found)
    ordered = sorted(
        shared, key=lambda name: (not lone[name], not direction(name), -len(found[name]))
    )
    titles = _titles(ordered, judged_data(runs))
    return [
        Column("metric", clean(titles[name], 24), found[name], (0 if rank < 2 else 2, rank))
        for rank, name in enumerate(ordered)
    ]


def _measured(runs: Sequence[RunView]) -> dict[str, dict[str, str]]:
    """Each metric that a column may show, with its key in each run that has it.

    `Ridge_score_X` and `SVC_score_X` are one, `score_X`, where no run has two such.
    """
    own = {
        run.id: {
            key: _OWNER.sub("", key)
            for key, series in run.measures.items()
            if series.count == 1 or not (series.unit in SIDEWAYS or key.endswith(CLOCK))
        }
        for run in runs
    }
    doubled = {
        name
        for names in own.values()
        for name, count in Counter(names.values()).items()
        if count > 1
    }
    found: dict[str, dict[str, str]] = {}
    for run, names in own.items():
        for key, name in names.items():
            found.setdefault(key if name in doubled else name, {})[run] = key
    return found


def judged_data(runs: Sequence[RunView]) -> str | None:
    """The data that all metrics which name their data are of (`X_test`); None for several."""
    found = {data for run in runs for key in run.measures if (data := _data_of(key, run))}
    return found.pop() if len(found) == 1 else None


def _data_of(key: str, run: RunView) -> str | None:
    return next((name for name in run.brief_datasets if key.endswith(f"_{name}")), None)


def _titles(keys: list[str], data: str | None) -> dict[str, str]:
    """Names as short as they are told apart by: `accuracy_score_X_test` → `accuracy`."""
    bare = [key.removesuffix(f"_{data}") for key in keys]
    for shorts in ([name.removesuffix("_score") or name for name in bare], bare):
        if len(set(shorts)) == len(keys):
            return dict(zip(keys, shorts, strict=True))
    return dict(zip(keys, keys, strict=True))


def main_series(run: RunView) -> Series | None:
    """The series that tells most: one on held-out data, or whose name says what is better."""
    drawn = [s for s in run.measures.values() if s.count > 1 and not s.key.endswith(CLOCK)]
    return min(drawn, key=_interest, default=None)


def _interest(series: Series) -> tuple[bool, bool]:
    held_out = any(word in series.key.lower() for word in ("val", "test"))
    return not held_out, not direction(series.key)


def series_cell(run: RunView) -> str:
    """The main series as blocks with its short name and what it came to: `█▅▃▂▁ loss 0.21`."""
    series = main_series(run)
    if series is None:
        return ""
    of_set = series.key.partition("-")[2] or series.key  # `validation_0-logloss`
    name = series.key if len(series.key) <= 12 else of_set.strip("_").rpartition("_")[2]
    mark = "~" if series.probable else ""
    broken = BROKEN if run.status == "failed" else ""
    drawn = f"{mark}{spark(series.sample())}{broken} {clean(name, 16)}"
    return drawn if broken else f"{drawn} {number(came_to(series))}"


def draws_sample(run: RunView) -> bool:
    """Whether `series_cell` draws some of the points alone."""
    series = main_series(run)
    return series is not None and series.sampled


def came_to(series: Series) -> float:
    """One number for a series: the mean of folds, the best of candidates, else the last value."""
    if series.unit == "fold":
        return statistics.fmean(series.sample())
    best = series.high if series.unit == "candidate" else None
    return series.value if best is None else best
