"""The shipper: a thread that sends what this process owes to one remote store."""

from __future__ import annotations

import contextvars
import secrets
import signal
import threading
import time
from collections import deque
from pathlib import Path

from ..backend import Backend
from ..forking import ForkSafeLock
from ..reporting import guarded
from .destination import destination_of
from .outbox import Outbox, Stream
from .rounds import EVERY, Rounds

TRIES = 2
"""Failures in a row after which nobody waits for a destination any more."""


class Shipper:
    """Sends the streams that this process owes to one destination, and what others left there.

    Its thread starts with the first stream. It waits for nothing but the destination, holds no
    lock of ours meanwhile, and leaves the program's signals to the program's threads. A forked
    child begins anew, without a thread.
    """

    def __init__(self, backend: Backend, outboxes: Path, age: float = 0.0) -> None:
        self.backend = backend
        self.destination = destination_of(backend)
        self._age = age
        self._folder = outboxes / self.destination.key
        self._lock = ForkSafeLock()
        self.begin()

    def begin(self) -> None:
        """Owe nothing; in a forked child, where the parent goes on with what it owes."""
        path = self._folder / f"{secrets.token_hex(16)}.jsonl"
        self.outbox = Outbox(path, self.destination.name)
        self._arrived: deque[Stream] = deque()
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._asked = self._answered = 0
        self._renew()

    def _renew(self) -> None:
        self._over = self._closing = False
        self._rounds = Rounds(
            self.backend,
            self.destination.name,
            self.outbox,
            self._folder,
            self._lock,
            age=self._age,
        )

    def after_fork(self) -> None:
        """In a forked child: let go of what is the parent's."""
        inherited, rounds = self.outbox, self._rounds
        self.begin()
        inherited.abandon()
        rounds.abandon()

    # -- called by the program's threads ---------------------------------------------------

    def owe(self, stream: Stream) -> None:
        """Note a stream whose first record is about to be written, and send it from now on.

        Raises BackendError where it could not be noted; it is sent all the same.
        """
        with self._lock:
            if self._over:  # closed, and used again
                self._renew()
                self._arrived.extend(self.outbox.owed)
                self._thread = None
            self._arrived.append(stream)
            if self._thread is None:
                self._start()
            self.outbox.owe(stream)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="autolog-shipper", daemon=True)
        self._thread = thread
        try:
            contextvars.Context().run(thread.start)
        except RuntimeError:  # the interpreter ends: the next program sends it
            self._thread = None

    def flush(self, until: float) -> bool:
        """Wait until all that was written before is sent; whether it was by then (monotonic)."""
        before = self._rounds.pause.failures
        for again in range(TRIES):
            answer = self._answer(until)
            if answer is not False or before or again + 1 == TRIES:
                return bool(answer)
            time.sleep(max(min(0.5, until - time.monotonic()), 0))
        return False

    def ask(self) -> int:
        """Have a round begin at once; its number."""
        with self._changed:
            self._asked += 1
            self._wake.set()
            return self._asked

    def _answer(self, until: float) -> bool | None:
        """Whether a round that begins now sends all; None where it takes too long."""
        if self._thread is None:
            return not self.outbox.owed
        number = self.ask()
        with self._changed:
            while self._answered < number:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None
            return self._rounds.complete

    def close(self, until: float) -> bool:
        """Send what is left until then and let go of it; whether nothing is owed any more."""
        self._closing = True
        self.flush(until)
        with self._lock:
            self._over = True
            self._wake.set()
            self.outbox.close()
        return not self.outbox.owed

    @property
    def error(self) -> str:
        """Why the last round did not send all; empty where it did."""
        return self._rounds.error

    # -- the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        _leave_signals_alone()
        me, rounds = threading.current_thread(), self._rounds
        while not self._over and self._thread is me:
            number, closing = self._asked, self._closing
            with guarded("delivery"):
                while self._arrived:
                    rounds.adopt(self._arrived.popleft())
                rounds.work(asked=number > self._answered, closing=closing)
            with self._changed:
                self._answered = number
                self._changed.notify_all()
            if self._asked == number:
                self._wake.wait(max(EVERY, min(rounds.pause.left, 60.0)))
            self._wake.clear()
        rounds.abandon()
        with guarded("closing the store"):
            self.backend.close()


def _leave_signals_alone() -> None:
    """Take no signal that the program may be waiting for; faults of this thread's own stay."""
    if hasattr(signal, "pthread_sigmask"):
        own = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS"}
        signal.pthread_sigmask(
            signal.SIG_BLOCK,
            {one for one in signal.valid_signals() if getattr(one, "name", "") not in own},
        )
