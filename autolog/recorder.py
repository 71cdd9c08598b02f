"""One process's pen: opens runs, hands their facts to the stores, ends what is still open."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import (
    __version__,
    artifacts,
    kept_notes,
    notebook,
    process,
    provenance,
    redact,
    saving,
    sources,
)
from .backend import Backend
from .codec import from_wire, to_wire
from .context import Frame, current, last_run
from .errors import BackendError
from .failures import told
from .groups import Groups
from .live import INLINE_TABLE, Run, put_back, status_of
from .opening import open_backend
from .records import Status
from .reporting import guarded
from .settings import Settings
from .spill import ResilientWriter, open_spill
from .values import plain
from .waiting import WaitingModels

if TYPE_CHECKING:
    from .delivery import Delivery
    from .sampling import Sampler

FORMAT = 1


class Recorder:
    """Numbers and stores the facts of this process's runs.

    Local stores and memory are written in the caller, synchronously: a call that has returned
    is kept even if the process is killed next. Remote ones are sent what stands in the journal,
    which is the first local store, or a spool. Safe for threads; a forked child goes on as a
    writer of its own.
    """

    def __init__(self, settings: Settings, session: str, *, first: bool = True) -> None:
        self.settings = settings
        self.session = session
        self.backends: list[Backend] = [open_backend(uri) for uri in settings.backend]
        direct = [backend for backend in self.backends if backend.direct]
        self._delivery = self._new_delivery()
        if self._delivery is not None:
            direct = self._delivery.with_journal(direct)
        self.journal = direct[0]
        placed = self._delivery.owe if self._delivery is not None else None
        self._writers = [
            ResilientWriter(backend, open_spill, None if n else placed)
            for n, backend in enumerate(direct)
        ]
        self._copies: dict[tuple[Backend, ...], Backend] = {}
        self._open: dict[str, Run] = {}
        self._endings: dict[str, list[Callable[[], None]]] = {}
        self.groups = Groups(settings)
        self.waiting = WaitingModels()
        self._later: dict[tuple[str, str], Callable[[], None]] = {}
        self._first = first
        self._code_from: sources.Kept | None = None
        self._pid = os.getpid()
        self._unmark: Callable[[], None] | None = None
        self._sampler: Sampler | None = None
        self.closing_error: BaseException | None = None

    @property
    def backend(self) -> Backend:
        """The store that is read back."""
        return self.backends[0]

    def _new_delivery(self) -> Delivery | None:
        remotes = [backend for backend in self.backends if not backend.direct]
        if not remotes:
            return None
        from .delivery import Delivery

        return Delivery(remotes, self.settings)

    def place(self, run_id: str) -> Backend:
        """Where files of a run go: to every store that takes its records in the caller."""
        stores = tuple(writer.place(run_id) for writer in self._writers)
        if len(stores) == 1:
            return stores[0]
        if stores not in self._copies:
            from .copies import Copies

            self._copies[stores] = Copies(stores, self.settings)
        return self._copies[stores]

    def options_for(self, name: str, kind: Any) -> Any:
        """The integration's options: environment over call over `pyproject.toml` over default."""
        from .options import resolve_options

        return resolve_options(name, kind.options_type(), self.settings.options.get(name, {}))

    # -- runs ------------------------------------------------------------------------------

    def open_run(
        self,
        *,
        name: str | None = None,
        run_id: str | None = None,
        experiment: str | None = None,
        parent: str | None = None,
        tags: Mapping[str, Any] | None = None,
        site: Any = None,
        integration: str | None = None,
        library: str | None = None,
        light: bool = False,
    ) -> Run:
        """Open a run (or, with the id of one that exists, one more attempt at it)."""
        self._after_fork()
        group, light = self.groups.enter(site, name) if integration else (None, light)
        first, self._first = self._first, False
        if first:
            name = self.settings.run_name or name
            run_id = run_id or self.settings.run_id
        earlier = {} if run_id is None else self._earlier(run_id)
        experiment = experiment or self.settings.experiment or earlier.get("experiment")
        facts: dict[str, Any] = {
            "name": name or earlier.get("name") or provenance.program_name(),
            "experiment": experiment or provenance.default_experiment(),
            "parent": parent or self.settings.parent_run or earlier.get("parent"),
            "attempt": earlier.get("attempt", 1) + 1 if earlier else 1,
            "session": self.session,
            **process.this_process(),
            "program": provenance.program_name(),
            "site": str(site) if site is not None else None,
            "group": group,
            "light": light,
            "integration": integration,
            "library": library,
            "mark": self._mark(),
            "format": FORMAT,
            "autolog": __version__,
        }
        run = Run(self, run_id or secrets.token_hex(16), facts)
        self._open[run.id] = run
        self._append(run.id, [(time.time(), "run", "", _wire(facts), None, None)])
        self._install_mark(run.id, facts["mark"])
        self._circumstances(run, tags)
        if self.settings.system_metrics > 0 and self._sampler is None:
            from .sampling import Sampler

            self._sampler = Sampler(self, self.settings.system_metrics)
        return run

    def open_runs(self) -> list[Run]:
        """The runs that this process has open."""
        return list(self._open.values())

    def _circumstances(self, run: Run, tags: Mapping[str, Any] | None) -> None:
        """Tags, and for a full run the code, host and versions it stands on."""
        all_tags = {**self.settings.tags, **(tags or {})}
        if all_tags:
            run.set_tags(all_tags)
        if run.light:
            return
        with guarded("provenance"):
            self._append(run.id, _system_facts())
        if (book := notebook.notebook()) is not None:
            run.log_system("notebook", book)
        with guarded("keeping the source"):
            place = self.place(run.id)
            self._code_from = sources.keep(place, run.id, self._code_from, self.drops)

    def _earlier(self, run_id: str) -> dict[str, Any]:
        """What the newest attempt at this run was opened with; empty where there is none."""
        from .errors import NotFound

        try:
            opened = [r.value for r in self.journal.records(run_id) if r.kind == "run"]
        except NotFound:
            opened = self._delivery.openings(run_id) if self._delivery is not None else []
        newest: dict[str, Any] = max(opened, key=lambda facts: facts.get("attempt", 1), default={})
        return dict(from_wire(newest))

    def _mark(self) -> str | None:
        """Where this process's death by SIGTERM will be noted, below the store's root."""
        if getattr(self.journal, "root", None) is None:
            return None
        return f"marks/{self._writers[0].writer}"

    def _install_mark(self, run_id: str, mark: str | None) -> None:
        root = getattr(self.place(run_id), "root", None)
        if mark is None or root is None or self._unmark is not None:
            return
        path = Path(root) / mark
        with guarded("watching for SIGTERM"):
            try:
                path.parent.mkdir(exist_ok=True)
                self._unmark = process.install_mark(path)
            except OSError as error:
                raise BackendError(str(error)) from error

    def append(self, run: Run, facts: list[Any]) -> None:
        """Hand facts of `run`, redacted and in wire form, to every store."""
        self._append(run.id, facts)

    def drops(self, kind: str, key: str) -> bool:
        """Whether the settings leave out records of that kind and key."""
        exclusions = self.settings.exclusions
        return bool(exclusions.records) and exclusions.drops(kind, key)

    def _append(self, run_id: str, facts: list[Any]) -> None:
        exclusions = self.settings.exclusions
        if exclusions.records:
            facts = [fact for fact in facts if not exclusions.drops(fact[1], fact[2])]
        for writer in self._writers:
            writer.append(run_id, facts)

    def owns(self, run: Run) -> bool:
        """Whether this very process opened `run` and has not ended it."""
        self._after_fork()
        return run.id in self._open

    def before_end(self, run: Run, ending: Callable[[], None]) -> None:
        """Have `ending()` called before `run` is ended at the process's exit."""
        self._endings.setdefault(run.id, []).append(ending)

    def end(self, run: Run, status: Status, error: BaseException | None) -> None:
        """Write the run's last facts, unless another process opened it."""
        if not self.owns(run):
            return
        del self._open[run.id]
        self._endings.pop(run.id, None)
        now = time.time()
        what = told(error)
        if error is None and status == "finished" and run.trouble is not None:
            status, what = run.trouble
        facts: list[Any] = [
            (now, "system", "autolog.overhead", run.overhead / 1e9, None, None),
            (now, "end", "", _wire({"status": status, "error": what}), None, None),
        ]
        self._append(run.id, facts)
        for writer in self._writers:
            writer.forget(run.id)
        last_run.set(run)

    def close(self, error: BaseException | None = None, timeout: float = 0.0) -> None:
        """End every run that this process has open (at exit, or at `disable`).

        `timeout` is how many seconds to wait for what is being sent to remote stores.
        """
        self._after_fork()
        self.closing_error = error
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        for run_id in list(self._open):
            for ending in self._endings.get(run_id, ()):
                with guarded("ending a run"):
                    ending()
            run = self._open.get(run_id)
            if run is not None:
                run.end(status_of(error), error)
        self._catch_up()
        saving.store_waiting(self)
        with guarded("closing the store"):
            if self._unmark is not None:
                self._unmark()
            for store in [writer.backend for writer in self._writers]:
                root = getattr(store, "root", None)
                if root is not None:
                    kept_notes.keep(root, provenance.program_name())
                store.close()
        if self._delivery is not None:
            with guarded("delivery"):
                self._delivery.close(timeout)

    def _after_fork(self) -> None:
        """Forget the parent's runs in a forked child: they are the parent's to end."""
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._open, self._endings = {}, {}
            self._unmark = None
            self._sampler = None  # its thread is the parent's
            self._later = {}
            self.waiting.take()

    # -- the current run -------------------------------------------------------------------

    def enter(self, run: Run) -> Any:
        """Make `run` the current one by hand; trainings inside become its children."""
        return current.set(Frame(run, hook=False))

    def leave(self, token: Any) -> None:
        """Make the run before it the current one again."""
        put_back(token)

    # -- tables, files, models -------------------------------------------------------------

    def table(self, run: Run, name: str, columns: dict[str, list[Any]]) -> None:
        """Store a table in the journal, or as an artifact where it is large."""
        if self.drops("table", name):
            return
        import msgspec

        wire = to_wire(redact.redact("", columns))
        rows = max((len(column) for column in columns.values()), default=0)
        encoded = msgspec.json.encode(wire)
        value: dict[str, Any] = {"columns": wire, "rows": rows}
        if len(encoded) > INLINE_TABLE:
            path = f"tables/{name}.json"
            value = {**artifacts.put(self.place(run.id), run.id, path, encoded), "rows": rows}
        self._append(run.id, [(time.time(), "table", name, value, None, None)])

    def artifact(self, run: Run, source: Any, name: str | None) -> None:
        """Store a file, all files of a folder, or bytes."""
        for path, content in artifacts.contents(source, name):
            if self.drops("artifact", path):
                continue
            facts = artifacts.put(self.place(run.id), run.id, path, content, self.settings)
            run.fact("artifact", path, facts)

    def figure(self, run: Run, figure: Any, name: str) -> None:
        """Store what a figure looks like."""
        content, path = artifacts.picture(figure, name)
        self.artifact(run, content, path)

    def model(self, run: Run, name: str, model: Any, details: dict[str, Any]) -> None:
        """Save a model and record it; what went wrong is recorded in its place."""
        if self.drops("model", name):
            return
        saving.save_model(self, run, name, model, details)

    def settle(self) -> None:
        """Write what waits in memory, and send it, before somebody reads the store."""
        self._after_fork()
        self._catch_up()
        saving.store_waiting(self)
        if self._delivery is not None and not self.backend.direct:
            self._delivery.flush(self.settings.exit_timeout)

    def later(self, run: Run, key: str, task: Callable[[], None]) -> None:
        """Have `task()` done before the store is read here or closed; of one key the newest."""
        self._later[run.id, key] = task

    def _catch_up(self) -> None:
        while self._later:
            try:
                _, task = self._later.popitem()
            except KeyError:  # another thread has taken the last
                return
            with guarded("catching up"):
                task()

    def shed_model(self, run_id: str, name: str) -> None:
        """Take a model away again, and record that it was."""
        if not self.waiting.drop(run_id, name):
            self.place(run_id).drop_artifact(run_id, name)
        shed = {"shed": "a later run of its group took its place"}
        self._append(run_id, [(time.time(), "model", name, shed, None, None)])


_system: list[tuple[str, Any]] = []


def _system_facts() -> list[Any]:
    """What is true of all runs of this process, in wire form, found out once."""
    if not _system:
        _system.extend((key, _wire_value(value)) for key, value in provenance.facts().items())
    now = time.time()
    return [(now, "system", key, value, None, None) for key, value in _system]


def _wire_value(value: Any) -> Any:
    return to_wire(redact.redact("", plain(value)))


def _wire(facts: Mapping[str, Any]) -> dict[str, Any]:
    wire: dict[str, Any] = to_wire({k: v for k, v in facts.items() if v is not None})
    return wire
