"""Which process this is, whether another one still lives, and the mark that a SIGTERM leaves."""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import os
import signal
import sys
import weakref
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

# The namespace of a machine's own processes has this number on every Linux; all others are
# containers', whose `/etc/machine-id` comes from an image and tells no machine from another.
_MACHINES_OWN_NAMESPACE = "4026531836"

HIGHEST = 512
"""The number from which on a mark's descriptor is sought; the kernel's table grows up to it."""

_facts: tuple[int, dict[str, Any]] | None = None
_held: list[weakref.ref[_Mark]] = []
_watching = False


def this_process() -> dict[str, Any]:
    """What names this process for ever; goes whole into the record that opens a run.

    `host` is the machine's name, `machine` a digest of its own id (None within a container),
    `boot` names one start of its kernel, `namespace` the container's view of process numbers,
    `pid` the number, `process_start` its start: clock ticks since boot on Linux, seconds since
    1970 elsewhere. What cannot be known here is None. Worked out once per process.
    """
    global _facts
    pid = os.getpid()
    if _facts is None or _facts[0] != pid:
        _facts = (pid, _linux_facts(pid) if sys.platform == "linux" else _other_facts(pid))
    return dict(_facts[1])


def is_alive(facts: Mapping[str, Any]) -> bool | None:
    """Whether the process that gave `facts` (see `this_process`) still runs; None: unknowable here.

    False if its machine was started anew since then, or its number is free, a zombie's, or that
    of a process with another start time. None on another machine, in another container, or
    where a fact that the answer needs is missing.
    """
    here, boot, pid = this_process(), facts.get("boot"), facts.get("pid")
    if boot is None or here["boot"] is None or not isinstance(pid, int):
        return None
    if boot != here["boot"]:
        same = here["machine"] is not None and _same(facts, here, "host", "machine")
        return False if same else None
    if not _same(facts, here, "namespace"):
        return None
    started = _started(pid)
    if started is None or started is False:
        return started
    return started == facts.get("process_start")


def install_mark(path: Path) -> Callable[[], None]:
    """Let a SIGTERM that will end this process leave a trace in the file `path`; gives the undo.

    Nothing is done unless the signal's action is the default, in Python's eyes and the kernel's
    (so a handler of the program, of a C library, or an earlier `faulthandler.register` stays).
    The traceback of the main thread goes into the file and the default action follows at once,
    also within a long call of C code. A handler that the program installs later replaces ours.
    A forked child is not marked. The undo may be called at any time; it takes away only what is
    still ours, and the file if it is empty. Raises OSError where the file cannot be created.
    Does nothing where the kernel's action cannot be read (anywhere but Linux).
    """
    if not _default_action(signal.SIGTERM):
        return _nothing
    mark = _Mark(path)
    faulthandler.register(signal.SIGTERM, file=mark, all_threads=False, chain=True)
    held, owner = weakref.ref(mark), os.getpid()
    _watch_forks()
    _held.append(held)
    return lambda: _remove_mark(held, path, owner)


class _Mark:
    """The open file as `faulthandler` holds it: closed, without a warning, when it lets go.

    Its descriptor has a high number. A program that makes itself a daemon closes all descriptors,
    and the lowest are used again first: no traceback is to come into a file of its own.
    """

    fd = -1

    def __init__(self, path: Path) -> None:
        self.fd = _high(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644))
        self._file = _identity(self.fd)

    def fileno(self) -> int:
        return self.fd

    def flush(self) -> None:
        return None

    def __del__(self) -> None:
        if self.fd >= 0:
            with contextlib.suppress(OSError):
                if _identity(self.fd) == self._file:
                    os.close(self.fd)


def _identity(fd: int) -> tuple[int, int]:
    state = os.fstat(fd)
    return state.st_dev, state.st_ino


def _high(fd: int) -> int:
    """The same file under a number in the middle of those that this process may have."""
    import fcntl
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    middle = HIGHEST if limit == resource.RLIM_INFINITY else min(limit // 2, HIGHEST)
    try:
        high: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, middle)
    except OSError:
        return fd
    os.close(fd)
    return high


def _remove_mark(held: weakref.ref[_Mark], path: Path, owner: int) -> None:
    if os.getpid() != owner:
        return
    _release(held)
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def _release(held: weakref.ref[_Mark]) -> None:
    """Unregister, if `faulthandler` still holds our file and nobody's handler stands above it."""
    if held in _held:
        _held.remove(held)
    if held() is not None and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        faulthandler.unregister(signal.SIGTERM)


def _watch_forks() -> None:
    """A forked child inherits the parent's registration: take it away there."""
    global _watching
    if not _watching:
        os.register_at_fork(after_in_child=_release_all)
        _watching = True


def _release_all() -> None:
    for held in tuple(_held):
        _release(held)


def _default_action(number: int) -> bool:
    """Whether nobody, Python code or C, has set or ignored this signal; False if unknowable."""
    if not hasattr(faulthandler, "register") or signal.getsignal(number) is not signal.SIG_DFL:
        return False
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        masks = {name: text for name, _, text in (line.partition(":") for line in lines)}
        return not (int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16)) >> (number - 1) & 1
    except (OSError, LookupError, ValueError):
        return False


def _nothing() -> None:
    return None


def _linux_facts(pid: int) -> dict[str, Any]:
    namespace = _namespace()
    own = namespace == _MACHINES_OWN_NAMESPACE
    return {
        "host": os.uname().nodename,
        "machine": _machine() if own else None,
        "boot": _read("/proc/sys/kernel/random/boot_id"),
        "namespace": namespace,
        "pid": pid,
        "process_start": _started_linux(pid) or None,
    }


def _other_facts(pid: int) -> dict[str, Any]:
    import platform

    host, boot = platform.node(), None
    with contextlib.suppress(Exception):
        psutil = import_module("psutil")
        # The host's name is part of it: two machines may well start in the same second.
        boot = f"{host} {psutil.boot_time():.0f}"
    return {
        "host": host,
        "machine": None,
        "boot": boot,
        "namespace": None,
        "pid": pid,
        "process_start": _started_elsewhere(pid) or None,
    }


def _started(pid: int) -> float | Literal[False] | None:
    """When process `pid` started; False if there is none or only its remains, None if unknown."""
    return _started_linux(pid) if sys.platform == "linux" else _started_elsewhere(pid)


def _started_linux(pid: int) -> int | Literal[False] | None:
    try:
        # The command's name stands in parentheses and may itself hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return False if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None if _exists(pid) else False


def _exists(pid: int) -> bool:
    """Asks by signal 0: `/proc` may be mounted so as to hide other users' processes."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    except OverflowError:
        return False
    return True


def _started_elsewhere(pid: int) -> float | Literal[False] | None:
    try:
        psutil = import_module("psutil")
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        return False if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return None


def _namespace() -> str | None:
    try:
        return Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return None


def _machine() -> str | None:
    """A digest, since the id itself is to be kept from the eyes of others (machine-id(5))."""
    text = _read("/etc/machine-id")
    return hashlib.sha256(f"autolog {text}".encode()).hexdigest()[:16] if text else None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip() or None
    except (OSError, ValueError):
        return None


def _same(facts: Mapping[str, Any], here: Mapping[str, Any], *keys: str) -> bool:
    return all(facts.get(key) == here[key] for key in keys)
