"""The public calls: enabling and disabling, runs by hand, reading back."""

from __future__ import annotations

import atexit
import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .context import current, last_run, pauses
from .errors import UsageError
from .forking import ForkSafeLock, at_worker_exit
from .reporting import guarded
from .settings import Settings, resolve

if TYPE_CHECKING:
    from .backend import Backend
    from .engine import Engine
    from .importing import ImportWatcher
    from .ledger import Ledger
    from .live import Run
    from .recorder import Recorder
    from .view import Runs, RunView


class State:
    """What is in force in this process."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.recorder: Recorder | None = None
        self.engine: Engine | None = None
        self.watcher: ImportWatcher | None = None
        self.leftovers: list[Ledger] = []
        self.retired: list[Recorder] = []
        self.session: str | None = None
        self.joined = False
        self.opened = False
        self.at_exit = False
        self.implicit: Run | None = None
        self.lock = ForkSafeLock()

    def register_exit(self) -> None:
        """Have open runs ended at exit, once for each process."""
        if not self.at_exit:
            self.at_exit = True
            atexit.register(_at_exit)
            at_worker_exit(_at_exit)


state = State()


def enable(
    backend: Any = None,
    experiment: str | None = None,
    only: Any = None,
    exclude: Any = None,
    tags: Mapping[str, str] | None = None,
    **integration_options: Any,
) -> None:
    """Record every training from here on; a second call changes settings and patches once.

    Args:
        backend: Where runs go: a folder, `file:FOLDER`, `memory:`, or several of them.
        experiment: The experiment of new runs.
        only: Names of the integrations to record.
        exclude: What to leave out: integrations, classes by glob, `kind:…`, `record:…`.
        tags: Tags for every new run.
        **integration_options: Options by integration: `sklearn={"model_format": "skops"}`, and
            any further setting of `docs/settings.md` by name.

    Raises:
        UsageError: A setting or option does not exist or has a value that does not fit. It is
            raised before anything is changed.
    """
    given = {
        "backend": backend,
        "experiment": experiment,
        "only": only,
        "exclude": exclude,
        "tags": tags,
        **integration_options,
    }
    settings = resolve({key: value for key, value in given.items() if value is not None})
    if not settings.enabled or "all" in settings.exclude:
        return
    from . import enabling

    named = {
        name: settings.options[name] for name in integration_options if name in settings.options
    }
    enabling.check_options(named)
    enabling.check_kinds(settings)
    with state.lock, guarded("enabling"):
        enabling.enable(state, settings)


def disable() -> None:
    """Put back every attribute as it was and end the runs that are open."""
    if state.settings is None:
        return
    from . import enabling

    with state.lock, guarded("disabling"):
        enabling.disable(state)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Record nothing inside the block, in this thread or task alone; blocks nest."""
    token = pauses.set(pauses.get() + 1)
    try:
        yield
    finally:
        pauses.reset(token)


# -- runs by hand ------------------------------------------------------------------------------


def start_run(
    name: str | None = None,
    *,
    id: str | None = None,
    experiment: str | None = None,
    parent: str | None = None,
    tags: Mapping[str, Any] | None = None,
) -> Run:
    """Open a run by hand: `with autolog.start_run("tuning") as run:`, or end it by `.end()`.

    Trainings inside the block become its children. `id` resumes a run: its next attempt.

    Raises:
        UsageError: `id` or `parent` is not 32 hexadecimal digits.
    """
    for what, value in (("id", id), ("parent", parent)):
        if value is not None and not _is_id(value):
            raise UsageError(f"start_run: {what} {value!r} is not 32 hexadecimal digits")
    outer = active_run()
    above = parent or (outer.id if outer is not None and outer.id != id else None)
    return _opened(name=name, run_id=id, experiment=experiment, parent=above, tags=tags)


def active_run() -> Run | None:
    """The run that is being recorded here: of the block, or of the training that calls us."""
    frame = current.get()
    if frame is None or frame.over or frame.run is None or frame.run.ended:
        return state.implicit if state.implicit is not None and not state.implicit.ended else None
    run: Run = frame.run
    return run


def log_param(key: str, value: Any) -> None:
    """Record one input of the training on the active run."""
    _target().log_param(key, value)


def log_params(params: Mapping[str, Any]) -> None:
    """Record inputs of the training on the active run."""
    _target().log_params(params)


def log_metric(
    key: str, value: float, *, step: float | None = None, unit: str | None = None
) -> None:
    """Record one number on the active run; `step` orders the points, `unit` names its unit."""
    _target().log_metric(key, value, step=step, unit=unit)


def log_metrics(
    metrics: Mapping[str, float], *, step: float | None = None, unit: str | None = None
) -> None:
    """Record several numbers of one step on the active run."""
    _target().log_metrics(metrics, step=step, unit=unit)


