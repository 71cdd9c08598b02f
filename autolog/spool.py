"""The spool: where runs wait that no local store of the settings keeps."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
from pathlib import Path

from .errors import BackendError
from .localtoken import state_folder

STORE = "runs"
OUTBOXES = "outbox"


def spool_folder(setting: str | None) -> Path:
    """The folder that the setting names, else `$XDG_STATE_HOME/autolog/spool`, or its default."""
    if setting:
        return Path(setting).expanduser().absolute()
    return state_folder() / "spool"


def spool_place(setting: str | None) -> Path:
    """The folder that is used: the one of `spool_folder`, if it is `usable`."""
    return usable(spool_folder(setting))


def is_spool(root: Path, setting: str | None) -> bool:
    """Whether the store at `root` is a spool."""
    return root.name == STORE and root.parent == spool_place(setting)


def usable(folder: Path) -> Path:
    """`folder`, if this user alone can write there, else one in the temporary folder.

    Nothing is made yet.
    """
    place = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if _is_ours(place) if place == folder else os.access(place, os.W_OK | os.X_OK):
        return folder
    place = Path(tempfile.gettempdir()) / f"autolog-spool-{_user()}"
    if place.exists() and not _is_ours(place):
        return _made_for_this_process()
    return place


@functools.cache
def _made_for_this_process() -> Path:
    return Path(tempfile.mkdtemp(prefix="autolog-spool-"))


def made(folder: Path) -> None:
    """See to it that the spool is there, for this user's eyes alone; raises BackendError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackendError(f"{folder}: {error}") from error
    if not _is_ours(folder):
        raise BackendError(f"{folder} is somebody else's; name another with AUTOLOG_SPOOL")


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_ours(folder: Path) -> bool:
    """Whether nobody else may put anything into it, and we may."""
    state = folder.stat()
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        return False
    return stat.S_ISDIR(state.st_mode) and os.access(folder, os.W_OK | os.X_OK)
