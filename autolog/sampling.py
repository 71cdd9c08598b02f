"""How busy the machine is while runs are open, on request: a thread that looks now and then."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .reporting import guarded, note

if TYPE_CHECKING:
    from .recorder import Recorder

MEGABYTE = 1_000_000


class Sampler:
    """Adds points to all open runs of a recorder, every `interval` seconds, until it is stopped.

    The names are MLflow's. Needs `psutil`; without it nothing is sampled, which `doctor` tells.
    """

    def __init__(self, recorder: Recorder, interval: float) -> None:
        self._recorder = weakref.ref(recorder)
        self._interval = interval
        self._over = threading.Event()
        self._count = 0
        try:
            self._psutil: Any = import_module("psutil")
        except ImportError:
            note("system_metrics", "needs psutil, which is not installed")
            return
        self._psutil.cpu_percent()  # the next call counts from here
        threading.Thread(target=self._watch, name="autolog-system-metrics", daemon=True).start()

    def stop(self) -> None:
        """Sample no more; waits for nothing."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            recorder = self._recorder()
            if recorder is None:
                return
            with guarded("system metrics"):
                self._sample(recorder)
            del recorder  # not to be kept alive while this waits

    def _sample(self, recorder: Recorder) -> None:
        runs = [run for run in recorder.open_runs() if not run.light]
        self._count += 1
        if runs:
            found = dict(self._read())
            for run in runs:
                run.log_metrics(found, step=self._count, unit="sample")

    def _read(self) -> Iterator[tuple[str, float]]:
        yield "system/cpu_utilization_percentage", float(self._psutil.cpu_percent())
        memory = self._psutil.virtual_memory()
        yield "system/system_memory_usage_megabytes", memory.used / MEGABYTE
        yield "system/system_memory_usage_percentage", float(memory.percent)
        own = self._psutil.Process().memory_info().rss
        yield "system/process_memory_usage_megabytes", own / MEGABYTE
