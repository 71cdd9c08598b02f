"""How many requests a second somebody may send; each worker process counts for itself."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from .errors import Busy

BURST = 10.0
"""Seconds' worth of requests that may come at once."""

MOST = 10_000


class Rates:
    """An allowance for each name, which fills up at `rate` a second; 0 for no limit."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Count one request; raises Busy (429) where the allowance is used up."""
        if self._rate <= 0:
            return
        now, full = time.monotonic(), self._rate * BURST
        with self._lock:
            left, then = self._left.pop(name, (full, now))
            left = min(full, left + (now - then) * self._rate)
            self._left[name] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > MOST:
                self._left.popitem(last=False)
        if left < 1:
            wait = (1 - left) / self._rate
            raise Busy("too_many_requests", "more requests than allowed", wait, status=429)
