"""Our context variables, and how they come to other threads: by themselves, and they alone.

A thread has the state of its `start()`; each call that is handed to a thread pool has the state of
its `submit()`, and leaves none. Tasks of asyncio inherit theirs from Python.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Begun
    from .importing import ImportWatcher
    from .live import Run
    from .wrapping import Ledger


class Frame:
    """One level of what is open here: a run, or a hooked call and the run that it feeds, if any.

    `owner` is the call that opened the run, while it lasts.
    """

    __slots__ = ("__weakref__", "hook", "over", "owner", "run", "silent")

    def __init__(
        self,
        run: Run | None,
        *,
        hook: bool,
        silent: bool = False,
        owner: Begun | None = None,
    ) -> None:
        self.run = run
        self.owner = owner
        self.hook = hook
        self.silent = silent
        self.over = False


variables: tuple[ContextVar[Any], ...] = ()
"""All variables that are carried over, in the order of their registration."""

_defaults: tuple[Any, ...] = ()

_pending: dict[int, tuple[Any, ...]] = {}
"""States of threads that were started and do not run yet, by the `id` of the Thread."""


def variable(name: str, default: Any) -> ContextVar[Any]:
    """A new carried variable, or the one that was made under that name before."""
    global variables, _defaults
    full = f"autolog.{name}"
    for known in variables:
        if known.name == full:
            return known
    made: ContextVar[Any] = ContextVar(full, default=default)
    variables, _defaults = (*variables, made), (*_defaults, default)
    return made


current: ContextVar[Frame | None] = variable("current", None)
"""The innermost call or run that is open here."""

pauses: ContextVar[int] = variable("pauses", 0)
"""How many `paused()` blocks stand round this place."""

last_run: ContextVar[Run | None] = variable("last_run", None)
"""The run that was opened last from here, to which notes after a training belong."""


def snapshot() -> tuple[Any, ...]:
    """The values of all variables here, in their order."""
    return tuple(map(ContextVar.get, variables))


def restore(state: tuple[Any, ...]) -> None:
    """Set all variables here; those that `state` does not reach get their defaults."""
    if len(state) < len(variables):
        state += _defaults[len(state) :]
    list(map(ContextVar.set, variables, state))


def carry(ledger: Ledger, watcher: ImportWatcher | None = None) -> None:
    """Make threads and thread pools carry the variables over, until the ledger is undone.

    With a `watcher`, `concurrent.futures.thread` is hooked when the program imports it; without
    one it is imported now.
    """
    from .inplace import wrap_function

    wrap_function(threading.Thread.start, _drivers()["start"], ledger)
    wrap_function(vars(threading.Thread).get("_bootstrap_inner"), _drivers()["bootstrap"], ledger)
    name = "concurrent.futures.thread"
    if watcher is None:
        _carry_pool(import_module(name), ledger)
    else:
        watcher.watch(name, lambda module: _carry_pool(module, ledger))


def _carry_pool(module: ModuleType, ledger: Ledger) -> None:
    from .inplace import wrap_function

    item = vars(module).get("_WorkItem", object)
    wrap_function(vars(item).get("__init__"), _drivers()["submit"], ledger)
    wrap_function(vars(item).get("run"), _drivers()["work"], ledger)


def _start(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    key = id(args[0])
    _pending[key] = snapshot()
    try:
        return wrapped(*args, **kwargs)
    except BaseException:
        _pending.pop(key, None)
        raise


def _bootstrap(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    restore(_pending.pop(id(args[0]), ()))
    return wrapped(*args, **kwargs)


def _submit(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    args[0]._autolog_state = snapshot()
    return wrapped(*args, **kwargs)


def _work(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    restore(vars(args[0]).pop("_autolog_state", ()))
    try:
        return wrapped(*args, **kwargs)
    finally:
        restore(())


def _drivers() -> dict[str, Any]:
    from .wrapping import as_internal_frame

    named = {"start": _start, "bootstrap": _bootstrap, "submit": _submit, "work": _work}
    return {name: as_internal_frame(drive) for name, drive in named.items()}
