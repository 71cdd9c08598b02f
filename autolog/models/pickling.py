"""Pickling a model into a stream: by reference where that loads elsewhere, else by value."""

from __future__ import annotations

import contextlib
import functools
import io
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, BinaryIO, Literal

from ..environment import MAINS
from ..errors import AutologError
from ..ledger import ABSENT
from .probing import children

PROTOCOL = 5
MAX_PROBES = 500
MAX_PROBED_BYTES = 1_000_000_000
MAX_DEPTH = 20

Format = Literal["pickle", "cloudpickle"]


class ModelNotSerialisable(AutologError):
    """The model cannot be pickled; one line says which of its attributes is at fault."""


class _Unpicklable(Exception):
    """The pickler's own failure, told apart from one of the disk that it writes to."""


def dump(model: Any, create: Callable[[], contextlib.AbstractContextManager[BinaryIO]]) -> Format:
    """Pickle `model` into what `create()` opens, in pieces; how it was done.

    `pickle` names classes by module; whatever another machine could not import by such a name
    (`__main__`, lambdas, local classes) makes it `cloudpickle`, which stores the code itself. A
    second stream is opened only where the first attempt proved wrong, and the first is dropped.

    Raises:
        ModelNotSerialisable: Neither can do it.
    """
    cause: Exception | None = None
    if type(model).__module__ not in MAINS:
        try:
            _dump_with(pickle.Pickler, model, create)
            return "pickle"
        except _Unpicklable as error:
            cause = error
    by_value = _by_value()
    if by_value is not None:
        try:
            _dump_with(by_value, model, create)
            return "cloudpickle"
        except _Unpicklable as error:
            cause = error
    pickler = by_value or pickle.Pickler
    raise ModelNotSerialisable(_fault(model, pickler, cause)) from cause


def _dump_with(
    pickler: Callable[..., pickle.Pickler],
    model: Any,
    create: Callable[[], contextlib.AbstractContextManager[BinaryIO]],
) -> None:
    with create() as file:
        sink = _Sink(file.write, refuse_main=pickler is pickle.Pickler)
        try:
            pickler(sink, protocol=PROTOCOL).dump(model)
        except MemoryError:
            raise
        except Exception as error:
            if sink.failed:
                raise
            raise _Unpicklable(_line(error)) from error


class _Sink:
    """What a pickler writes into: knows a failing disk, and names that load nowhere else."""

    def __init__(self, write: Callable[[Any], Any], *, refuse_main: bool = False) -> None:
        self._write = write
        self._refuse_main = refuse_main
        self.failed = False

    def write(self, data: Any) -> None:
        # Names come in frames of some 64 KiB of bytes; large buffers are written by themselves.
        if self._refuse_main and type(data) is bytes and b"main__" in data and _names_main(data):
            raise pickle.PicklingError("a class of __main__")
        try:
            self._write(data)
        except BaseException:
            self.failed = True
            raise


def _names_main(data: bytes) -> bool:
    return any(b"\x8c" + bytes([len(name)]) + name.encode() in data for name in MAINS)


@functools.cache
def _by_value() -> type[pickle.Pickler] | None:
    """A cloudpickle pickler that stores the program's methods, not our hooks round them."""
    try:
        import cloudpickle  # type: ignore[import-untyped]
    except ImportError:
        return None

    class ByValue(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            reduced = super().reducer_override(obj)
            if issubclass(type(obj), type) and isinstance(reduced, tuple) and len(reduced) > 2:
                _take_hooks_off(reduced[2][0])
            return reduced

    return ByValue


def _is_hook(entry: Any) -> bool:
    methods = sys.modules.get("autolog.methods")
    return methods is not None and issubclass(type(entry), methods.HOOKED)


def _take_hooks_off(namespace: dict[str, Any]) -> None:
    """Put back what the class itself defines, in the copy of its namespace that is pickled."""
    for name, entry in list(namespace.items()):
        if _is_hook(entry):
            if entry._self_old is ABSENT:
                del namespace[name]
            else:
                namespace[name] = entry._self_old


# -- naming the attribute at fault ---------------------------------------------------------


class _Probe:
    """Asks of single parts whether they can be pickled, a bounded number of times and bytes."""

    def __init__(self, pickler: Callable[..., pickle.Pickler]) -> None:
        self._pickler = pickler
        self._probes = MAX_PROBES
        self._bytes = MAX_PROBED_BYTES

    def fails(self, part: Any) -> str | None:
        """Why `part` cannot be pickled; None where it can, or where the bounds are reached."""
        self._probes -= 1
        if self._probes < 0:
            return None
        sink = _Sink(self._count)
        try:
            self._pickler(sink, protocol=PROTOCOL).dump(part)
        except Exception as error:
            return None if sink.failed else _line(error)
        return None

    def _count(self, data: Any) -> None:
        self._bytes -= memoryview(data).nbytes
        if self._bytes < 0:
            raise io.UnsupportedOperation


def _fault(model: Any, pickler: Callable[..., pickle.Pickler], cause: Exception | None) -> str:
    """One line: `steps[1][1].callback: lambda at train.py:12 cannot be pickled (…)`."""
    steps = [("", model, str(cause)), *_descend(model, _Probe(pickler))]
    where = "".join(step for step, _, _ in steps).lstrip(".") or "the model itself"
    _, part, reason = steps[-1]
    return f"{where}: {_described(part)} cannot be pickled ({reason})"


def _descend(model: Any, probe: _Probe) -> Iterator[tuple[str, Any, str]]:
    """From the model down to the deepest part that fails by itself."""
    above = {id(model)}
    part = model
    for _ in range(MAX_DEPTH):
        for step, child in children(part):
            if id(child) in above:
                continue
            found = probe.fails(child)
            if found is not None:
                above.add(id(child))
                yield step, child, found
                part = child
                break
        else:
            return


def _described(part: Any) -> str:
    if isinstance(part, FunctionType):
        code = part.__code__
        kind = "lambda" if part.__name__ == "<lambda>" else f"function {part.__qualname__}"
        return f"{kind} at {Path(code.co_filename).name}:{code.co_firstlineno}"
    if isinstance(part, type):
        return f"class {part.__qualname__}"
    return f"a {type(part).__module__}.{type(part).__qualname__}".replace("builtins.", "")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
