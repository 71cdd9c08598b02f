"""What `autolog doctor` says of remote stores: do they answer, and what is still to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .backend import Backend
from .delivery import leftovers, sweeping
from .delivery.destination import destination_of
from .delivery.leftovers import Left
from .errors import reason
from .opening import open_backend
from .reporting import counted
from .settings import Settings
from .spool import spool_place


def delivery_facts(
    uris: Iterable[str], settings: Settings, problems: list[str]
) -> list[dict[str, Any]]:
    """Each remote store, and each that runs wait for: does it answer, what is to be sent."""
    owed = {one.name: one for one in leftovers.left(settings)}
    remotes = {destination_of(b).name: b for b in _remotes(uris)}
    found = []
    for name in dict.fromkeys([*remotes, *owed]):
        facts: dict[str, Any] = {"destination": name}
        if name in remotes:
            facts["reachable"] = _answer(remotes[name])
        if name in owed:
            facts.update(owed[name]._asdict())
            facts.pop("name")
            problems.extend(_owed_problems(owed[name], name in remotes))
        found.append(facts)
    gone = sweeping.shed(spool_place(settings.get("spool")))
    problems.extend(f"spool: {line}" for line in gone[-3:])
    return found


def _remotes(uris: Iterable[str]) -> Iterator[Backend]:
    for uri in uris:
        try:
            backend = open_backend(uri)
        except Exception:  # `_store` tells of it
            continue
        if not backend.direct:
            yield backend


def _answer(backend: Backend) -> str:
    """`yes`, or why the store does not answer."""
    try:
        backend.acked("0" * 32)
    except Exception as error:
        return f"no: {reason(error, backend.uri)}"
    return "yes"


def _owed_problems(owed: Left, ours: bool) -> Iterator[str]:
    if owed.streams and not owed.sending:
        how = "`autolog sync`" if ours else f"`autolog sync --to {owed.name}`"
        why = f" (the last time: {owed.error})" if owed.error else ""
        what = counted(owed.streams, "run")
        yield f"{what} not yet sent to {owed.name}{why}: {how} sends what is left"
    if owed.refused:
        yield (
            f"{owed.name} refuses {len(owed.refused)} records or files, which stay in "
            f"{', '.join(owed.stores) or 'their store'}: {owed.refused[-1]}"
        )
