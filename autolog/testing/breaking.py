"""Hooks and stores that go wrong on purpose, and hooks that are watched at their work."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, BinaryIO

from .. import api, opening
from ..backend import Backend
from ..engine import Entry
from ..errors import BackendError
from ..integration import Call
from ..records import Record
from .observing import fingerprint, tried

SLOW = 0.02
"""Seconds that a slow store takes for each batch."""


# -- hooks -----------------------------------------------------------------------------------


def entries(library: str) -> list[Entry]:
    """The hooks of one integration that are in force in this process.

    Those of modules that nobody has imported are not.
    """
    engine = api.state.engine
    known = [] if engine is None else [entry for entry in engine.entries if entry.name == library]
    return [entry for entry in known if entry.hook.target.module in sys.modules]


@contextlib.contextmanager
def replaced(entry: Entry, make: Callable[[Any], Any]) -> Iterator[None]:
    """The hook of `entry` runs `make(its generator)` inside the block."""
    hook = entry.hook
    entry.hook = dataclasses.replace(hook, generator=make(hook.generator))
    try:
        yield
    finally:
        entry.hook = hook


def raising(moment: str, error: Callable[[], BaseException]) -> Callable[[Any], Any]:
    """For `replaced`: raise `error()` where the hook begins, or right after its `yield`."""

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def generator(integration: Any, call: Call, run: Any) -> Iterator[None]:
            if moment == "before":
                raise error()
            yield from _first_part(original(integration, call, run))
            raise error()

        return generator

    return make


def _first_part(hook: Iterator[None]) -> Iterator[None]:
    next(hook)
    yield


def noting_changes(
    problems: list[str], place: str, seen_as: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """For `replaced`: note in `problems` where the hook changes what the program handed over."""

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def generator(integration: Any, call: Call, run: Any) -> Iterator[None]:
            given = (call.instance, call.args, dict(call.kwargs), seen_as)
            hook = original(integration, call, run)
            with _unchanged(given, problems, f"{place} before its yield"):
                next(hook)
            yield
            if "__del__" in call.names:  # of which nothing can be asked any more
                given = (None, *given[1:])
            with _unchanged(given, problems, f"{place} after its yield"):
                next(hook, None)

        return generator

    return make


@contextlib.contextmanager
def _unchanged(given: tuple[Any, ...], problems: list[str], place: str) -> Iterator[None]:
    instance, args, kwargs, seen_as = given
    parts = {"the instance": instance, **dict(enumerate(args)), **kwargs}

    def look(part: Any) -> Any:
        return tried(lambda: fingerprint(seen_as(part)))

    before = {name: look(part) for name, part in parts.items()}
    yield
    for name, part in parts.items():
        if look(part) != before[name]:
            problems.append(f"{place} changed argument {name!r}")


def noting_arguments(held: list[weakref.ref[Any]]) -> Callable[[Any], Any]:
    """For `replaced`: collect weak references to whatever the hooked calls are given.

    Modules (`torch.save` is given `pickle`) live on all the same.
    """

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def generator(integration: Any, call: Call, run: Any) -> Iterator[None]:
            for value in (call.instance, *call.args, *call.kwargs.values()):
                if not isinstance(value, ModuleType):
                    with contextlib.suppress(TypeError):
                        held.append(weakref.ref(value))
            yield from original(integration, call, run)

        return generator

    return make


# -- stores ----------------------------------------------------------------------------------

TROUBLES: dict[str, tuple[frozenset[str], Exception]] = {
    "open": (frozenset(("open",)), BackendError("the store cannot be opened")),
    "write": (frozenset(("write",)), BackendError("the store takes no records")),
    "files": (frozenset(("create_artifact", "copy_artifact")), BackendError("no files")),
    "full": (frozenset(("write", "create_artifact")), OSError(errno.ENOSPC, "disk is full")),
    "rude": (frozenset(("write", "acked", "create_artifact", "close")), RuntimeError("a defect")),
}
"""Stores in trouble: which calls of each raise, and what. `slow` takes its time instead."""


class TroubledBackend(Backend):
    """A store in memory of which some calls raise, or take their time: `troubled:write:NAME`."""

    direct = True

    def __init__(self, uri: str) -> None:
        self.uri = uri
        trouble = uri.split(":")[1]
        self._failing, self._error = TROUBLES.get(trouble, (frozenset(), BackendError("")))
        self._delay = SLOW if trouble == "slow" else 0.0
        self._meet("open")
        self._inner = opening.open_backend(inner_uri(uri))

    def _meet(self, call: str) -> None:
        if call in self._failing:
            # A new one each time: its traceback would keep whatever the frames hold.
            raise type(self._error)(*self._error.args)

    def write(self, batch: Sequence[Record]) -> None:
        """As the contract says, or trouble."""
        self._meet("write")
        time.sleep(self._delay)
        self._inner.write(batch)

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says, or trouble."""
        self._meet("acked")
        return self._inner.acked(run)

    def create_artifact(self, run: str, path: str) -> AbstractContextManager[BinaryIO]:
        """As the contract says, or trouble."""
        self._meet("create_artifact")
        return self._inner.create_artifact(run, path)

    def copy_artifact(self, run: str, to: str, path: str) -> None:
        """As the contract says, or trouble."""
        self._meet("copy_artifact")
        self._inner.copy_artifact(run, to, path)

    def run_ids(self) -> list[str]:
        """As the contract says."""
        return self._inner.run_ids()

    def records(self, run: str) -> Iterator[Record]:
        """As the contract says."""
        return self._inner.records(run)

    def artifacts(self, run: str) -> list[str]:
        """As the contract says."""
        return self._inner.artifacts(run)

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """As the contract says."""
        return self._inner.open_artifact(run, path)

    def delete(self, run: str) -> int:
        """As the contract says."""
        return self._inner.delete(run)

    def close(self) -> None:
        """As the contract says, or trouble."""
        self._meet("close")
        self._inner.close()


def inner_uri(uri: str) -> str:
    """The store in memory that holds what a troubled one takes."""
    return f"memory:{uri}"


SCHEME = "troubled"
"""Under this name the suite offers `TroubledBackend` to the opening of stores."""

CLASS_PATH = f"{TroubledBackend.__module__}:{TroubledBackend.__qualname__}"
