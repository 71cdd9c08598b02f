"""`rm` and `gc`: nothing goes without a yes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import typer

from ..cleaning import doomed, leftovers, remove_leftover, run_bytes
from ..errors import NotFound, UsageError
from ..rendering.text import age, clean, size
from ..search import find_run, short_ids
from ..settings import resolve
from ..store import Store
from ..view import RunView
from .terminal import open_store, place

TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def rm(backend: str | None, names: Sequence[str], *, yes: bool = False) -> None:
    """Remove the runs and all below them; asks on a terminal, elsewhere only with `yes`."""
    store = open_store(backend)
    ids = short_ids(store.backend.run_ids())
    going = _with_children(store, [find_run(store, name) for name in names])
    for run in going:
        amount = size(run_bytes(store, run.id))
        print(f"{ids[run.id]}  {clean(run.name, 40)}  {run.status}  {amount}")
    if not yes and not _agreed(f"remove {_runs(len(going))} for good?"):
        raise typer.Exit(1)
    freed = sum(_delete(store, run.id) for run in going)
    print(f"removed {_runs(len(going))}, {size(freed)}")


def _with_children(store: Store, runs: Sequence[RunView]) -> list[RunView]:
    found: dict[str, RunView] = {}
    waiting = list(runs)
    while waiting:
        run = waiting.pop(0)
        if run.id not in found:
            found[run.id] = run
            waiting += run.children()
    return list(found.values())


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nothing was removed: no terminal to ask on; say --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _delete(store: Store, run: str) -> int:
    try:
        return store.backend.delete(run)
    except NotFound:
        return 0  # Somebody else was quicker.


def gc(
    backend: str | None,
    *,
    older_than: str | None = None,
    quota: str | None = None,
    yes: bool = False,
) -> None:
    """Print what would go, and with `yes` remove it."""
    store = open_store(backend)
    going = doomed(
        store,
        older_than=seconds(older_than) if older_than else None,
        quota=amount(quota) if quota else resolve()["store_quota"],
    )
    ids = short_ids(store.backend.run_ids())
    for one in going:
        when = age(one.run.folded.started)
        name = clean(one.run.name, 40)
        print(f"{ids[one.run.id]}  {when}  {name}  {size(one.bytes)}  {one.reason}")
    torn = leftovers(store)
    for path, bytes_ in torn:
        print(f"{clean(str(path))}  {size(bytes_)}  never finished")
    total = sum(one.bytes for one in going) + sum(bytes_ for _, bytes_ in torn)
    what = f"{_runs(len(going))} and {len(torn)} unfinished files"
    if not yes:
        hint = "; --yes does it" if going or torn else ""
        print(f"{place(store)}: would remove {what}, {size(total)}{hint}")
        return
    freed = sum(_delete(store, one.run.id) for one in going)
    for path, bytes_ in torn:
        if path.exists():
            remove_leftover(path)
            freed += bytes_
    print(f"{place(store)}: removed {what}, {size(freed)}")


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


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
