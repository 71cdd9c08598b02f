"""Nobody is contacted, and nothing is asked, unless a store or a setting says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
seen = []
def hook(event, args):
    if event.startswith(("socket.", "builtins.input", "webbrowser.", "urllib.")):
        seen.append((event, str(args)[:100]))
sys.addaudithook(hook)
from autolog import autolog
autolog()
from sklearn.linear_model import Ridge
import numpy as np
with autolog.start_run("by hand") as run:
    Ridge().fit(np.eye(4), np.arange(4.0)).score(np.eye(4), np.arange(4.0))
    run.log_artifact(b"x", "a.txt")
print(len(autolog.search_runs()), autolog.get_run("@latest").status)
autolog.disable()
print([one for one in seen if one[0] not in ("socket.__new__", "socket.gethostname")])
"""


def test_a_local_program_opens_no_connection_and_asks_nothing(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AUTOLOG")}
    done = subprocess.run(
        [sys.executable, "train.py"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=120, cwd=tmp_path, env={**kept, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == "2 finished"
    assert last == "[]"
