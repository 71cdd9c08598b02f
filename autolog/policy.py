"""What a server asks its clients to keep to; honoured where the user has opted in (`policy`)."""

from __future__ import annotations

import fnmatch
from typing import Any

from .errors import AutologError
from .excluding import Exclusions
from .reporting import guarded, note, say
from .settings import Settings

PLACE = "policy"


def keep_to_policies(settings: Settings) -> None:
    """Narrow `settings` by what the stores among them ask for; nothing is ever widened.

    Each store is waited for by its backend for two seconds at most. One that cannot be asked and
    has left nothing from earlier asks for nothing; `doctor` tells of it.
    """
    from .opening import open_backend

    for uri in settings.backend:
        with guarded(PLACE):
            backend = open_backend(uri)
            try:
                asked = backend.policy()
            except AutologError as error:
                note(PLACE, f"not known: {error}")
                continue
            finally:
                backend.close()
            _narrow(settings, asked, uri)


def _narrow(settings: Settings, asked: dict[str, Any], uri: str) -> None:
    exclude = [str(word) for word in asked.get("exclude", ())]
    if asked.get("models") is False:
        exclude.append("record:model")
    if exclude:
        settings["exclude"] = tuple(dict.fromkeys([*settings.exclude, *exclude]))
        settings.exclusions = Exclusions(settings.exclude)
    size = asked.get("max_model_size")
    if isinstance(size, int):
        settings["max_model_size"] = min(settings.max_model_size, size)
    allowed = asked.get("backends")
    if isinstance(allowed, list):
        kept = tuple(one for one in settings.backend if one == uri or _fits(one, allowed))
        left = [one for one in settings.backend if one not in kept]
        if left:
            names = ", ".join(one.rpartition("@")[2] for one in left)
            say(f"{uri} lets nothing be recorded in {names}", once=PLACE)
        settings["backend"] = kept


def _fits(uri: str, globs: list[Any]) -> bool:
    named = uri if ":" in uri else f"file:{uri}"
    return any(fnmatch.fnmatchcase(named, str(glob)) for glob in globs)
