"""`rm` and `gc`: nothing goes without a yes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from ..cleaning import (
    Leftover,
    doomed,
    leftovers,
    recount,
    remove_leftover,
    run_bytes,
    store_bytes,
    with_children,
)
from ..errors import BackendError, NotFound, UsageError
from ..rendering.text import age, clean, size
from ..reporting import counted
from ..search import find_run, search, short_ids
from ..settings import resolve
from ..store import Store
from ..view import RunView
from .hints import hint_keys
from .terminal import open_store, place, print_json

TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
MOST_LINES = 30
"""Lines of a list beyond which the rest is counted."""


# -- rm ----------------------------------------------------------------------------------------


def rm(
    backend: str | None,
    names: Sequence[str],
    *,
    filter: str | None = None,
    yes: bool = False,
    as_json: bool = False,
) -> int:
    """Remove the runs, those that match `filter`, and all below them; 1 where some could not be.

    Asks on a terminal; elsewhere, and for JSON, nothing goes without `yes`. Of what only the
    filter names, runs that are running stay.
    """
    if not names and filter is None:
        raise UsageError("rm: name runs, or say --filter 'status = \"failed\"'")
    store = open_store(backend)
    named = [find_run(store, name) for name in names]
    found = list(search(store, filter)) if filter is not None else []
    still = [run for run in found if run.status == "running"]
    going = with_children([*named, *(run for run in found if run not in still)])
    sizes = {run.id: run_bytes(store, run.id) for run in going}
    if filter is not None:
        hint_keys(store, found, filter)
    if as_json:
        return _rm_json(store, going, sizes, yes)
    ids = short_ids(store.backend.run_ids())
    _print_some(
        f"{ids[run.id]}  {clean(run.name, 40)}  {run.status}  {size(sizes[run.id])}"
        for run in going
    )
    if still:
        print(f"{counted(len(still), 'run')} still running: left alone")
    if not going:
        print(f"no run to remove in {place(store)}")
        return 0
    if not yes and not _agreed(f"remove {counted(len(going), 'run')} for good?"):
        return 1
    removed, freed = _delete_all(store, [run.id for run in going])
    print(f"removed {counted(len(removed), 'run')}, {size(freed)}")
    return 0 if len(removed) == len(going) else 1


def _rm_json(store: Store, going: list[RunView], sizes: dict[str, int], yes: bool) -> int:
    told = [
        {"id": run.id, "name": run.name, "status": run.status, "bytes": sizes[run.id]}
        for run in going
    ]
    removed, freed = _delete_all(store, [run.id for run in going]) if yes else ([], 0)
    print_json({"done": yes, "runs": told, "removed": removed, "bytes": freed})
    if not yes:
        print("autolog: nothing was removed; say --yes", file=sys.stderr)
    return 0 if yes and len(removed) == len(going) else 1


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nothing was removed: no terminal to ask on; say --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _delete_all(store: Store, runs: Sequence[str]) -> tuple[list[str], int]:
    """Remove each, the last first; one that cannot be removed is told and hinders no other."""
    removed, freed = list[str](), 0
    for run in reversed(runs):
        try:
            freed += store.backend.delete(run)
        except NotFound:
            pass  # Somebody else was quicker.
        except BackendError as error:
            print(f"autolog: {run[:8]} stays: {clean(error, 300)}", file=sys.stderr)
            continue
        removed.append(run)
    recount(store)
    store.backend.shrink()
    return removed[::-1], freed


def _print_some(lines: Any) -> None:
    shown = list(lines)
    for line in shown[:MOST_LINES]:
        print(line)
    if len(shown) > MOST_LINES:
        print(f"… and {len(shown) - MOST_LINES} more")


# -- gc ----------------------------------------------------------------------------------------


def gc(
    backend: str | None,
    *,
    older_than: str | None = None,
    quota: str | None = None,
    yes: bool = False,
    as_json: bool = False,
) -> int:
    """Print what would go, and with `yes` remove it; 1 where something could not be removed."""
    store = open_store(backend)
    limit = amount(quota) if quota else resolve()["store_quota"]
    going = doomed(store, older_than=seconds(older_than) if older_than else None, quota=limit)
    files = leftovers(store, {one.run.id for one in going})
    before = {"runs": len(store.summaries()), "bytes": store_bytes(store)}
    told: dict[str, Any] = {
        "store": store.backend.uri,
        "quota": limit,
        "runs": [
            {"id": o.run.id, "name": o.run.name, "bytes": o.bytes, "reason": o.reason}
            for o in going
        ],
        "files": [{"path": str(f.path), "bytes": f.bytes, "reason": f.reason} for f in files],
        "before": before,
    }
    if not as_json:
        _print_going(store, told)
    whole = True
    if yes:
        removed, _ = _delete_all(store, [one.run.id for one in going])
        whole = _sweep(files) and len(removed) == len(going)
        told["after"] = {"runs": before["runs"] - len(removed), "bytes": store_bytes(store)}
    else:
        freed = sum(one.bytes for one in going) + sum(file.bytes for file in files)
        told["after"] = {"runs": before["runs"] - len(going), "bytes": before["bytes"] - freed}
    told["done"] = yes
    print_json(told) if as_json else print(_summary(store, told))
    return 0 if whole else 1


def _print_going(store: Store, told: dict[str, Any]) -> None:
    ids = short_ids(store.backend.run_ids())
    started = {one.id: one.started for one in store.summaries()}
    _print_some(
        f"{ids[run['id']]}  {age(started.get(run['id']))}  {clean(run['name'], 40)}  "
        f"{size(run['bytes'])}  {run['reason']}"
        for run in told["runs"]
    )
    _print_some(f"{clean(f['path'])}  {size(f['bytes'])}  {f['reason']}" for f in told["files"])


def _summary(store: Store, told: dict[str, Any]) -> str:
    what = f"{counted(len(told['runs']), 'run')} and {counted(len(told['files']), 'stray file')}"
    before, after = told["before"], told["after"]
    lead = f"{place(store)}: {counted(before['runs'], 'run')}, {size(before['bytes'])}"
    lead += f" (quota {size(told['quota'])})"
    if not told["runs"] and not told["files"]:
        return f"{lead}; nothing to remove"
    verb, hint = ("removed", "") if told["done"] else ("would remove", "; --yes does it")
    return (
        f"{lead}; {verb} {what}; {counted(after['runs'], 'run')}, {size(after['bytes'])} left{hint}"
    )


def _sweep(files: Sequence[Leftover]) -> bool:
    whole = True
    for file in files:
        try:
            remove_leftover(file.path)
        except BackendError as error:
            print(f"autolog: {clean(error, 300)}", file=sys.stderr)
            whole = False
    return whole


def seconds(text: str) -> float:
    """`30d`, `12h`, `90m` as seconds; raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", text)
    if match is None:
        raise UsageError(f"--older-than {text!r}: write 30d, 12h, 90m or 2w")
    return float(match[1]) * TIMES[match[2]]


def amount(text: str) -> int:
    """`10GB`, `500 MB`, `1000` as bytes; raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", text.lower())
    if match is None:
        raise UsageError(f"--quota {text!r}: write 10GB, 500MB or a number of bytes")
    return int(float(match[1]) * SIZES[match[2]])
