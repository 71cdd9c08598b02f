"""The documentation's session with `curl` alone logs a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "http-api.md"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this system")
def test_the_pages_session_logs_a_run(served: Any, tmp_path: Path) -> None:
    (session,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    done = subprocess.run(
        ["bash", "-euc", session],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
        env={**os.environ, "SERVER": served.url, "TOKEN": served.token},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    found = served.get("/runs?filter=name%20%3D%20%27by%20curl%27").json["runs"]
    assert [(one["status"], one["experiment"]) for one in found] == [("finished", "wine/shell")]
    assert (found[0]["params"], found[0]["metrics"]) == ({"C": 0.3}, {"loss": 0.4})
    assert served.get(f"/runs/{found[0]['id']}").json["artifacts"] == ["report.txt"]
    answers = [json.loads(text) for text in re.findall(r"\{\"runs\".*", done.stdout)]
    assert [run["name"] for run in answers[0]["runs"]] == ["by curl"]
