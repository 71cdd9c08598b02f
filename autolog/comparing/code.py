"""Code against code: recorded sources as unified diffs, commits, uncommitted changes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from .. import repository
from ..errors import BackendError, NotFound
from ..rendering.facts import mapping
from ..view import RunView
from .differences import Comparison, Difference, alike

LARGEST_SOURCE = 1_000_000
"""Bytes of a recorded source beyond which its lines are not compared."""
PATCH = "changes.diff"
"""The artifact that holds what git saw as changed and not committed."""


def note_code(comparison: Comparison, homes: Sequence[RunView]) -> None:
    """Note commits, sources and uncommitted changes that differ.

    `homes` are the runs that hold the code of those that are compared.
    """
    files = [_files(run) for run in homes]
    known = [bool(row) or commit_of(run) is not None for row, run in zip(files, homes, strict=True)]
    silent = [run.id for run, told in zip(comparison.runs, known, strict=True) if not told]
    if silent:
        comparison.unknown["code"] = silent
    _note_commits(comparison, homes)
    patches = [_by_file(row.pop(PATCH, "")) for row in files]
    told = [bool(row) for row in files]
    for name in dict.fromkeys(name for row in files for name in row):
        _note_file(comparison, name, [row.get(name) for row in files], told)
    sources = {name for row in files for name in row}
    for name in sorted({name for row in patches for name in row} - sources):
        _note_patch(comparison, name, [row.get(name, "") for row in patches], told)


def commit_of(run: RunView) -> str | None:
    """The commit of the run's repository; None where unknown."""
    commit = mapping(run.system.get("git")).get("commit")
    known = isinstance(commit, str) and commit not in ("", "unknown")
    return str(commit) if known else None


def _note_commits(comparison: Comparison, homes: Sequence[RunView]) -> None:
    commits = [commit_of(run) for run in homes]
    told = [commit for commit in commits if commit is not None]
    if len(told) < 2:
        return
    if alike(told):
        comparison.equal("commit")
        return
    apart = [None if c in (None, told[0]) else _apart(told[0], c) for c in commits]
    dirty = [mapping(run.system.get("git")).get("dirty") is True for run in homes]
    note = _words(apart[1]) if len(commits) == 2 else ""
    detail = {"kind": "commit", "apart": apart, "dirty": dirty}
    comparison.differences.append(Difference("code", "git", tuple(commits), note, detail))


def _apart(before: str, after: str | None) -> list[int] | None:
    """Commits that each has and the other lacks, if the repository is the working directory's."""
    root = repository.find_root(Path.cwd())
    return None if root is None or after is None else repository.apart(root, before, after)


def _words(apart: list[int] | None) -> str:
    if apart is None:
        return ""
    behind, ahead = apart
    if not behind or not ahead:
        count = behind or ahead
        way = "later" if ahead else "earlier"
        return f"{count} commit{'s' if count != 1 else ''} {way}"
    return f"branches: {behind} and {ahead} commits apart"


def _files(run: RunView) -> dict[str, str]:
    """What was recorded of the code by name; too large files are left out."""
    found = {}
    for path in run.artifacts:
        if path.startswith("code/"):
            try:
                with run.artifact(path).open() as stream:
                    content = stream.read(LARGEST_SOURCE + 1)
            except (NotFound, BackendError):
                continue
            if len(content) <= LARGEST_SOURCE:
                found[path.removeprefix("code/")] = content.decode("utf-8", "replace")
    return found


def _note_file(
    comparison: Comparison, name: str, texts: Sequence[str | None], told: Sequence[bool]
) -> None:
    """One source; of runs that hold no sources at all nothing is known."""
    held = [text for text, any_source in zip(texts, told, strict=True) if any_source]
    if alike(held):
        comparison.equal("code")
        return
    first = next(text for text in texts if text is not None)
    diffs = [
        diff(first, text or "") if any_source and text is not first else None
        for text, any_source in zip(texts, told, strict=True)
    ]
    _add(comparison, "source", name, texts, diffs)


def _note_patch(
    comparison: Comparison, name: str, patches: Sequence[str], told: Sequence[bool]
) -> None:
    """Uncommitted changes of a file that is not among the recorded sources.

    Under one commit the change from nothing is the patch itself; else patches differ as texts.
    """
    held = [patch for patch, any_source in zip(patches, told, strict=True) if any_source]
    if alike(held):
        comparison.equal("code")
        return
    first = patches[0]
    diffs = [None] + [
        (_turned(first) if not p else p if not first else diff(first, p))
        if k and p != first
        else ""
        for p, k in zip(patches[1:], told[1:], strict=True)
    ]
    values = [patch or None for patch in patches]
    _add(comparison, "patch", name, values, [None, *(one or None for one in diffs[1:])])


def _add(
    comparison: Comparison,
    kind: str,
    name: str,
    texts: Sequence[str | None],
    diffs: Sequence[str | None],
) -> None:
    counts = [None if one is None else changed_lines(one) for one in diffs]
    note = plus_minus(counts[1]) if len(counts) == 2 and counts[1] is not None else ""
    if len(texts) == 2 and None in texts and kind == "source":
        note += " new" if texts[0] is None else " gone"
    detail = {"kind": kind, "diffs": list(diffs), "lines": counts}
    comparison.differences.append(Difference("code", name, tuple(texts), note.strip(), detail))


def diff(before: str, after: str) -> str:
    """A unified diff with three lines of context, without file names."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    return "\n".join(list(lines)[2:])


def changed_lines(text: str) -> list[int]:
    """How many lines a diff adds, and how many it takes away."""
    lines = text.splitlines()
    return [sum(line.startswith(sign) for line in lines) for sign in "+-"]


def plus_minus(counts: Sequence[int]) -> str:
    """`+2 −1`."""
    return f"+{counts[0]} −{counts[1]}"


# -- git's patches -----------------------------------------------------------------------------


def _by_file(patch: str) -> dict[str, str]:
    """The hunks of a patch by file; a file without hunks (binary, mode) by what git says."""
    found: dict[str, str] = {}
    for piece in re.split(r"^diff --git ", patch, flags=re.MULTILINE)[1:]:
        head, _, rest = piece.partition("\n")
        match = re.match(r'"?a/(.*?)"? "?b/(.*?)"?$', head)
        hunks = rest[rest.index("@@ ") :] if "@@ " in rest else rest
        found[match[2] if match else head] = hunks.rstrip("\n")
    return found


def _turned(patch: str) -> str:
    """The patch that takes another one back."""
    turn = {"+": "-", "-": "+"}
    return "\n".join(turn.get(line[:1], line[:1]) + line[1:] for line in patch.splitlines())
