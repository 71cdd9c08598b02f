"""Any Python object as a storable value: bounded, without user code, and it never raises.

`repr` and `str` are called of objects of the standard library, NumPy and pandas alone; any other
object is named by its class. Arrays and frames stand as text with their shape and digest.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any

MAX_TEXT = 4 << 20
MAX_BYTES = 256
MAX_ITEMS = 10_000
MAX_DEPTH = 16
MAX_ARRAY = 64

Reader = Callable[["_Walk", Any], Any]


def plain(value: Any, *, limit: int = MAX_ITEMS) -> Any:
    """`value` made of None, bool, int, float, str, bytes, lists and dicts with text keys.

    Exact for numbers, text up to 4 MiB and bytes up to 256; longer ones stand as their digest.
    `limit` is the greatest number of items kept in all containers together; what is left out is
    counted in a last item `… 7 more`. Never raises: what defeats it is named by its class.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is float:
        return value
    if kind is str and len(value) <= MAX_TEXT:
        return value
    try:
        return _Walk(limit).read(value)
    except Exception:
        return class_name(kind)


def class_name(kind: type) -> str:
    """`module.Qualname`, without the module for built-in classes and those of `__main__`."""
    module = type.__getattribute__(kind, "__module__")
    name = type.__getattribute__(kind, "__qualname__")
    if not isinstance(module, str) or module in ("builtins", "__main__"):
        return str(name)
    return f"{module}.{name}"


def kin(kind: type) -> list[str]:
    """`package.Name` of a class and its bases, whatever inner module each is kept in."""
    return [f"{str(base.__module__).partition('.')[0]}.{base.__name__}" for base in kind.__mro__]


