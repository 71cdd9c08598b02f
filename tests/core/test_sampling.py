"""System metrics: off by default, a thread on request, which ends with the recording."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import autolog

NAME = "autolog-system-metrics"


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_by_default_there_is_no_thread(tmp_path: Path) -> None:
    autolog.autolog(f"memory:{tmp_path}")
    with autolog.start_run():
        assert threads() == []


def test_on_request_open_runs_have_the_use_of_the_machine(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, system_metrics=0.01)
    with autolog.start_run() as run:
        (thread,) = threads()
        while len(found := autolog.get_run(run.id, backend=uri).metrics) < 4:
            time.sleep(0.01)
    assert 0 <= found["system/cpu_utilization_percentage"] <= 100
    assert 0 < found["system/system_memory_usage_percentage"] <= 100
    own = found["system/process_memory_usage_megabytes"]
    assert 0 < own <= found["system/system_memory_usage_megabytes"]
    points = autolog.get_run(run.id, backend=uri).history("system/cpu_utilization_percentage")
    assert points.unit == "sample"
    autolog.disable()
    thread.join()
    assert threads() == []
