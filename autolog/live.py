"""The handle of a run that is being written: what hooks and people may say about it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import redact
from .codec import escape_text, to_wire
from .context import Frame, current
from .forking import ForkSafeLock
from .reporting import guarded, say
from .values import plain

if TYPE_CHECKING:
    from .recorder import Recorder
    from .records import Kind, Status

PRUNED = "TrialPruned"
"""The error with which an objective tells Optuna that its trial was pruned."""
INLINE_TABLE = 256_000
"""Bytes of JSON up to which a table stands in the journal itself; a larger one is an artifact."""


class Run:
    """One training that is being recorded; get one from `autolog.start_run()` or in a hook.

    A context manager: leaving the block ends the run (`failed` after an exception, `killed`
    after Ctrl-C). The calls never raise for what the store does; bad arguments are told once and
    lose nothing else. Any thread may use it; a process forked meanwhile writes to it as another
    writer.
    """

    def __init__(self, recorder: Recorder, run_id: str, facts: Mapping[str, Any]) -> None:
        self._recorder = recorder
        self.id = run_id
        self.name: str = facts["name"]
        self.experiment: str = facts["experiment"]
        self.parent: str | None = facts.get("parent")
        self.light: bool = bool(facts.get("light"))
        self.group: str | None = facts.get("group")
        self.ended = False
        self.redacted = False
        self.overhead = 0
        self.state: dict[str, Any] = {}
        self.trouble: tuple[Status, dict[str, Any]] | None = None
        self._units: dict[str, tuple[str, str]] = {}
        self._names: dict[str, int] = {}
        self._tokens: list[Any] = []
        self._lock = ForkSafeLock()

    def __repr__(self) -> str:
        return f"<autolog run {self.id[:8]} {self.name!r}>"

    # -- what can be said ------------------------------------------------------------------

    def log_param(self, key: str, value: Any) -> None:
        """Record one input of the training; a later value of the same key counts."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any], *, chosen: Iterable[str] | None = None) -> None:
        """Record inputs of the training; with `chosen` the others are known to be defaults."""
        with guarded("log_params"):
            picked = None if chosen is None else frozenset(chosen)
            facts = []
            for key, value in params.items():
                info = None if picked is None else {"set": key in picked}
                facts.append(self._fact("param", key, value, info))
            self._append(facts)

    def log_metric(
        self, key: str, value: float, *, step: float | None = None, unit: str | None = None
    ) -> None:
        """Record one number; `step` orders the points of a key, `unit` says what it counts."""
        with guarded("log_metric"):
            self._append([self._metric(key, value, step, unit)])

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: float | None = None, unit: str | None = None
    ) -> None:
        """Record several numbers of one step, in one go."""
        now, facts, units = time.time(), [], self._units
        quick = type(step) is int and unit is not None
        for key, value in metrics.items():
            if quick and type(value) is float and math.isfinite(value):
                told = units.get(key)
                if told is not None and told[0] == unit:  # one more point of a known series
                    facts.append((now, "metric", told[1], value, step, None))
                    continue
            with guarded("log_metric"):
                facts.append(self._metric(key, value, step, unit, now))
        try:  # as `guarded` does it, with less of ours to run in each round of a training
            self._append(facts)
        except Exception as error:
            with guarded("log_metrics"):
                raise error

    def _metric(
        self, key: str, value: Any, step: float | None, unit: str | None, when: float | None = None
    ) -> Any:
        info = None
        if unit is not None and self._units.get(key, ("",))[0] != unit:
            self._units[key] = unit, _name(key)
            info = {"unit": unit}
        return _point(key, value, step, info, when)

    def point(
        self, key: str, value: Any, step: float | None, info: dict[str, Any] | None = None
    ) -> None:
        """Record one number with how it is known; the quick road of all metrics."""
        if type(value) is float and type(step) is int and math.isfinite(value):
            fact = (time.time(), "metric", escape_text(key), value, step, info)
        else:
            fact = _point(key, value, step, info)
        self._recorder.append(self, [fact])

    def log_series(self, key: str, values: Iterable[Any], *, unit: str, first: int = 0) -> None:
        """Record a whole series at once; its steps count up from `first`."""
        with guarded("log_series"):
            now = time.time()
            facts: list[Any] = [
                (now, "metric", _name(key), to_wire(number(key, value)), first + i, None)
                for i, value in enumerate(values)
            ]
            if facts:
                facts[0] = (*facts[0][:5], {"unit": unit})
            self._append(facts)

    def set_tag(self, key: str, value: Any) -> None:
        """Record one searchable text."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Record searchable texts."""
        with guarded("set_tags"):
            self._append([self._fact("tag", key, _text(value)) for key, value in tags.items()])

    def log_system(self, key: str, value: Any) -> None:
        """Record a fact about the circumstances: code, host, versions."""
        with guarded("log_system"):
            self._append([self._fact("system", key, value)])

    def log_dataset(
        self,
        role: str,
        data: Any,
        target: Any = None,
        *,
        weight: Any = None,
        name: str | None = None,
        target_name: str | None = None,
        statistics: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what `data` is (shape, types, digest, statistics), read within bounds in place.

        `role` is `train`, `validation`, `test` or any word; `target` are the labels.
        """
        from .data import describe

        with guarded("log_dataset"):
            if not self.wants("dataset", name or "unknown"):
                return
            facts = describe(
                data,
                target,
                weight=weight,
                name=name or "unknown",
                target_name=target_name,
                role=role,
                statistics=statistics and not self.light,
            )
            self.dataset({**facts, **(extra or {})})

    def dataset(self, facts: Mapping[str, Any]) -> None:
        """Record a dataset that has been described already."""
        key = self.unique("dataset", str(facts.get("name") or "unknown"))
        self._append([self._fact("dataset", key, facts)])

    def log_table(self, name: str, data: Any) -> None:
        """Record a table: a mapping of columns, a list of rows (dicts), or a frame."""
        with guarded("log_table"):
            self._recorder.table(self, _name(name), columns_of(data))

    def log_artifact(self, source: Any, name: str | None = None) -> None:
        """Keep a file (or all of a folder) by path, or bytes under `name`."""
        with guarded("log_artifact"):
            self._recorder.artifact(self, source, name)

    def log_figure(self, figure: Any, name: str = "figure.png") -> None:
        """Keep a matplotlib figure as an image, a plotly one as a page; neither is changed."""
        with guarded("log_figure"):
            self._recorder.figure(self, figure, _name(name))

    def log_model(self, name: str, model: Any, **details: Any) -> None:
        """Save a model that a known library made; `autolog.load_model("<run>/<name>")` loads it."""
        with guarded("log_model"):
            self._recorder.model(self, _name(name), model, details)

    def later(self, key: str, task: Callable[[], None]) -> None:
        """Have `task()` done before the store is read here or closed; of one key the newest.

        For what takes long and may soon be replaced: a picture in a loop.
        """
        self._recorder.later(self, key, task)

    def child(self, name: str, *, light: bool = False) -> Run:
        """Open a run below this one, which is yours to end; a light one has no files of its own."""
        return self._recorder.open_run(
            name=name, experiment=self.experiment, parent=self.id, light=light
        )

    # -- the run's end ---------------------------------------------------------------------

    def end(self, status: Status = "finished", error: BaseException | None = None) -> None:
        """Close the run; a second call changes nothing."""
        with self._lock:
            if self.ended:
                return
            self.ended = True
        with guarded("ending the run"):
            self._recorder.end(self, status, error)

    def troubled(self, error: BaseException) -> None:
        """Note an error that may be the training's end: it is, unless `trouble` is reset to None.

        For loops of the program's own, which may catch it and go on. Keeps what is told of the
        error, not the error, which holds the loop's variables.
        """
        from .failures import told

        self.trouble = status_of(error), told(error) or {}

    def __enter__(self) -> Run:
        self._tokens.append(self._recorder.enter(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._recorder.leave(self._tokens.pop())
        self.end(status_of(error), error)

    # -- below -----------------------------------------------------------------------------

    def belongs_to(self, *recorders: Recorder | None) -> bool:
        """Whether one of `recorders` writes this run."""
        return any(recorder is self._recorder for recorder in recorders)

    def wants(self, kind: Kind, key: str) -> bool:
        """Whether the settings keep such a record; a hook may ask before costly work."""
        return not self._recorder.drops(kind, key)

    def unique(self, space: str, name: str) -> str:
        """`name`, or `name-2`, `name-3` for the next of that name in this run."""
        with self._lock:
            count = self._names[f"{space}\0{name}"] = self._names.get(f"{space}\0{name}", 0) + 1
        return name if count == 1 else f"{name}-{count}"

    def fact(self, kind: Kind, key: str, value: Any, info: dict[str, Any] | None = None) -> None:
        """Record one fact of any kind; the values are cleaned and redacted on the way."""
        self._append([self._fact(kind, key, value, info)])

    def _fact(self, kind: Kind, key: str, value: Any, info: dict[str, Any] | None = None) -> Any:
        name = _name(key)
        simple = plain(value)
        clean = redact.redact(name, simple)
        if clean is not simple and kind == "param":
            self.redacted = True
        return (time.time(), kind, name, to_wire(clean), None, info)

    def _append(self, facts: list[Any]) -> None:
        if facts:
            self._recorder.append(self, facts)


def _point(
    key: str,
    value: Any,
    step: float | None,
    info: dict[str, Any] | None,
    when: float | None = None,
) -> Any:
    if type(value) is not float:
        value = number(key, value)
    if step is not None and type(step) is not int:
        step = finite_step(key, step)
    when = time.time() if when is None else when
    return (when, "metric", _name(key), to_wire(value), step, info)


def put_back(token: Any) -> None:
    """Make the frame before `token` the current one again."""
    try:
        current.reset(token)
    except ValueError:  # the block was left in another context than it was entered in
        old = token.old_value
        current.set(old if isinstance(old, Frame) else None)


def status_of(error: BaseException | None) -> Status:
    """The status of a run whose block was left with `error`."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "finished"
    stopped = isinstance(error, KeyboardInterrupt) or is_pruning(error)
    return "killed" if stopped else "failed"


def is_pruning(error: BaseException | None) -> bool:
    """Whether a tuner has ended a trial because it is not worth going on."""
    return any(kind.__name__ == PRUNED for kind in type(error).__mro__)


def number(key: str, value: Any) -> Any:
    """`value` as a plain Python number; raises TypeError for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if isinstance(value, int) else float(value)
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "size", 1) == 1:
        value = item()
    if isinstance(value, int | float):
        return value if isinstance(value, int) and not isinstance(value, bool) else float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metric {key!r} is a {type(value).__qualname__}, not a number") from None


def finite_step(key: str, step: Any) -> float | None:
    """`step` as a number; None, told once, where it orders nothing (NaN, infinite)."""
    value: float = number(key, step)
    if math.isfinite(value):
        return value
    say(f"metric {key!r}: step {value} orders nothing; the point was kept without", once=key)
    return None


def _name(key: Any) -> str:
    return escape_text(key if type(key) is str else str(key))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(plain(value))


def columns_of(data: Any) -> dict[str, list[Any]]:
    """A table as columns: from a mapping, rows, or anything with `to_dict`."""
    if isinstance(data, Mapping):
        return {str(key): [plain(v) for v in values] for key, values in data.items()}
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        return {str(key): [plain(v) for v in data[key]] for key in data.columns}
    rows = list(data)
    keys = dict.fromkeys(str(key) for row in rows for key in row)
    return {key: [plain(row.get(key)) for row in rows] for key in keys}


def without_secrets(value: Any) -> Any:
    """A plain value as a record would hold it, for what is shown otherwise: in a picture."""
    return redact.redact("", value)
