"""Drives the hooks: guards them, nests them, opens and ends their runs, takes them off again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import callsite
from .context import Frame, current, pauses
from .integration import Call, Hook, Integration, adopted, on_adoption
from .live import Run, put_back, status_of
from .placing import Placement
from .reporting import guarded
from .standing import StandingRuns
from .wrapping import Ledger, as_internal_frame, external_caller

if TYPE_CHECKING:
    from .importing import ImportWatcher
    from .recorder import Recorder


class Entry:
    """One hook of one integration as the engine keeps it, with how often it fired."""

    __slots__ = ("fired", "hook", "integration", "library", "name")

    def __init__(self, name: str, integration: Integration, hook: Hook, library: str) -> None:
        self.name = name
        self.integration = integration
        self.hook = hook
        self.library = library
        self.fired = 0

    @property
    def place(self) -> str:
        """How messages name this hook."""
        return f"{self.name}.{self.hook.name}"


class Engine:
    """All hooks of one enabling; `close` takes every one of them off."""

    def __init__(self, recorder: Recorder, watcher: ImportWatcher) -> None:
        self.recorder = recorder
        self.watcher = watcher
        self.ledger = Ledger()
        self.entries: list[Entry] = []
        self.integrations: dict[str, Integration] = {}
        self.standing = StandingRuns(self)
        self.active = True
        self._verdicts: dict[type, bool] = {}
        self._names: set[str] = set()
        self._libraries: set[str] = set()
        self.placement = Placement(self.ledger, self.drive_for)
        self.ledger.add(on_adoption(self._adopt))

    # -- putting on ------------------------------------------------------------------------

    def install(self, name: str, kind: type[Integration], library: Any) -> None:
        """Put the hooks of one integration on its library, which has just been imported.

        The methods of classes are wrapped where the class defines them, functions in place, so
        that nothing is missed however and whenever it was imported.
        """
        options = self.recorder.options_for(name, kind)
        integration = kind(options)
        integration.standing = self.standing
        self.integrations[name] = integration
        for hook in kind.hooks():
            entry = Entry(name, integration, hook, kind.module or name)
            self.entries.append(entry)
            self._libraries.add(entry.library)
            self._names.update(hook.target.names)
            self.watcher.watch(hook.target.module, self._placer(entry))
        for undo in integration.install(library):
            self.ledger.add(undo)
        for cls in adopted(name):
            self._adopt(name, cls)
        for path in integration.classes():
            module, _, attribute = path.rpartition(".")
            self.watcher.watch(module, self._adopter(name, attribute))

    def _adopter(self, name: str, attribute: str) -> Callable[[Any], None]:
        return lambda module: self._adopt(name, getattr(module, attribute))

    def _adopt(self, name: str, cls: type) -> None:
        """Put the hooks for subclasses on a class that is none."""
        for entry in self.entries:
            if entry.name == name and entry.hook.target.kind == "subclasses":
                self.placement.on_class(cls, entry)

    def reconfigure(self, recorder: Recorder) -> None:
        """Let runs to come follow changed settings; the hooks stay as they are."""
        self.recorder = recorder
        self._verdicts.clear()
        for name, integration in self.integrations.items():
            integration.options = recorder.options_for(name, type(integration))

    def _placer(self, entry: Entry) -> Callable[[Any], None]:
        def place(module: Any) -> None:
            if self.active:
                self.placement.place(entry, module)

        return place

    def close(self) -> None:
        """Take everything off; what others have wrapped since stays as a pass-through."""
        self.active = False
        with guarded("disable"):
            self.standing.close()
        self.ledger.undo()

    # -- driving ---------------------------------------------------------------------------

    def drive_for(self, entries: list[Entry], base: type | None = None) -> Callable[..., Any]:
        """The function that stands between the caller and the original; for `base`'s alone.

        It is the one frame of ours on the stack while the original runs, and is marked so that
        `warnings` does not count it: a `stacklevel` still points at the user's line. Tracebacks
        do not show it.
        """

        def drive_hooked_call(
            wrapped: Any, instance: Any, args: Any, kwargs: Any, *_given: Any, **_named: Any
        ) -> Any:
            # MLflow walks up the frames that have an object among their arguments, to learn what
            # the caller calls it.
            _given, _named = args, kwargs
            begun: Begun | None = None
            try:
                frame = current.get()
                if base is not None and not isinstance(instance, base):
                    return wrapped(*args, **kwargs)
                if frame is not None and frame.hook and not frame.over and _all_skip(entries):
                    return wrapped(*args, **kwargs)
                begun = self._begin(entries, wrapped, instance, args, kwargs)
                if begun is None:
                    return wrapped(*args, **kwargs)
                try:
                    result = wrapped(*begun.args, **begun.kwargs)
                except BaseException as error:
                    begun.fail(error)
                    raise
                begun.finish(result)
                return result
            except BaseException as error:
                # Our own frame comes first in the traceback; a bare `raise` adds none.
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                raise

        return as_internal_frame(drive_hooked_call)

    def _begin(
        self, entries: list[Entry], wrapped: Any, instance: Any, args: Any, kwargs: Any
    ) -> Begun | None:
        """The hooks that run for this call, the innermost one first; None where none does."""
        if not self.active or pauses.get() or _unwanted(entries, instance, args):
            return None
        caller = external_caller(sys._getframe(1))
        begun: Begun | None = None
        try:
            for entry in entries:
                with guarded(entry.place):
                    began = time.thread_time_ns()
                    call = Call(wrapped, instance, args, kwargs, entry.hook.target.names)
                    inner = self._enter(entry, call, caller, began)
                    if inner is not None:
                        inner.outer, begun = begun, inner
                        args, kwargs = inner.args, inner.kwargs
        except BaseException as error:
            if begun is not None:
                begun.fail(error)
            raise
        return begun

    def _enter(
        self, entry: Entry, call: Call, caller: FrameType | None, began: int
    ) -> Begun | None:
        hook, outer = entry.hook, current.get()
        if outer is not None and outer.over:
            outer = None
        nested = outer is not None and outer.hook
        plumbing = hook.nested == "always"
        if nested and not plumbing and (hook.nested == "skip" or (outer and outer.silent)):
            return None
        if not nested and caller and callsite.is_worker_task(caller, *self._libraries):
            # So that what it starts itself, in threads too, is known to be a part of the task.
            return Begun(self, entry, call, began).enter(Frame(None, hook=True, silent=True))
        name = getattr(call.function, "__name__", "")
        if not nested and callsite.is_tools_own(caller, name, self._names):
            return None
        entry.fired += 1
        call.entry = entry
        begun = Begun(self, entry, call, began)
        if self._silent(entry, call, bool(nested)):
            return begun.enter(Frame(None, hook=True, silent=True))
        call.site = callsite.find_site(caller, library=entry.library)
        if hook.opens_run and not (nested and hook.nested == "join"):
            begun.run = run = self._open(entry, call, outer)
            begun.owns = True
            begun.enter(Frame(run, hook=True, owner=begun))
        else:
            begun.run = outer.run if outer is not None else None
            call.owner = outer.owner if outer is not None else None
            if hook.covers and not nested:
                begun.enter(Frame(None, hook=True, silent=True))
        return begun.start()

    def _silent(self, entry: Entry, call: Call, nested: bool) -> bool:
        if self._excluded(entry.integration, call):
            return True
        wants = entry.hook.opens_run
        return isinstance(wants, str) and not nested and not getattr(entry.integration, wants)(call)

    def _open(self, entry: Entry, call: Call, outer: Frame | None) -> Run:
        return self.recorder.open_run(
            name=entry.integration.run_name(call),
            parent=outer.run.id if outer is not None and outer.run is not None else None,
            site=call.site,
            integration=entry.name,
            library=type(entry.integration).library,
        )

    def _excluded(self, integration: Integration, call: Call) -> bool:
        """Whether the settings leave alone what this call trains, by its class or its kind."""
        exclusions = self.recorder.settings.exclusions
        if not (exclusions.classes or exclusions.kinds):
            return False
        subject = integration.subject(call)
        if subject is None:
            return False
        if exclusions.kinds and exclusions.has_kind(integration.kind(subject)):
            return True
        return self.excluded(type(subject))

    def excluded(self, cls: type) -> bool:
        """Whether the settings leave this class alone (`exclude=sklearn.*.KNN*`)."""
        verdict = self._verdicts.get(cls)
        if verdict is None:
            verdict = self.recorder.settings.exclusions.has_class(cls)
            if len(self._verdicts) < 10_000 and cls.__module__ != "__main__":
                self._verdicts[cls] = verdict
        return verdict


class Begun:
    """A hooked call that is under way."""

    __slots__ = (
        "args", "began", "call", "engine", "entry", "frame", "generator", "kwargs", "outer",
        "owns", "run", "token",
    )  # fmt: skip

    def __init__(self, engine: Engine, entry: Entry, call: Call, began: int) -> None:
        self.engine = engine
        self.entry = entry
        self.call = call
        self.began = began
        self.args = call.args
        self.kwargs = dict(call.kwargs)
        self.run: Run | None = None
        self.owns = False
        self.frame: Frame | None = None
        self.token: Any = None
        self.generator: Iterator[None] | None = None
        self.outer: Begun | None = None

    def enter(self, frame: Frame) -> Begun:
        """Make `frame` the current one until the call is over."""
        self.frame = frame
        self.token = current.set(frame)
        return self

    def start(self) -> Begun:
        """Run the hook up to its `yield`; what it changed counts only if it got there."""
        guard = guarded(self.entry.place)
        try:
            with guard:
                hook = self.entry.hook
                generator = hook.generator(self.entry.integration, self.call, self.run)
                next(generator)
                self.generator = generator
                self.args, self.kwargs = self.call.args, self.call.kwargs
        except BaseException as error:
            self._leave(status_of(error), error)
            raise
        self._spent()
        return self

    def finish(self, result: Any) -> None:
        """Run the rest of the hook after success, and end the run that it owns."""
        self.began = time.thread_time_ns()
        try:
            with guarded(self.entry.place):
                if self.generator is not None:
                    self.call.result = result
                    next(self.generator, None)
        finally:
            self._leave("finished", None)
            if self.outer is not None:
                self.outer.finish(result)

    def fail(self, error: BaseException) -> None:
        """Close the hook after the original raised, and end the run as failed."""
        self.began = time.thread_time_ns()
        try:
            with guarded(self.entry.place):
                if self.generator is not None:
                    self.call.error = error
                    self.generator.close()  # type: ignore[attr-defined]
        finally:
            self._leave(status_of(error), error)
            if self.outer is not None:
                self.outer.fail(error)

    def _leave(self, status: Any, error: BaseException | None) -> None:
        if self.frame is not None:
            self.frame.over = True
            self.frame.owner = None
            put_back(self.token)
        run, self.generator = self.run, None
        self._spent()
        if run is not None and self.owns:
            run.end(status, error)
        self.call.result = self.call.error = self.call.owner = None

    def _spent(self) -> None:
        if self.run is not None:
            self.run.overhead += time.thread_time_ns() - self.began


def _unwanted(entries: list[Entry], instance: Any, args: Any) -> bool:
    """Whether the one hook that stands here has nothing to do with this call."""
    entry = entries[0]
    only = entry.hook.only
    return bool(only) and len(entries) == 1 and not getattr(entry.integration, only)(instance, args)


def _all_skip(entries: list[Entry]) -> bool:
    for entry in entries:  # noqa: SIM110 - a generator would double the time of nested calls
        if entry.hook.nested != "skip":
            return False
    return True
