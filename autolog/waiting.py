"""Models of light runs that wait in memory, where the next one may soon take their place."""

from __future__ import annotations

import contextlib
import io
import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from .forking import ForkSafeLock

if TYPE_CHECKING:
    from .live import Run

WRITE_EVERY = 1.0
"""Seconds after which a group's next model is written at once: a kill loses no more than those."""
LARGEST = 1 << 20
"""Bytes of the largest model that waits."""
MOST = 16 << 20
"""Bytes of all that wait together."""


class Waiting(NamedTuple):
    """A model that is not in the store yet: its files, and the value of its record."""

    run: Run
    name: str
    files: dict[str, bytes]
    facts: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))


class WaitingModels:
    """What waits in this process. Safe for threads; a forked child has none."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Waiting] = {}
        self._written: dict[str, float] = {}
        self._lock = ForkSafeLock()

    def room(self, group: str) -> bool:
        """Whether a model of `group` may wait now; where it may not, it is about to be written."""
        now = time.monotonic()
        with self._lock:
            if now - self._written.get(group, -math.inf) >= WRITE_EVERY:
                self._written[group] = now
                return False
            return sum(model.size for model in self._models.values()) < MOST

    def put(self, model: Waiting) -> None:
        """Let `model` wait."""
        with self._lock:
            self._models[model.run.id, model.name] = model

    def drop(self, run_id: str, name: str) -> bool:
        """Let go of a model for good; whether it was waiting."""
        with self._lock:
            return self._models.pop((run_id, name), None) is not None

    def take(self) -> list[Waiting]:
        """All that wait, which are the caller's now."""
        with self._lock:
            found, self._models = list(self._models.values()), {}
            return found


def in_memory(
    files: dict[str, bytes],
) -> Callable[[str], contextlib.AbstractContextManager[BinaryIO]]:
    """What opens streams whose bytes are in `files` after a clean exit."""

    @contextlib.contextmanager
    def create(name: str) -> Iterator[BinaryIO]:
        stream = io.BytesIO()
        yield stream
        files[name] = stream.getvalue()

    return create
