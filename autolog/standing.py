"""Runs that outlive one call: a loop's steps on one trained object, or on several together."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .context import current
from .integration import Call
from .live import status_of
from .reporting import guarded

if TYPE_CHECKING:
    from .callsite import Site
    from .engine import Engine
    from .live import Run


class StandingRuns:
    """Open runs by the object that they train; each ends with its object or the process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[int, tuple[weakref.finalize[Any, Any], Run]] = {}

    def get(self, owner: Any) -> Run | None:
        """The open run of `owner`, if it has one."""
        found = self._runs.get(id(owner))
        return None if found is None or found[1].ended else found[1]

    @property
    def closing_error(self) -> BaseException | None:
        """What is ending the program, where it does not end by itself."""
        return self._engine.recorder.closing_error

    def wants(self, subject: Any) -> bool:
        """Whether the settings let trainings of such an object be recorded."""
        return self._engine.active and not self._engine.excluded(type(subject))

    def open(
        self,
        owner: Any,
        call: Call | Site | None,
        name: str,
        integration: str,
        at_end: Callable[[Run], None],
        below: Run | None = None,
    ) -> Run:
        """A new run for `owner`; `at_end(run)` is called once before it ends.

        `call` is the one that opens it, or its place. `at_end` must not hold `owner` itself, which
        could then never die: its `__dict__` is enough to make a copy from. The run stands `below`
        one that the hook was given, where the hook covers what is nested in its call; else below
        the one that is open here.
        """
        recorder = self._engine.recorder
        frame = current.get()
        outer = frame.run if below is None and frame is not None else below
        run = recorder.open_run(
            name=name,
            parent=outer.id if outer is not None else None,
            site=call.site if isinstance(call, Call) else call,
            integration=integration,
            library=type(self._engine.integrations[integration]).library,
        )
        key = id(owner)  # not `owner` itself, which the closure below would keep alive
        finalizer = weakref.finalize(owner, self._end, key, at_end)
        finalizer.atexit = False  # the recorder ends what is open at exit, before the backends
        self._runs[key] = (finalizer, run)
        recorder.before_end(run, lambda: self._end(key, at_end))
        return run

    def end(self, owner: Any, error: BaseException | None = None) -> None:
        """End the run of `owner` now, if it has one open; as failed after `error`."""
        found = self._runs.get(id(owner))
        if found is not None:
            if error is not None:
                found[1].end(status_of(error), error)
            found[0]()

    def close(self) -> None:
        """End all runs."""
        for finalizer, _ in list(self._runs.values()):
            finalizer()

    def _end(self, key: int, at_end: Callable[[Run], None]) -> None:
        found = self._runs.pop(key, None)
        if found is None:
            return
        found[0].detach()
        if self._engine.recorder.owns(found[1]):
            with guarded("ending a standing run"):
                at_end(found[1])
            found[1].end()
