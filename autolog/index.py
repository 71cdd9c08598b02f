"""The index: summaries of a store's runs, kept in the user's cache folder between questions.

It is derived and never believed over the store: an entry counts only while the store gives the
run the same version. Any damage means that runs are read again; deleting it costs time alone.
Decision 0005 says why it is made like this.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from .backend import Backend
from .summary import Summary

WORTH = 10_000
"""Records that had to be read again before the index is written anew."""
UNUSED = 30 * 86400.0
"""Seconds after which an index that nobody read is removed."""

_MAGIC = b"autolog index 1\n"
"""Its number is raised whenever a summary or the fold changes: older files are passed over."""
_IDS = re.compile("[0-9a-f]{32}")


class _Entry(msgspec.Struct, array_like=True, gc=False):
    run: str
    version: Any
    summary: Summary


class _Content(msgspec.Struct, array_like=True):
    uri: str
    memo: Any
    entries: list[_Entry]


_decoder = msgspec.msgpack.Decoder(_Content)
_encoder = msgspec.msgpack.Encoder()


class Index:
    """What earlier questions found out about the runs of one store, and which of it still holds.

    Attributes:
        versions: The runs that the store has now and their versions; None where it has no such.
        known: Summaries that hold, by run.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.path = folder() / hashlib.sha256(os.fsencode(backend.uri)).hexdigest()[:32]
        self.known: dict[str, Summary] = {}
        content = self._load()
        found = backend.versions(content.memo)
        self.versions = None if found is None else found.of
        self._memo = None if found is None else found.memo
        self._entries = len(content.entries)
        for entry in content.entries:
            version = self.versions.get(entry.run) if self.versions else None
            if version is not None and version == entry.version:
                self.known[entry.run] = entry.summary

    def _load(self) -> _Content:
        empty = _Content(self._backend.uri, None, [])
        try:
            data = self.path.read_bytes()
            checksum, payload = data[len(_MAGIC) : len(_MAGIC) + 4], data[len(_MAGIC) + 4 :]
            if not data.startswith(_MAGIC) or zlib.crc32(payload).to_bytes(4, "big") != checksum:
                return empty
            content = _decoder.decode(payload)
        except (OSError, ValueError, RecursionError):
            return empty
        return content if content.uri == self._backend.uri else empty

    def keep(self, found: Iterable[Summary]) -> None:
        """Keep `found`, which was read since this was made, if reading it again would take long.

        Runs in which something could not be read are left out, so that it is said each time.
        """
        known = {one.id: one for one in found}
        fresh = sum(one.count for run, one in known.items() if run not in self.known)
        if self.versions is None or fresh + max(self._entries - len(known), 0) < WORTH:
            return
        troubled = set(_IDS.findall("\n".join(self._backend.notes())))
        entries = [
            _Entry(run, version, known[run])
            for run, version in self.versions.items()
            if version is not None and run in known and run not in troubled
        ]
        payload = _encoder.encode(_Content(self._backend.uri, self._memo, entries))
        with contextlib.suppress(OSError):  # A home without room is no reason to fail.
            _put(self.path, _MAGIC + zlib.crc32(payload).to_bytes(4, "big") + payload)
            _prune(self.path.parent)


def folder() -> Path:
    """Where indexes are: `$XDG_CACHE_HOME/autolog/index`, else below `~/.cache`."""
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given or os.path.expanduser("~/.cache"), "autolog", "index")  # noqa: PTH111


def _put(path: Path, data: bytes) -> None:
    """Write the file so that every reader sees the old one or the new one, whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise


def _prune(place: Path) -> None:
    """Remove indexes that nobody read for long, whose stores may be gone, and half-written ones."""
    for path in place.iterdir():
        state = path.stat()
        if time.time() - max(state.st_atime, state.st_mtime) > UNUSED:
            path.unlink()
