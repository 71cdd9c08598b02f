"""Under `autolog run` the recording is on before the program begins, and in its children."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

RUN = "import sys; from autolog.launcher import main; sys.exit(main(sys.argv[1:]))"


class Ended(NamedTuple):
    """How a program ended and what it printed."""

    code: int
    out: bytes
    err: bytes


def finish(folder: Path, command: list[str], env: dict[str, str] | None = None) -> Ended:
    environ = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def python(*words: str) -> list[str]:
    return [sys.executable, *words]


def autolog_run(*words: str) -> list[str]:
    return [sys.executable, "-c", RUN, *words]


def same(folder: Path, *words: str) -> None:
    assert finish(folder, autolog_run(*words)) == finish(folder, python(*words))


def write(folder: Path, text: str) -> str:
    (folder / "program.py").write_text(textwrap.dedent(text), "utf-8")
    return "program.py"


ENABLED = (
    "import sys; print('autolog.api' in sys.modules "
    "and sys.modules['autolog.api'].state.settings is not None "
    "and type(sys.meta_path[0]).__module__.startswith('autolog'))"
)


def test_recording_is_on_before_the_program_begins(tmp_path: Path) -> None:
    assert finish(tmp_path, autolog_run("-c", ENABLED)) == Ended(0, b"True\n", b"")
    assert finish(tmp_path, python("-c", ENABLED)) == Ended(0, b"False\n", b"")


def test_recording_reaches_children(tmp_path: Path) -> None:
    program = write(
        tmp_path,
        f"""
        import multiprocessing, os, subprocess, sys
        child = {ENABLED!r}
        if __name__ == "__main__":
            subprocess.run([sys.executable, "-c", child], check=True)
            subprocess.run([sys.executable, "-c", "import subprocess, sys; "
                f"subprocess.run([sys.executable, '-c', {{child!r}}])"], check=True)
            for method in ("fork", "spawn", "forkserver"):
                process = multiprocessing.get_context(method).Process(target=exec, args=(child,))
                process.start(); process.join()
            sys.stdout.flush()
            os.execv(sys.executable, [sys.executable, "-c", child])
        """,
    )
    assert finish(tmp_path, autolog_run(program)) == Ended(0, b"True\n" * 6, b"")


def test_switched_off_nothing_is_enabled(tmp_path: Path) -> None:
    ended = finish(tmp_path, autolog_run("-c", ENABLED), {"AUTOLOG": "0"})
    assert ended == Ended(0, b"False\n", b"")


def test_failure_to_enable_is_one_line_and_the_program_runs(tmp_path: Path) -> None:
    ended = finish(tmp_path, autolog_run("-c", "print('ran')"), {"AUTOLOG_LIGHT_AFTER": "many"})
    assert (ended.code, ended.out) == (0, b"ran\n")
    lines = ended.err.decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("autolog: ")


def test_child_in_an_environment_without_autolog_notices_nothing(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True
    )
    (other,) = tmp_path.glob("other/*/python")
    text = "import sys; print('autolog' in sys.modules, 'sitecustomize' in sys.modules, sys.path)"
    program = write(
        tmp_path, f"import subprocess; subprocess.run([{str(other)!r}, '-c', {text!r}])"
    )
    same(tmp_path, program)


def _old_pythons() -> list[Path]:
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep)]
    folders += Path.home().glob(".pyenv/versions/*/bin")
    names = ("python2.7", "python3.6", "python3.8", "python3.10")
    return [
        f / name for f in folders if "shims" not in f.parts for name in names if (f / name).exists()
    ]


@pytest.mark.skipif(not _old_pythons(), reason="no older Python is installed here")
def test_child_of_an_older_python_notices_nothing(tmp_path: Path) -> None:
    text = "import sys; print(sys.path, 'autolog' in sys.modules, 'sitecustomize' in sys.modules)"
    for old in _old_pythons():
        program = write(
            tmp_path, f"import subprocess; subprocess.run([{str(old)!r}, '-c', {text!r}])"
        )
        same(tmp_path, program)
