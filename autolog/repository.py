"""The git repository round the program: its state, asked once, within a fifth of a second."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from .settings import there

PATIENCE = 0.2
"""Seconds that git may take in all; what it has not said by then is `unknown`."""
LARGEST_DIFF = 512_000
"""Bytes of diff that are kept; of a larger one nothing is."""
MOST_NAMES = 100
"""Names of changed and of untracked files that are kept."""
_MOST_STATUS = 4_000_000

# No lock is taken, nothing is asked of the user, none of the programs that a repository's own
# configuration may name is run, and the output is the same under every configuration.
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_STATUS = (
    *("status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--no-ahead-behind"),
    *("--untracked-files=normal", "--ignore-submodules=dirty"),
)
_DIFF = (
    *("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
    *("--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/"),
)
_LOCATION = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


class State(NamedTuple):
    """What is known of a repository: storable facts, and the diff of its tracked files."""

    facts: dict[str, Any]
    diff: bytes | None


def find_root(folder: Path) -> Path | None:
    """The nearest folder upwards from `folder` that holds `.git`."""
    for place in (folder, *folder.parents):
        if there((place / ".git").exists):
            return place
    return None


def read_state(root: Path, patience: float | None = None) -> State:
    """The state of the repository at `root`, with at most two calls of git; never raises.

    `patience` is in seconds, by default `PATIENCE`.

    `facts` has `root` (the folder's name), `commit`, `branch` (None when detached), `remote`
    (without credentials), `dirty`, and up to 100 names each of `changed` and `untracked` files
    with their whole `changed_count` and `untracked_count`. What git did not say in time, and
    everything that git alone knows where there is none, is `"unknown"`.
    """
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    facts: dict[str, Any] = {"root": root.name, "dirty": "unknown", **_head(root)}
    facts["remote"] = _remote(root)
    status = _ask(root, _STATUS, _MOST_STATUS, deadline)
    if status is None:
        return State(facts, None)
    facts.update(_read_status(status))
    if not facts["dirty"]:
        return State(facts, None)
    diff = _ask(root, _DIFF, LARGEST_DIFF, deadline)
    if diff is None:
        facts["diff"] = "unknown: too large, or git too slow"
    return State(facts, diff)


def apart(root: Path, before: str, after: str) -> list[int] | None:
    """How many commits `before` has that `after` lacks, and the reverse; None if git cannot say."""
    if not all(re.fullmatch("[0-9a-f]{7,64}", commit) for commit in (before, after)):
        return None
    words = ("rev-list", "--left-right", "--count", f"{before}...{after}", "--")
    output = _ask(root, words, 100, time.monotonic() + PATIENCE)
    counts = [] if output is None else output.split()
    return [int(count) for count in counts] if len(counts) == 2 else None


def _read_status(output: bytes) -> dict[str, Any]:
    """The facts in what `git status --porcelain=v2 -z --branch` says."""
    found: dict[str, Any] = {}
    changed, untracked = [], []
    for line in output.decode("utf-8", "replace").split("\0"):
        kind, _, rest = line.partition(" ")
        if kind == "#":
            found.update(_branch_line(rest))
        elif kind == "?":
            untracked.append(rest)
        elif kind in ("1", "u"):
            changed.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
    return {
        **found,
        "dirty": bool(changed),
        "changed": changed[:MOST_NAMES],
        "changed_count": len(changed),
        "untracked": untracked[:MOST_NAMES],
        "untracked_count": len(untracked),
    }


def _branch_line(rest: str) -> dict[str, Any]:
    key, _, value = rest.partition(" ")
    if key == "branch.oid":
        return {"commit": None if value == "(initial)" else value}
    if key == "branch.head":
        return {"branch": None if value == "(detached)" else value}
    return {}


def _head(root: Path) -> dict[str, Any]:
    """Commit and branch from git's own files, for where git is absent or slow."""
    found: dict[str, Any] = {"commit": "unknown", "branch": "unknown"}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        git = _git_folder(root)
        text = (git / "HEAD").read_text().strip()
        if not text.startswith("ref: "):
            return {"commit": text, "branch": None}
        ref = text.removeprefix("ref: ")
        found["branch"] = ref.removeprefix("refs/heads/")
        found["commit"] = _commit_of(ref, _common_folder(git)) or "unknown"
    return found


def _commit_of(ref: str, common: Path) -> str | None:
    with contextlib.suppress(OSError):
        return (common / ref).read_text().strip()
    packed = (common / "packed-refs").read_text()
    match = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(ref)}$", packed, re.MULTILINE)
    return match[1] if match else None


def _git_folder(root: Path) -> Path:
    """`.git` itself, or what it points to in a worktree or submodule."""
    git = root / ".git"
    if git.is_file():
        return root / git.read_text().removeprefix("gitdir:").strip()
    return git


def _common_folder(git: Path) -> Path:
    """Where the refs and configuration of all worktrees lie."""
    pointer = git / "commondir"
    return git / pointer.read_text().strip() if pointer.is_file() else git


def _remote(root: Path) -> str | None:
    """The address of `origin`, or of the first remote there is."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = (_common_folder(_git_folder(root)) / "config").read_text("utf-8")
        remotes: dict[str, str] = {}
        section = ""
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                section = line
            elif section.startswith("[remote ") and re.match(r"url\s*=", line):
                remotes.setdefault(section, line.partition("=")[2].strip())
        address = remotes.get('[remote "origin"]') or next(iter(remotes.values()), None)
        return without_credentials(address) if address else None
    return None


def without_credentials(address: str) -> str:
    """`https://user:token@host/x` as `https://host/x`; `git@host:x` stays as it is."""
    return re.sub(r"^(https?|ftps?)://[^/]*@", r"\1://", address)


def _ask(root: Path, command: tuple[str, ...], limit: int, deadline: float) -> bytes | None:
    """What git prints; None if it fails, says more than `limit` bytes, or is not done in time.

    Also None where the program has a say in what happens when a child process ends: ours would
    call upon its handler.
    """
    if sys.platform != "win32" and signal.getsignal(signal.SIGCHLD) is not signal.SIG_DFL:
        return None
    environ = {key: text for key, text in os.environ.items() if key not in _LOCATION}
    environ.update(GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0", LC_ALL="C")
    try:
        child = subprocess.Popen(
            [*_GIT, "-C", str(root), *command],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return None
    with child:
        try:
            output = _read_all(child, limit, deadline)
            return output if output is not None and child.wait(_left(deadline)) == 0 else None
        except subprocess.TimeoutExpired:
            return None
        finally:
            child.kill()


def _read_all(child: subprocess.Popen[bytes], limit: int, deadline: float) -> bytes | None:
    assert child.stdout is not None
    if sys.platform == "win32":  # where pipes cannot be waited for
        output = child.communicate(timeout=_left(deadline))[0]
        return output if len(output) <= limit else None
    parts: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while size <= limit and selector.select(_left(deadline)):
            part = os.read(child.stdout.fileno(), 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
    return None


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
