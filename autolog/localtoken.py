"""Where a server on this machine leaves its token for programs of the same user."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Names of this machine itself."""


def token_file(host: str, port: int) -> Path:
    """The file for a server at `host` and `port`; every name of the loopback is the same one."""
    name = "loopback" if host in LOOPBACK else host.replace(":", "_")
    return state_folder() / "servers" / f"{name}_{port}.token"


def write_token(path: Path, token: str) -> None:
    """Put `token` into a new file that its owner alone can read; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(token + "\n")


def read_token(path: Path) -> str | None:
    """The token in `path`; None where there is none, or where others could have put it there."""
    try:
        with path.open(encoding="ascii") as file:
            state = os.fstat(file.fileno())
            if hasattr(os, "getuid") and state.st_uid != os.getuid():
                return None
            if os.name == "posix" and stat.S_IMODE(state.st_mode) & 0o077:
                return None
            return file.read(1000).strip() or None
    except (OSError, ValueError):
        return None


def state_folder() -> Path:
    """`$XDG_STATE_HOME/autolog`, else `~/.local/state/autolog`."""
    given = os.environ.get("XDG_STATE_HOME")
    base = Path(given) if given else Path(os.path.expanduser("~/.local/state"))  # noqa: PTH111
    return base / "autolog"
