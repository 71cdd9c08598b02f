"""Files that come in pieces, as they gather in a store before they are a run's."""

from __future__ import annotations

import abc
import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from .digests import PIECE, digest_of
from .errors import BackendError
from .forking import ForkSafeLock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MOST = 64
"""Files whose SHA-256 is reckoned while they come."""


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""


class Staged(abc.ABC):
    """One such file. Every method raises BackendError, and what its source raises."""

    @abc.abstractmethod
    def size(self) -> int:
        """How many bytes are held, from the first one on."""

    @abc.abstractmethod
    def add(self, offset: int, source: Source) -> int:
        """Add what `source` holds at `offset`, which is the size; the size then.

        Where the source fails, what it gave before stays.
        """

    @abc.abstractmethod
    def sha256(self) -> str:
        """The SHA-256 of the bytes; they are read for it unless this process saw all of them."""

    @abc.abstractmethod
    def keep(self, run: str, path: str, sha256: str) -> None:
        """Make the bytes, which have that SHA-256, the run's artifact; none is written again."""

    @abc.abstractmethod
    def drop(self) -> None:
        """Forget the bytes; nothing happens where there are none."""


class Gathered(Protocol):
    """What a `Staged` does but for its end; each method as there."""

    def size(self) -> int: ...
    def add(self, offset: int, source: Source) -> int: ...
    def sha256(self) -> str: ...
    def drop(self) -> None: ...


class Hashes:
    """SHA-256 of files that come in pieces, as far as this process has seen all of them."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._known: OrderedDict[Any, tuple[int, Any]] = OrderedDict()

    def add(self, name: Any, offset: int, data: bytes) -> None:
        """`data` was added to the file at `offset`."""
        with self._lock:
            size, found = self._known.pop(name, (0, hashlib.sha256()))
            if size == offset:
                found.update(data)
                self._known[name] = (offset + len(data), found)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def of(self, name: Any, size: int, stream: BinaryIO) -> str:
        """The SHA-256 of the file of that size, which `stream` gives."""
        with self._lock:
            known, found = self._known.get(name, (-1, hashlib.sha256()))
        return found.hexdigest() if known == size else digest_of(stream)

    def forget(self, name: Any) -> None:
        """The file has gone."""
        with self._lock:
            self._known.pop(name, None)


hashes = Hashes()


class GatheredFile:
    """The pieces as a file, beside those it is to be among; half of a `Staged`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def size(self) -> int:
        """As the contract says."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise BackendError(f"{self.file}: {error}") from error

    def add(self, offset: int, source: Source) -> int:
        """As the contract says; raises BackendError while another request adds to it."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab", buffering=0) as file:
                _lock(file.fileno(), self.file)
                if file.tell() != offset:
                    raise BackendError(f"{file.tell()} bytes are held, and not {offset}")
                while data := source.read(PIECE):
                    file.write(data)
                    hashes.add(self.file, offset, data)
                    offset += len(data)
                return offset
        except OSError as error:
            raise BackendError(f"{self.file}: {error}") from error

    def sha256(self) -> str:
        """As the contract says; raises BackendError while another request adds to it."""
        try:
            with self.file.open("rb") as file:
                _lock(file.fileno(), self.file)
                return hashes.of(self.file, self.size(), file)
        except OSError as error:
            raise BackendError(f"{self.file}: {error}") from error

    def drop(self) -> None:
        """As the contract says."""
        hashes.forget(self.file)
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise BackendError(f"{self.file}: {error}") from error


def _lock(fd: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BackendError(f"{path}: somebody else is sending it") from error
