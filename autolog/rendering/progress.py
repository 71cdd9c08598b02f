"""How far a run has come, as far as what is recorded tells, and the live line of `tail -f`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.text import Text

from ..series import Series
from ..view import PROGRESS, TOTAL, RunView
from .columns import main_series, metric_text
from .facts import mapping
from .text import clean, short_duration

PARAMS = ("max_iter", "n_estimators", "epochs", "num_boost_round")
"""Params that bound how often a loop goes round."""

UNITS = ("epoch", "boosting round", "iteration")
"""Units of series that have a point for each round of such a loop."""

LEAST_BAR, MOST_BAR, MOST_NAME = 8, 30, 40


class Progress(NamedTuple):
    """So much of so much is done; with `bound`, it may end earlier."""

    done: float
    total: float
    unit: str
    bound: bool = False

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, max(0.0, self.done / self.total))


def progress_of(run: RunView) -> Progress | None:
    """What a recorded total, or a param that bounds a loop, says; None where neither is known."""
    told = mapping(run.system.get(TOTAL))
    total = _positive(told.get("total"))
    if total:
        counted = run.series.get(PROGRESS)
        done = counted.value if counted is not None and counted.value == counted.value else 0
        return Progress(done, total, clean(told.get("unit") or "step", 20))
    bound = _bound(run.params)
    looped = [series for series in run.measures.values() if series.unit in UNITS]
    if not bound or not looped:
        return None
    longest = max(looped, key=lambda series: series.count)
    return Progress(longest.count, bound, longest.unit or "", bound=True)


def _bound(params: Mapping[str, Any]) -> float | None:
    """The one bound among the params; None where there are none, or several that differ."""
    found = {_positive(value) for key, value in params.items() if key.split("__")[-1] in PARAMS}
    known = found - {None}
    return known.pop() if len(known) == 1 else None


def _positive(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable and 0 < value < 1e15 else None


def live_line(run: RunView, width: int, now: float) -> Text:
    """One line of at most `width` cells: name, time, how far it is, a bar, the last metrics."""
    elapsed = max(0.0, now - (run.folded.started or now))
    progress = progress_of(run)
    name = clean(run.name, min(MOST_NAME, max(8, width // 3)))
    line = Text.assemble((name, "bold"), "  ", (short_duration(elapsed), "dim"), no_wrap=True)
    if progress is not None:
        _add(line, width, Text(_count(progress), style="green"))
        _add(line, width, Text(_remaining(progress, elapsed), style="dim"))
        room = min(MOST_BAR, width - line.cell_len - 2)
        if room >= LEAST_BAR:
            _add(line, width, _bar(progress.share, room))
    for series in _telling(run):
        _add(line, width, Text.assemble((f"{clean(series.key, 24)} ", "dim"), metric_text(series)))
    line.truncate(width)
    return line


def _add(line: Text, width: int, part: Text) -> None:
    if part.cell_len and line.cell_len + 2 + part.cell_len <= width:
        line.append("  ")
        line.append_text(part)


def _count(progress: Progress) -> str:
    upto = "up to " if progress.bound else ""
    plural = "" if progress.total == 1 else "s"
    return f"{progress.done:,.0f}/{upto}{progress.total:,.0f} {progress.unit}{plural}"


def _remaining(progress: Progress, elapsed: float) -> str:
    """How long the rest takes if it goes on as before."""
    if not 0 < progress.done < progress.total:
        return ""
    rest = elapsed / progress.done * (progress.total - progress.done)
    return f"{'<' if progress.bound else '~'}{short_duration(rest)} left"


def _bar(share: float, width: int) -> Text:
    full = round(share * width)
    return Text.assemble(("━" * full, "green"), ("─" * (width - full), "bright_black"))


def _telling(run: RunView) -> list[Series]:
    """The main series first, then what came last."""
    main = main_series(run)
    others = sorted(run.measures.values(), key=lambda series: -series.time)
    return [*([main] if main else []), *(one for one in others if one is not main)][:3]
