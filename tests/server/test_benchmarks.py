"""The benchmarks of stores run as `python -m benchmarks` names them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPECTED = {
    "sql": {"points_per_cpu_s", "thinned_cpu_ms", "few_cpu_ms", "single_cpu_ms"},
    "server": {"points_per_s", "client_us_per_point", "write_64_p99_ms", "search_16_p50_ms"},
    "delivery": {"alone_s", "with_server_s"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_benchmark_of_stores_runs(tmp_path: Path, name: str) -> None:
    words = [sys.executable, "-m", "benchmarks", "--only", name, "--rounds", "1"]
    words += ["--size", "0.001", "--store", "sqlite", "--json", str(tmp_path / "found.json")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())[name]
    own = found.get("sqlite", found)
    assert min(own[figure] for figure in EXPECTED[name]) > 0
