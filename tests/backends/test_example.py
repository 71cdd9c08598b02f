"""The backend of `docs/writing-a-backend.md` passes the suite, and the suite can fail."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-backend.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A folder with the files of the page."""
    blocks = re.findall(r"```python no-run file=(\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    for name, text in blocks:
        (tmp_path / name).write_text(text, "utf-8")
    assert len(blocks) == 2
    return tmp_path


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)


def test_the_example_passes(example: Path) -> None:
    done = run(example)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"1\d\d passed", done.stdout)


@pytest.mark.parametrize(
    ("right", "wrong", "failing"),
    [
        ("if record.seq and not before.exists():", "if False:", "test_a_gap_is_refused"),
        ("check_artifact_path(path)", "pass", "test_no_path_leaves_the_run"),
        ('self._names(run, "records")\n', 'self._names(run, "records")[:2]\n', "test_random_hist"),
    ],
)
def test_the_suite_finds_what_is_wrong(example: Path, right: str, wrong: str, failing: str) -> None:
    path = example / "files_backend.py"
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), "utf-8")
    done = run(example, "-k", failing)
    assert done.returncode == 1, done.stdout[-3000:]
    assert failing in done.stdout


@pytest.mark.parametrize(("reason", "code"), [("a reason", 1), (None, 0)])
def test_a_failure_that_does_not_come_is_a_failure(
    example: Path, reason: str | None, code: int
) -> None:
    path = example / "test_files_backend.py"
    with path.open("a", encoding="utf-8") as file:
        if reason is not None:
            file.write(
                f"    expected_failures = {{'test_an_empty_batch_is_nothing': {reason!r}}}\n"
            )
    assert run(example, "-k", "test_an_empty_batch").returncode == code
