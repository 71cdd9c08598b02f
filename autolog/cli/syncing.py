"""`autolog sync`: bring the runs of one store to another, or send what programs have left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..backend import Backend
from ..delivery.destination import destination_of
from ..delivery.leftovers import Left, left, send_left
from ..errors import UsageError
from ..opening import open_backend, open_default
from ..rendering.text import clean
from ..reporting import counted
from ..settings import Settings, resolve
from ..syncing import Synced
from ..syncing import sync as bring
from .terminal import console, print_json


def sync(source: str | None, target: str | None, *, as_json: bool = False) -> int:
    """Print what was sent; 1 where something could not be."""
    settings = resolve()
    if source is None:
        return _send_left(settings, target, as_json)
    old = open_backend(source)
    targets = [new for new in _targets(settings, target) if new.uri != old.uri]
    if not targets:
        raise UsageError(f"sync: {old.uri} is both source and target; name another with --to")
    code = 0
    for new in targets:
        with _bar(f"to {new.uri}") as progress:
            done = bring(old, new, progress=progress)
        code |= _tell(old, new, done, as_json)
    return code


def _targets(settings: Settings, target: str | None) -> list[Backend]:
    """The store that the option names, else all of the settings, else the default one."""
    if target is not None:
        return [open_backend(target)]
    return [open_backend(uri) for uri in settings["backend"]] or [open_default()]


def _tell(old: Backend, new: Backend, done: Synced, as_json: bool) -> int:
    for line in (*done.failed, *(f"refused: {one}" for one in done.refused)):
        print(clean(line), file=sys.stderr)
    if as_json:
        print_json({"source": old.uri, "target": new.uri, **done._asdict()})
    else:
        counts = f"{done.records} records and {done.artifacts} files"
        print(f"{done.runs} runs: {counts} sent to {clean(new.uri)}")
    return 1 if done.failed else 0


def _send_left(settings: Settings, target: str | None, as_json: bool) -> int:
    """Send what is owed to the remote stores of the settings, or to the one that is named."""
    remotes = [store for store in _targets(settings, target) if not store.direct]
    if not remotes:
        raise UsageError(_nothing_to_send_to(left(settings)))
    facts: list[dict[str, Any]] = []
    for remote in remotes:
        name = destination_of(remote).name
        owed = _owed(settings, name)
        with _bar(f"to {name}") as progress:
            sent = send_left(remote, settings, lambda n, p=progress, o=owed: p(n, o.streams))  # type: ignore[misc]
        after = _owed(settings, name)
        facts.append({"target": name, **sent._asdict(), "left": after._asdict()})
        if not as_json:
            print(f"{sent.records} records and {sent.files} files sent to {clean(name)}")
            for line in _after(after, sent.error):
                print(clean(line), file=sys.stderr)
    if as_json:
        print_json(facts)
    return (
        1 if any(fact["left"]["streams"] and not fact["left"]["sending"] for fact in facts) else 0
    )


def _owed(settings: Settings, name: str) -> Left:
    found = [one for one in left(settings) if one.name == name]
    return found[0] if found else Left(name, 0, 0, 0, [], "", [])


def _after(after: Left, error: str) -> Iterator[str]:
    if after.sending:
        yield f"{counted(after.sending, 'running program')} will send what is still owed"
    elif after.streams:
        why = f" ({error})" if error else ""
        yield f"still to be sent: {counted(after.streams, 'run')}{why}"
    for line in after.refused:
        yield f"refused: {line}"


def _nothing_to_send_to(owed: list[Left]) -> str:
    hint = "say which store to bring over: `autolog sync FOLDER`"
    for one in owed:
        what = counted(one.streams, "run")
        hint += f"; {what} to send to {one.name}: `autolog sync --to {one.name}`"
    return f"sync: no remote store is set; {hint}"


@contextlib.contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], object]]:
    """A bar on stderr, where that is a terminal; it goes again."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(clean(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
