"""How long to wait before the next try."""

from __future__ import annotations

import os
import time

FIRST = 1.0
LONGEST = 60.0
"""Seconds after the first and after many failures."""
MOST_ASKED = 3600.0
"""Seconds that a destination may ask for at most."""


class Pause:
    """Grows with each failure and is a little different each time; over at the first success.

    Attributes:
        failures: How many there were in a row.
        told: Whether the destination asked for it, so that nobody tries before.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.told = False
        self._until = 0.0

    def failed(self, asked: float | None = None) -> None:
        """Wait, at least the seconds that the destination asked for."""
        longest = min(FIRST * (1 << self.failures), LONGEST)
        self.failures = min(self.failures + 1, 30)
        jitter = int.from_bytes(os.urandom(2)) / 65536  # the program's own random state stays
        wanted = max(longest * (0.5 + jitter / 2), min(asked or 0.0, MOST_ASKED))
        self.told = asked is not None
        self._until = time.monotonic() + wanted

    def over(self) -> None:
        """Wait no more: it works."""
        self.failures = 0
        self.told = False
        self._until = 0.0

    @property
    def left(self) -> float:
        """Seconds still to wait."""
        return max(self._until - time.monotonic(), 0.0)
