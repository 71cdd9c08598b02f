"""`autolog sync`: bring the runs of one store to another."""

from __future__ import annotations

import sys

from ..errors import UsageError
from ..opening import open_backend
from ..rendering.text import clean
from ..syncing import sync as bring
from .terminal import open_store, print_json


def sync(source: str, target: str | None, *, as_json: bool = False) -> int:
    """Print what was brought over; 1 where a run could not be."""
    old, new = open_backend(source), open_store(target).backend
    if old.uri == new.uri:
        raise UsageError(f"sync: {old.uri} is both source and target; name another with --to")
    shown = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if shown:
            print(f"\r{done} of {total} runs", end="", file=sys.stderr, flush=True)

    done = bring(old, new, progress=progress)
    if shown:
        print(file=sys.stderr)
    for line in done.failed:
        print(clean(line), file=sys.stderr)
    if as_json:
        print_json({"source": old.uri, "target": new.uri, **done._asdict()})
    else:
        counts = f"{done.records} records and {done.artifacts} files"
        print(f"{done.runs} runs: {counts} sent to {new.uri}")
    return 1 if done.failed else 0
