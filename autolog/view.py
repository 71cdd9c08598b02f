"""Runs as a person reads them: `RunView` is one run, `Runs` a sequence of them. Both read only."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar, overload

from .backend import Backend
from .errors import NotFound
from .fold import Fact, Folded, parts
from .held import Artifact
from .history import History
from .kept import kept
from .points import Points, histories, thinned, within
from .query import Range, Window
from .records import Status
from .series import Series
from .status import status_of
from .store import Store
from .summary import Summary

if TYPE_CHECKING:
    import pandas
    import polars

Item = TypeVar("Item")

PROGRESS, TOTAL = "progress", "progress_total"
"""A metric that counts what is done, where a fact of the system says how much there is to do."""


class RunError(NamedTuple):
    """Why a run failed: the exception's type, message, and the end of its traceback."""

    type: str
    message: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


class RunView:
    """One run, read only. Params, metrics, datasets and models of an only child count as its own.

    Under a run that was opened by hand every training is a child; where there is just one, what
    it recorded is shown here too, and the run's own values win.
    """

    def __init__(self, store: Store, run: str) -> None:
        self.store = store
        self.summary: Summary = store.summary(run)

    @kept
    def folded(self) -> Folded:
        """All that was recorded, read when it is first asked for."""
        return self.store.folded(self.id)

    # -- facts -----------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """32 hexadecimal digits."""
        return self.summary.id

    @property
    def name(self) -> str:
        """The run's name; the id's beginning where it has none."""
        return self.summary.text("name") or self.id[:8]

    @property
    def experiment(self) -> str:
        """The experiment it belongs to; empty where it has none."""
        return self.summary.experiment

    @property
    def parent(self) -> str | None:
        """Id of the run under which it stands, None for none."""
        return self.summary.text("parent")

    @property
    def site(self) -> str | None:
        """The call that trained, as `train.py:41`; None where unknown."""
        return self.summary.text("site")

    @kept
    def status(self) -> Status:
        """`running`, `finished`, `failed`, `killed` or `lost`, as found when first asked."""
        return status_of(self.summary, self.store.root)

    @property
    def error(self) -> RunError | None:
        """Why it failed; None for a run that did not."""
        error = self.summary.error()
        if not isinstance(error, dict):
            return None
        return RunError(*(str(error.get(key) or "") for key in RunError._fields))

    @property
    def started(self) -> datetime | None:
        """When it was first opened, in UTC."""
        return _moment(self.summary.started)

    @property
    def ended(self) -> datetime | None:
        """When it ended, in UTC; None while it runs and where nobody saw its end."""
        return _moment(self.summary.ended)

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end, or to the newest record where there is no end."""
        started, ended = self.summary.started, self.summary.ended
        if started is None:
            return None
        return max(0.0, (self.summary.newest if ended is None else ended) - started)

    # -- what was recorded -----------------------------------------------------------------

    @kept
    def params(self) -> Mapping[str, Any]:
        """The params by name, as the program had them: numbers, text, lists, …"""
        return MappingProxyType(self._merged(lambda run: run.summary.params()))

    @kept
    def metrics(self) -> Mapping[str, int | float]:
        """The last value of each metric; `history` has all its points."""
        return MappingProxyType(self._merged(lambda run: run.summary.metrics()))

    @kept
    def probable(self) -> frozenset[str]:
        """The metrics whose link with the run is only probable."""
        if not self._below:
            return frozenset(self.summary.probable)  # mostly the one empty set
        return frozenset(key for key, series in self.series.items() if series.probable)

    @kept
    def series(self) -> Mapping[str, Series]:
        """Count, first, low, high, unit and origin of each metric."""
        return MappingProxyType(self._merged(lambda run: run.folded.series))

    @property
    def measures(self) -> Mapping[str, Series]:
        """The metrics that tell of the training itself, and not of how far it has come."""
        if PROGRESS not in self.series or TOTAL not in self.system:
            return self.series
        return {key: series for key, series in self.series.items() if key != PROGRESS}

    @kept
    def tags(self) -> Mapping[str, str]:
        """The run's own tags."""
        return MappingProxyType(self.summary.tags())

    @kept
    def datasets(self) -> Mapping[str, Any]:
        """What is known of each dataset, by its name in the run."""
        return self._values("dataset")

    @kept
    def brief_datasets(self) -> Mapping[str, Any]:
        """Digest and role of each dataset, by name; None for one described in another way."""
        return self._merged(lambda run: run.summary.datasets())

    @kept
    def models(self) -> Mapping[str, Any]:
        """What is known of each model, by name; `load_model` loads one."""
        return self._values("model")

    @kept
    def tables(self) -> Mapping[str, Any]:
        """The tables by name."""
        return self._values("table")

    @kept
    def system(self) -> Mapping[str, Any]:
        """The circumstances: program, git, host, versions, autolog's own cost, …"""
        return self._values("system")

    @property
    def artifacts(self) -> list[str]:
        """Paths of all files that are held of the run, models' files among them, sorted."""
        return sorted({path for run in self.line for path in self._files(run)})

    def facts(self, kind: str) -> dict[str, Fact]:
        """What counts of each key of `kind` (`param`, …) with its time and origin."""
        return self._merged(lambda run: run.folded.latest(kind))

    def history(
        self,
        key: str,
        attempt: int | None = None,
        *,
        steps: Range | None = None,
        times: Range | None = None,
        limit: int | None = None,
    ) -> History:
        """The points of the metric `key`.

        Points that a later attempt superseded are left out, unless their `attempt` is asked for.
        Raises NotFound if the run has no such metric.

        Args:
            key: The metric's name.
            attempt: Only this attempt's points, superseded or not.
            steps: From and to, both included, None for an open end.
            times: As `steps`, in Unix seconds.
            limit: At most so many points: where there are more, of each stretch the least and the
                greatest stay, and `sampled` is true.
        """
        window = Window(attempt, steps, times, limit)
        for run in self.line:
            if key in run.summary.metrics():
                return run._history(key, window)
        raise self._missing("metric", key, self.metrics)

    def _history(self, key: str, window: Window) -> History:
        """Of the run's own metric."""
        curve = self.store.backend.history(self.id, key, window)
        if curve is not None:
            return History(key, curve.unit, curve.points, curve.total)
        whole = self._histories(key=key, attempt=window.attempt)[key]
        points = within(whole, window)
        return History(key, whole.unit, thinned(points, window.limit), len(points))

    def histories(self) -> dict[str, History]:
        """The points of every metric by name, read in one go; else as `history`."""
        found = self._merged(lambda run: run._histories())
        return {key: found[key] for key in self.series if key in found}

    def _histories(self, key: str | None = None, attempt: int | None = None) -> dict[str, History]:
        """Of the run's own metrics."""
        found = parts(self.store.backend.blocks(self.id))
        bounds = self.folded.bounds
        points = histories(found, key=key, bounds=bounds, attempt=attempt)
        empty = Points([], [], [], [])
        return {
            name: History(name, series.unit, points.get(name, empty))
            for name, series in self.folded.series.items()
            if key in (None, name)
        }

    def artifact(self, name: str) -> Artifact:
        """One file of the run by its path; raises NotFound."""
        for run in self.line:
            if name in self._files(run):
                recorded = run.folded.values("artifact").get(name)
                return Artifact(self.store.backend, run.id, name, recorded)
        raise self._missing("artifact", name, self.artifacts)

    def load_model(self, name: str = "model", *, trust: bool = False) -> Any:
        """The model of that name, ready for use.

        A pickle is loaded only if somebody whom you trust signed it, or with `trust=True`, which
        lets the model's code run. Raises UntrustedModel, or NotFound.
        """
        from . import models

        for run in self.line:
            facts = run.folded.values("model").get(name)
            if facts is not None:
                opener = _opener(self.store.backend, run.id, _model_path(facts, name))
                return models.load_model(opener, trust=trust)
        raise self._missing("model", name, self.models)

    def children(self) -> Runs:
        """The runs that stand directly under this one, oldest first."""
        return Runs(RunView(self.store, run) for run in self.store.children(self.id))

    # -- an only child's facts -------------------------------------------------------------

    @property
    def line(self) -> list[RunView]:
        """This run and, for one opened by hand, its only child, and so on down."""
        return [self, *self._below]

    @kept
    def _below(self) -> Sequence[RunView]:
        """The rest of `line`: apart, since most runs have none, and none may hold itself."""
        last, below, seen = self.summary, [], {self.id}
        while not last.facts.get("integration"):
            child = self.store.only_child(last.id)
            if child is None or child in seen:
                break
            seen.add(child)
            below.append(RunView(self.store, child))
            last = below[-1].summary
        return below or ()

    @property
    def only_child(self) -> RunView | None:
        """The child whose facts are shown as this run's own; None where there is no such child."""
        return self._below[0] if self._below else None

    def _merged(self, part: Callable[[RunView], Mapping[str, Item]]) -> dict[str, Item]:
        merged = dict(part(self))
        for run in self._below:
            merged |= {key: item for key, item in part(run).items() if key not in merged}
        return merged

    def _values(self, kind: str) -> Mapping[str, Any]:
        return MappingProxyType(self._merged(lambda run: run.folded.values(kind)))

    def _files(self, run: RunView) -> list[str]:
        return self.store.backend.artifacts(run.id)

    def _missing(self, what: str, name: str, known: Iterable[str]) -> NotFound:
        near = difflib.get_close_matches(name, list(known), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return NotFound(f"run {self.id[:8]} has no {what} {name!r}{hint}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunView) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        from .rendering.text import clean, short_duration

        lasted = f" {short_duration(self.duration)}" if self.duration is not None else ""
        return f"<autolog run {self.id[:8]} {clean(self.name)} {self.status}{lasted}>"

    def _repr_html_(self) -> str:
        from .rendering.html import run_html

        return run_html(self)


class Runs(Sequence[RunView]):
    """A sequence of runs, as a search found them."""

    def __init__(self, runs: Iterable[RunView]) -> None:
        self._runs = list(runs)

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, index: int) -> RunView: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> RunView | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __iter__(self) -> Iterator[RunView]:
        return iter(self._runs)

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each run: `id`, `name`, …, `params.*`, `metrics.*`, `tags.*`."""
        from .columns import to_pandas

        return to_pandas(self)

    def to_polars(self) -> polars.DataFrame:
        """As `to_pandas`; a column of mixed types becomes text."""
        from .columns import to_polars

        return to_polars(self)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table` as `to_pandas`; a column of mixed types becomes text."""
        from .columns import to_arrow

        return to_arrow(self)

    def __repr__(self) -> str:
        from .rendering.listing import runs_text

        return runs_text(self)

    def _repr_html_(self) -> str:
        from .rendering.html import runs_html

        return runs_html(self)


def _moment(seconds: float | None) -> datetime | None:
    """A stored time as a datetime; None where a broken clock wrote what no calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _model_path(facts: Any, name: str) -> str:
    path = facts.get("path") if isinstance(facts, dict) else None
    return path if isinstance(path, str) else name


def _opener(backend: Backend, run: str, path: str) -> Callable[[str], BinaryIO]:
    """What opens the files of the run's folder `path` by name."""
    return lambda file: backend.open_artifact(run, f"{path}/{file}")
