"""Whether everything was put back: the very objects that were there, and nothing more."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from ..inplace import is_trampoline
from ..ledger import ABSENT
from ..methods import HOOKED
from .observing import Targets, title

State = dict[str, tuple[Any, dict[str, tuple[Any, Any]]]]


def state_of(library: str, targets: Targets) -> State:
    """Every attribute of the library's modules and classes, of the targets, and of threads."""
    owners = [*_owners(library), *(owner for owner, _ in targets), threading.Thread]
    return {_key(owner): (owner, _entries(owner)) for owner in owners}


def differences(state: State, targets: Targets) -> list[str]:
    """Attributes that are not the objects of `state`, or that came or went since.

    Modules may gain names, since a library imports parts of itself late; classes may not.
    """
    found = []
    for key, (owner, before) in state.items():
        after = _entries(owner)
        new = [] if isinstance(owner, ModuleType) else sorted(after.keys() - before.keys())
        for name in [*before, *new]:
            old, now = before.get(name, (ABSENT, None)), after.get(name, (ABSENT, None))
            if old[0] is not now[0] or old[1] is not now[1]:
                found.append(f"{key}.{name}")
    absent = [(owner, name) for owner, name in targets if _key(owner) not in state]
    return found + [title(owner, name) for owner, name in absent]


def hooked(targets: Targets) -> list[str]:
    """The targets that stand under a hook of ours now."""
    return [title(owner, name) for owner, name in targets if _is_ours(vars(owner).get(name))]


def leftovers(library: str, targets: Targets) -> list[str]:
    """Whatever of ours still stands in the library, the targets or in threads."""
    owners = {_key(o): o for o in [*_owners(library), *(o for o, _ in targets), threading.Thread]}
    return [
        f"{key}.{name}"
        for key, owner in owners.items()
        for name, value in list(vars(owner).items())
        if _is_ours(value)
    ]


def _is_ours(value: Any) -> bool:
    code = getattr(value, "__code__", None) if callable(value) else None
    return issubclass(type(value), HOOKED) or (type(code) is CodeType and is_trampoline(code))


def _owners(library: str) -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == library and isinstance(module, ModuleType):
            yield module
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__.partition(".")[0] == library:
                    yield value


def _entries(owner: Any) -> dict[str, tuple[Any, Any]]:
    """Each attribute with the code that it runs, which may be exchanged in place."""
    return {name: (value, getattr(value, "__code__", None) if callable(value) else None)
            for name, value in list(vars(owner).items())
            if name != "__slotnames__"  # pickle's own cache
            and not (isinstance(owner, ModuleType) and isinstance(value, ModuleType))}  # fmt: skip


def _key(owner: Any) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__} {id(owner)}"