class _Walk:
    """One walk over one value: what may still be kept, and which containers are open."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.open: set[int] = set()

    def read(self, value: Any) -> Any:
        kind = type(value)
        return (_READERS.get(kind) or _find_reader(kind))(self, value)

    def inside(self, value: Any, make: Callable[[], Any]) -> Any:
        """`make()` unless `value` is being read already or lies too deep."""
        if id(value) in self.open:
            return "<cycle>"
        if len(self.open) >= MAX_DEPTH:
            return f"<{class_name(type(value))}>"
        self.open.add(id(value))
        try:
            return make()
        finally:
            self.open.discard(id(value))

    def items(self, values: Iterable[Any], size: int) -> list[Any]:
        found: list[Any] = []
        for item in values:
            if self.left <= 0:
                found.append(f"… {size - len(found)} more")
                break
            self.left -= 1
            found.append(self.read(item))
        return found

    def pairs(self, pairs: Iterable[tuple[Any, Any]], size: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in pairs:
            if self.left <= 0:
                found["…"] = f"{size - len(found)} more"
                break
            self.left -= 1
            name = self.key(key)
            if name in found:
                name = f"{name} ({type(key).__name__})"
            found[name] = self.read(item)
        return found

    def key(self, key: Any) -> str:
        return key if type(key) is str else text_of(self.read(key))

    def call(self, name: str, args: Iterable[Any], kwargs: dict[str, Any]) -> str:
        """`name(1, key=2)`, the arguments as text."""
        parts = [text_of(item, quoted=True) for item in self.items(args, 0)]
        named = self.pairs(kwargs.items(), len(kwargs))
        parts += [f"{key}={text_of(item, quoted=True)}" for key, item in named.items()]
        return f"{name}({', '.join(parts)})"


def text_of(value: Any, *, quoted: bool = False) -> str:
    """A plain value as one short text; with `quoted` text stands in quotes."""
    text = value if type(value) is str and not quoted else repr(value)
    return text if len(text) <= 200 else text[:160] + f"… sha256:{_digest(text)}"


def _digest(value: str | bytes) -> str:
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(raw).hexdigest()[:12]


# -- readers of one kind of object each: (walk, value) -> plain value --------------------------


def _text(_: _Walk, value: str) -> str:
    text = str.__str__(value)
    if len(text) <= MAX_TEXT:
        return text
    return f"str {len(text)} characters sha256:{_digest(text)}"


def _bytes(_: _Walk, value: Any) -> Any:
    view = memoryview(value)
    if view.nbytes <= MAX_BYTES:
        return view.tobytes()
    if view.nbytes > MAX_TEXT or not view.c_contiguous:
        return f"{type(value).__name__} {view.nbytes} bytes"
    digest = hashlib.sha256(view).hexdigest()[:12]
    return f"{type(value).__name__} {view.nbytes} bytes sha256:{digest}"


def _list(walk: _Walk, value: Any) -> Any:
    base = list if issubclass(type(value), list) else tuple
    return walk.inside(value, lambda: walk.items(base.__iter__(value), base.__len__(value)))


def _tuple(walk: _Walk, value: tuple[Any, ...]) -> Any:
    fields = getattr(type(value), "_fields", None)
    if type(value) is tuple or not isinstance(fields, tuple) or len(fields) != len(value):
        return _list(walk, value)
    pairs = list(zip(fields, tuple.__iter__(value), strict=True))
    return walk.inside(value, lambda: walk.pairs(pairs, len(pairs)))


def _dict(walk: _Walk, value: dict[Any, Any]) -> Any:
    return walk.inside(value, lambda: walk.pairs(dict.items(value), dict.__len__(value)))


def _set(walk: _Walk, value: Any) -> Any:
    if len(value) > walk.left:
        return f"{type(value).__name__} of {len(value)}"
    read = walk.inside(value, lambda: walk.items(value, len(value)))
    return sorted(read, key=_order) if type(read) is list else read


def _order(item: Any) -> tuple[str, Any]:
    number = type(item) in (bool, int, float) and item == item
    return ("", item) if number else (type(item).__name__, text_of(item))


def _enum(walk: _Walk, value: enum.Enum) -> Any:
    inner = getattr(value, "_value_", None)
    return walk.read(inner) if type(inner) in (bool, int, float, str) else value._name_


def _slice(walk: _Walk, value: Any) -> str:
    return walk.call(type(value).__name__, (value.start, value.stop, value.step), {})


def _function(_: _Walk, value: Any) -> str:
    if value.__name__ == "<lambda>" and isinstance(value, types.FunctionType):
        code = value.__code__
        place = pathlib.PurePath(code.co_filename).name
        return f"<lambda> {place}:{code.co_firstlineno} sha256:{_code_digest(code)}"
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        kind = owner if isinstance(owner, type) else type(owner)
        return f"{class_name(kind)}.{value.__name__}"
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__qualname__", value.__name__)
    return name if module in ("", "builtins", "__main__") else f"{module}.{name}"


def _ufunc(_: _Walk, value: Any) -> str:
    name = str(value.__name__)
    return f"numpy.{name}" if sys.modules["numpy"].__dict__.get(name) is value else name


def _code_digest(code: types.CodeType) -> str:
    """Of what the function does; its place and line numbers take no part."""
    constants = [
        _code_digest(item) if isinstance(item, types.CodeType) else text_of(plain(item))
        for item in code.co_consts
    ]
    return _digest(code.co_code + repr((code.co_names, constants)).encode("utf-8", "replace"))


def _partial(walk: _Walk, value: functools.partial[Any]) -> Any:
    def read() -> str:
        inner = walk.call("", value.args, {str(key): item for key, item in value.keywords.items()})
        function = text_of(walk.read(value.func))
        return f"partial({function}{', ' * (inner != '()')}{inner[1:]}"

    return walk.inside(value, read)


def _dataclass(walk: _Walk, value: Any) -> Any:
    names = [field.name for field in dataclasses.fields(value)]
    held = [(name, value.__dict__[name]) for name in names if name in value.__dict__]
    return walk.inside(value, lambda: walk.pairs(held, len(held)))


def _short_name(_: _Walk, value: Any) -> str:
    return str(type(value).__qualname__)


def _named(_: _Walk, value: Any) -> str:
    return class_name(type(value))


def _frozen_distribution(walk: _Walk, value: Any) -> Any:
    name = value.dist.__dict__.get("name", type(value.dist).__name__)
    return walk.inside(value, lambda: walk.call(str(name), value.args, dict(value.kwds)))


def _numpy_scalar(walk: _Walk, value: Any) -> Any:
    letter = value.dtype.kind
    if letter == "f":
        found = float(value)
        return found if found == value or found != found else str(value)
    if letter in "biu":
        return value.item()
    return walk.read(value.item()) if letter == "S" else str(value)


def _array(walk: _Walk, value: Any) -> Any:
    small = value.size <= MAX_ARRAY and value.ndim <= 2 and type(value).__module__ == "numpy"
    letter = value.dtype.kind
    if small and letter in "biufSU":
        return walk.read(value.tolist())
    if small and letter in "cmM":
        return walk.read(value.astype(str).tolist())
    return _data(walk, value)


def _data(_: _Walk, value: Any) -> str:
    """`ndarray float64 1000×30 full:9c1e04ab12cd`; `sample:` where not all was read."""
    from .data import describe

    facts = describe(value, statistics=False)
    parts = [str(type(value).__name__), facts.get("dtype"), _shape(facts.get("shape"))]
    rule, colon, digest = (facts.get("digest") or "").partition(":")
    if colon:
        parts.append(f"{rule.partition('-')[0]}:{digest[:12]}")
    return " ".join(part for part in parts if part)


def _shape(shape: Any) -> str:
    return "×".join(str(length) for length in shape) if shape else ""


def _iso(_: _Walk, value: Any) -> str | None:
    text: str = value.isoformat()
    return None if text == "NaT" else text


def _str(_: _Walk, value: Any) -> str:
    return str(value)


def _missing(_: _Walk, value: Any) -> None:
    return None


_READERS: dict[type, Reader] = {
    type(None): lambda _, value: value,
    bool: lambda _, value: value,
    int: lambda _, value: value,
    float: lambda _, value: value,
    str: _text,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    types.MappingProxyType: lambda walk, value: _dict(walk, dict(value)),
    set: _set,
    frozenset: _set,
    slice: _slice,
    range: _slice,
    complex: _str,
    type(...): lambda _, value: "...",
    datetime.date: _iso,
    datetime.datetime: _iso,
    datetime.time: _iso,
    datetime.timedelta: _str,
    decimal.Decimal: _str,
    fractions.Fraction: _str,
    uuid.UUID: _str,
    re.Pattern: lambda walk, value: walk.read(value.pattern),
    types.FunctionType: _function,
    functools._lru_cache_wrapper: _function,
    types.BuiltinFunctionType: _function,
    types.MethodType: _function,
    types.MethodDescriptorType: _function,
    types.WrapperDescriptorType: _function,
    types.ModuleType: lambda _, value: str(value.__name__),
    types.GenericAlias: _str,
    types.UnionType: _str,
    functools.partial: _partial,
}
"""By exact class. The classes of other libraries go by package and name: naming loads nothing."""

_BY_NAME: dict[str, Reader] = {
    "numpy.ndarray": _array,
    "numpy.generic": _numpy_scalar,
    "numpy.ufunc": _ufunc,
    "numpy._ArrayFunctionDispatcher": _function,
    "numpy.dtype": _str,
    "numpy.RandomState": _short_name,
    "numpy.Generator": _short_name,
    "pandas.DataFrame": _data,
    "pandas.Series": _data,
    "pandas.Index": _data,
    "pandas.Timestamp": _iso,
    "pandas.Timedelta": _str,
    "pandas.Period": _str,
    "pandas.Interval": _str,
    "pandas.NAType": _missing,
    "pandas.NaTType": _missing,
    "torch.dtype": _str,
    "torch.device": _str,
    "torch.Tensor": _data,
    "polars.DataFrame": _data,
    "polars.Series": _data,
    "pyarrow.Table": _data,
    "pyarrow.RecordBatch": _data,
    "pyarrow.Array": _data,
    "pyarrow.ChunkedArray": _data,
    "scipy._spbase": _data,
    "scipy.spmatrix": _data,
    "scipy.rv_frozen": _frozen_distribution,
}
_BASES: tuple[tuple[type, Reader], ...] = (
    (enum.Enum, _enum),
    (str, _text),
    (int, lambda walk, value: int.__int__(value)),
    (float, lambda walk, value: float.__float__(value)),
    (bytes, _bytes),
    (tuple, _tuple),
    (list, _list),
    (dict, _dict),
    (set, _set),
    (frozenset, _set),
    (datetime.datetime, lambda _, value: datetime.datetime.isoformat(value)),
    (datetime.date, lambda _, value: datetime.date.isoformat(value)),
    (pathlib.PurePath, lambda _, value: pathlib.PurePath.__str__(value)),
    (type, lambda _, value: class_name(value)),
    (functools.partial, _partial),
)


def _find_reader(kind: type) -> Reader:
    """The reader for a class that is not in the table; asked of the class, never of the object."""
    for name in kin(kind):
        if name in _BY_NAME:
            return _BY_NAME[name]
    for wanted, reader in _BASES:
        if wanted in kind.__mro__:
            return reader
    spaces = [base.__dict__ for base in kind.__mro__]
    if any("get_params" in space for space in spaces):
        return _short_name
    return _dataclass if any("__dataclass_fields__" in space for space in spaces) else _named
