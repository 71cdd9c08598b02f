"""`mypy --strict` over the four packages as the one package tree that they are once installed.

Run as a script: `python tests/guards/check_types.py`. The tree is made of links in `.types/`
(copies where the system has no links), for mypy cannot be told that the folder `integrations` is
`autolog.integrations`. A small program of a user is checked on top, against the public interface.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / ".types"
USER = Path(__file__).with_name("typed_user.py")


def link(source: Path, target: Path) -> None:
    """`target` shows what is at `source`."""
    try:
        target.symlink_to(os.path.relpath(source, target.parent), source.is_dir())
    except OSError:
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


def build() -> None:
    """Make the package tree anew; mypy's cache stays."""
    package = TREE / "autolog"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in sorted((ROOT / "autolog").iterdir()):
        if source.name != "__pycache__":
            link(source, package / source.name)
    for room in ("integrations", "backends", "server"):
        link(ROOT / room, package / room)


def check(*what: str) -> int:
    """mypy's exit code for `what`, with the repository's configuration."""
    config = str(ROOT / "pyproject.toml")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", config, *what]
    environment = {**os.environ, "MYPYPATH": str(TREE)}
    return subprocess.run(command, cwd=TREE, env=environment, check=False).returncode


def main() -> int:
    """Check all; the worst exit code."""
    build()
    return max(check("-p", "autolog"), check(str(USER)))


if __name__ == "__main__":
    sys.exit(main())
