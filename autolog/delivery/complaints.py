"""What a destination will not take: noted in the outbox, kept for `doctor`, said once."""

from __future__ import annotations

import contextlib

from ..errors import BackendError
from ..forking import ForkSafeLock
from ..records import Record
from ..reporting import note, say
from .outbox import Outbox


class Complaints:
    """Of one destination.

    Attributes:
        outbox: Whose records are being sent.
    """

    def __init__(self, name: str, outbox: Outbox, lock: ForkSafeLock) -> None:
        self.outbox = outbox
        self._name = name
        self._lock = lock

    def record(self, record: Record, why: str) -> None:
        """A record is refused for good."""
        with contextlib.suppress(BackendError), self._lock:
            self.outbox.refused(record.run, record.writer, record.seq, why)
        self._tell(f"{record.kind} {record.key[:40]!r} of run {record.run[:8]}", why)

    def file(self, run: str, path: str, why: str) -> None:
        """A file is refused for good."""
        with contextlib.suppress(BackendError), self._lock:
            self.outbox.refused_file(run, path, why)
        self._tell(f"{path!r} of run {run[:8]}", why)

    def failed(self, outbox: Outbox, why: str) -> None:
        """Nothing can be sent now."""
        note("delivery", f"{self._name}: {why}")
        with contextlib.suppress(BackendError), self._lock:
            outbox.failed(why)
        say(
            f"{self._name} takes no runs now: {why} (they are kept, and sent later)",
            once=f"delivery {self._name}",
        )

    def _tell(self, what: str, why: str) -> None:
        text = f"{self._name} refuses {what}, which stays here: {why}"
        note("delivery", text)
        say(f"{text} (see `autolog doctor`)", once=f"refused {self._name}")