def set_tag(key: str, value: Any) -> None:
    """Record one searchable text on the active run."""
    _target().set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Record searchable texts on the active run."""
    _target().set_tags(tags)


def log_artifact(source: Any, name: str | None = None) -> None:
    """Keep a file or folder by path, or bytes under `name`, with the active run."""
    _target().log_artifact(source, name)


def log_table(name: str, data: Any) -> None:
    """Record a table: a mapping of columns, a list of rows, or a frame."""
    _target().log_table(name, data)


def log_figure(figure: Any, name: str = "figure.png") -> None:
    """Keep a matplotlib or plotly figure with the active run."""
    _target().log_figure(figure, name)


def log_dataset(role: str, data: Any, target: Any = None, *, name: str | None = None) -> None:
    """Record what a dataset is (shape, types, digest, statistics) on the active run."""
    _target().log_dataset(role, data, target, name=name)


def log_model(name: str, model: Any) -> None:
    """Save a model with the active run."""
    _target().log_model(name, model)


def _target() -> Run:
    """The run that a bare `log_*` belongs to.

    The active one; else the last training of this thread or task, for that is what a line
    after `fit` speaks of; else a run of the whole program, opened here and now.
    """
    run = None if pauses.get() else active_run()
    if run is not None:
        return run
    from .nothing import NoRun

    if pauses.get():
        return NoRun()
    last: Run | None = last_run.get()
    if last is not None and last.belongs_to(state.recorder, *state.retired):
        return last
    with state.lock:
        opened = _opened()
        if not isinstance(opened, NoRun):
            state.implicit = opened
        return opened


def _opened(**facts: Any) -> Run:
    """A run opened by hand; one that keeps nothing where we are off or cannot open it."""
    from .nothing import NoRun

    recorder = _recorder()
    if recorder is not None:
        with guarded("opening a run"):
            return recorder.open_run(site=_site(), **facts)
    return NoRun()


def _recorder() -> Recorder | None:
    """The recorder in force; a call by hand opens one without hooks. None when off or paused."""
    from . import enabling

    if pauses.get():
        return None
    with state.lock, guarded("opening the store"):
        if state.recorder is None:
            settings = resolve({})
            if not settings.enabled or "all" in settings.exclude:
                return None
            if state.settings is None:
                enabling.apply(state, settings)
        return enabling.recorder(state)
    return None


def _site() -> Any:
    from .callsite import find_site

    with guarded("call site"):
        return find_site(sys._getframe(3))
    return None


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


# -- reading back ------------------------------------------------------------------------------


def search_runs(
    filter: str = "",
    *,
    experiment: str | None = None,
    order_by: str | list[str] | None = None,
    limit: int | None = None,
    include_probable: bool = False,
    backend: str | Path | None = None,
) -> Runs:
    """The runs that match `filter` (see `docs/filters.md`), newest first unless ordered.

    Metrics whose link to their run is only probable count with `include_probable` alone.

    Raises:
        FilterError: The filter does not parse; the message points at the place.
    """
    from . import search

    return search.search_runs(
        _readable(backend),
        filter,
        experiment=experiment,
        order_by=order_by,
        limit=limit,
        include_probable=include_probable,
    )


def get_run(id: str, *, backend: str | Path | None = None) -> RunView:
    """One run by id, by a prefix that only it has, or `@latest`, `@1`, … counting back.

    Raises:
        NotFound: No run, or more than one, goes by that name.
    """
    from . import search

    return search.get_run(_readable(backend), id)


def load_model(
    source: str | Path, *, trust: bool = False, backend: str | Path | None = None
) -> Any:
    """The model `"<run>/model"`, or of a model directory by path.

    A pickle is loaded only if it was signed by you or one of your `allowed_signers`, or with
    `trust=True`, which lets the model's code run.

    Raises:
        UntrustedModel: Nobody whom you trust vouches for the pickle.
        NotFound: There is no such run or model.
    """
    from . import models

    path = Path(source)
    if (path / "MLmodel").is_file():
        return models.load_model(path, trust=trust)
    run_id, _, name = str(source).partition("/")
    return get_run(run_id, backend=backend).load_model(name or "model", trust=trust)


def _readable(backend: str | Path | None) -> Backend:
    from .opening import open_backend, open_default

    if state.recorder is not None:
        state.recorder.settle()
    if backend is not None:
        return open_backend(backend)
    settings = state.settings or resolve({})
    return open_default(settings.backend)


def _at_exit() -> None:
    """End what is open; an error that ended the program is the open runs' error too."""
    from . import enabling

    with guarded("at exit"):
        enabling.close(state, enabling.program_error())


class Autolog:
    """The type of `autolog` itself: a callable with every public name on it."""

    def __call__(
        self,
        backend: str | Path | Iterable[str] | None = None,
        experiment: str | None = None,
        only: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        **integration_options: Any,
    ) -> None:
        """Record every training from here on; see `enable`."""
        enable(backend, experiment, only, exclude, tags, **integration_options)

    active_run = staticmethod(active_run)
    disable = staticmethod(disable)
    get_run = staticmethod(get_run)
    load_model = staticmethod(load_model)
    log_artifact = staticmethod(log_artifact)
    log_dataset = staticmethod(log_dataset)
    log_figure = staticmethod(log_figure)
    log_metric = staticmethod(log_metric)
    log_metrics = staticmethod(log_metrics)
    log_model = staticmethod(log_model)
    log_param = staticmethod(log_param)
    log_params = staticmethod(log_params)
    log_table = staticmethod(log_table)
    paused = staticmethod(paused)
    search_runs = staticmethod(search_runs)
    set_tag = staticmethod(set_tag)
    set_tags = staticmethod(set_tags)
    start_run = staticmethod(start_run)
