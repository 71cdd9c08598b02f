"""Delivery: bringing what stands in a journal on this machine to the remote stores.

Hooks write to the journal alone. Each remote store has a shipper, whose thread sends what this
process writes; an outbox says what is still owed, so that the next program sends what a dead one
left. `docs/delivery.md` tells it to users, `docs/decisions/0009-delivery.md` why it is so.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..backend import Backend
from ..errors import BackendError
from ..opening import open_backend
from ..reporting import counted, guarded, say
from ..settings import Settings
from ..spool import OUTBOXES, STORE, made, spool_place
from .outbox import Stream
from .shipper import Shipper

__all__ = ["Delivery"]

ANSWER = 0.5
"""Seconds for which the opening of a run that is resumed by its id waits for remote stores."""
WORKER_WAITS = 1.0
"""Seconds that a worker process waits at most at its end; its program sends what is left."""


class Delivery:
    """The shippers of one recorder, and the journal that they send from."""

    def __init__(self, remotes: Sequence[Backend], settings: Settings) -> None:
        self._spool = spool_place(settings.spool)
        self._made = False
        self.shippers = [
            Shipper(remote, self._spool / OUTBOXES, settings.spool_age) for remote in remotes
        ]
        _instances.add(self)

    def with_journal(self, direct: Sequence[Backend]) -> list[Backend]:
        """The stores that hooks write to, the journal first: one of theirs, or the spool."""
        local = [backend for backend in direct if getattr(backend, "root", None) is not None]
        journal = local[0] if local else open_backend(self._spool / STORE)
        return [journal, *(backend for backend in direct if backend is not journal)]

    def owe(self, run: str, store: Backend, writer: str, light: bool) -> None:
        """Have what `writer` is about to write to `run` in a local store sent everywhere."""
        root: Path | None = getattr(store, "root", None)
        if root is None:
            return
        stream = Stream(None if light else run, writer, str(root))
        for shipper in self.shippers:
            with guarded("noting what is to be sent"):
                if not self._made:
                    made(self._spool)
                    self._made = True
                shipper.owe(stream)

    def openings(self, run: str) -> list[dict[str, Any]]:
        """With what a run was opened that only remote stores know; those that answer at once."""
        found: list[dict[str, Any]] = []

        def ask(remote: Backend) -> None:
            with contextlib.suppress(BackendError):
                opened = [one.value for one in remote.records(run) if one.kind == "run"]
                found.extend(value for value in opened if isinstance(value, dict))

        asking = [
            threading.Thread(target=ask, args=[shipper.backend], daemon=True)
            for shipper in self.shippers
        ]
        for thread in asking:
            contextvars.Context().run(thread.start)
        until = time.monotonic() + ANSWER
        for thread in asking:
            thread.join(max(until - time.monotonic(), 0))
        return list(found)

    def flush(self, timeout: float) -> bool:
        """Wait until what was written before is sent; whether it is."""
        until = time.monotonic() + timeout
        for shipper in self.shippers:
            shipper.ask()
        return all(shipper.flush(until) for shipper in self.shippers)

    def close(self, timeout: float) -> None:
        """Send what is left, within that time; say in one line what could not be."""
        worker = _is_worker()
        if worker:
            timeout = min(timeout, WORKER_WAITS)
        until = time.monotonic() + timeout
        for shipper in self.shippers:
            shipper.ask()
        left = [shipper for shipper in self.shippers if not shipper.close(until)]
        for shipper in () if worker else left:
            _say_left(shipper)


def _is_worker() -> bool:
    """Whether this process is one of multiprocessing's, whose program waits for its end."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _say_left(shipper: Shipper) -> None:
    streams = shipper.outbox.owed
    count = len({stream.run or stream.writer for stream in streams})
    why = f" ({shipper.error})" if shipper.error else ""
    what = f"{counted(count, 'run')} not yet sent to {shipper.destination.name}{why}"
    say(f"{what}: `autolog sync` sends what is left, or the next program that records there")


_instances: weakref.WeakSet[Delivery] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for delivery in list(_instances):
        for shipper in delivery.shippers:
            shipper.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
