"""One column in canonical form: the same values give the same bytes, whatever library held them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..codec import to_wire
from ..values import kin, plain
from .sampling import Array, sample

# Kinds: b bool, i int64, u uint64 beyond int64, f float64, c complex128, t time (UTC, ns),
# d duration (ns), s text, y bytes, o other objects. A time or duration out of the range of ns
# has its unit's name behind the letter.
OBJECTS_READ = 2048
LONG_TEXT = 1 << 16


@functools.lru_cache(maxsize=256)
def name_of(dtype: np.dtype[Any]) -> str:
    """The dtype's name as text, which NumPy puts together anew each time."""
    return str(dtype)


@dataclasses.dataclass(slots=True)
class Column:
    """Values read of one column.

    Attributes:
        name: The column's name as text, or None.
        dtype: What its library calls its type.
        kind: The canonical kind, one of the letters above.
        values: 1-D array of 8-byte values (1 byte for bool, 16 for complex), missing ones zero or
            NaN; a list of str, bytes or None for kinds `s`, `y` and `o`.
        nulls: True where a value is missing; None where none is (in floats a missing value is NaN).
    """

    name: str | None
    dtype: str
    kind: str
    values: Any
    nulls: Array | None = None

    def message(self) -> tuple[list[Any], bytes]:
        """What is digested: buffers of the values, and a closing note of kind and count."""
        if isinstance(self.values, list):
            return self._text_message()
        end = self.kind.encode() + len(self.values).to_bytes(8, "little")
        if self.nulls is not None and self.nulls.any():
            end += b"null" + np.packbits(self.nulls).tobytes()
        return [np.ascontiguousarray(self.values)], end

    def _text_message(self) -> tuple[list[Any], bytes]:
        filled = self.values
        if self.nulls is not None:
            empty: str | bytes = "" if self.kind == "s" else b""
            filled = [empty if item is None else item for item in filled]
        lengths = np.fromiter(map(len, filled), np.int64, len(filled))
        if self.nulls is not None:
            lengths[self.nulls] = -1
        joined = (
            "".join(filled).encode("utf-8", "surrogatepass")
            if self.kind == "s"
            else b"".join(filled)
        )
        return [lengths, joined], self.kind.encode() + len(filled).to_bytes(8, "little")


def from_array(array: Array, name: str | None = None, nulls: Array | None = None) -> Column:
    """The canonical column of a 1-D array; `nulls` marks missing values."""
    array = np.asarray(array)
    letter = array.dtype.kind
    if letter in "OSUV":
        values = array.tolist() if letter != "V" else [item.tobytes() for item in array]
        return _blanked(from_list(values, name, name_of(array.dtype)), nulls)
    maker = _MAKERS[letter]
    return maker(array, name, nulls)


def _blanked(column: Column, nulls: Array | None) -> Column:
    if nulls is None or not nulls.any():
        return column
    values = [None if gone else item for item, gone in zip(column.values, nulls, strict=True)]
    return from_list(values, column.name, column.dtype)


def _floats(array: Array, name: str | None, nulls: Array | None) -> Column:
    with np.errstate(all="ignore"):
        # Adding zero turns -0.0 into 0.0: values that compare equal have one digest.
        values = np.add(array, 0.0, dtype=np.float64, casting="unsafe")
    gone = np.isnan(values)
    if nulls is not None:
        gone |= nulls
    if gone.any():
        values[gone] = np.nan
    return Column(name, name_of(array.dtype), "f", values)


def _integers(array: Array, name: str | None, nulls: Array | None) -> Column:
    dtype = name_of(array.dtype)
    values = array.astype(np.uint64 if array.dtype.kind == "u" else np.int64)
    kind = "i"
    if nulls is not None and nulls.any():
        values[nulls] = 0
    if values.dtype == np.uint64:
        signed = values.view(np.int64)
        kind = "u" if len(signed) and signed.min() < 0 else "i"
        values = values if kind == "u" else signed
    return Column(name, dtype, kind, values, nulls)


def _booleans(array: Array, name: str | None, nulls: Array | None) -> Column:
    values = array.astype(np.uint8)
    if nulls is not None and nulls.any():
        values[nulls] = 0
    return Column(name, name_of(array.dtype), "b", values, nulls)


def _complex(array: Array, name: str | None, nulls: Array | None) -> Column:
    with np.errstate(all="ignore"):
        values = array.astype(np.complex128) + 0.0
    values[np.isnan(values)] = np.nan
    return Column(name, name_of(array.dtype), "c", values, nulls)


def _times(array: Array, name: str | None, nulls: Array | None) -> Column:
    letter = array.dtype.kind
    gone = np.isnat(array) if nulls is None else np.isnat(array) | nulls
    kind = "t" if letter == "M" else "d"
    values = array.astype(np.int64)
    unit = np.datetime_data(array.dtype)
    if unit[0] in _NS_PER:
        scale = _NS_PER[unit[0]] * unit[1]
        bound = (2**63 - 1) // scale
        values[gone] = 0
        if len(values) and (values.max() > bound or values.min() < -bound):
            kind += unit[0]
        else:
            values *= scale
    else:
        values[gone] = 0
        kind += unit[0]
    return Column(name, name_of(array.dtype), kind, values, gone if gone.any() else None)


_NS_PER = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "D": 86_400_000_000_000,
    "W": 604_800_000_000_000,
}
_MAKERS = {
    "b": _booleans,
    "i": _integers,
    "u": _integers,
    "f": _floats,
    "c": _complex,
    "m": _times,
    "M": _times,
}


def from_list(values: Sequence[Any], name: str | None = None, dtype: str = "object") -> Column:
    """The canonical column of Python values: of one kind where they are, else of objects."""
    kinds = set(map(type, values))
    if float in kinds and str in kinds and kinds <= _TEXT_OR_MISSING:
        values = [None if item != item else item for item in values]
        kinds = set(map(type, values))
    missing = {kind for kind in kinds if kind is type(None) or _is_missing_type(kind)}
    kinds -= missing
    nulls = None
    if missing:
        nulls = np.fromiter((type(item) in missing for item in values), np.bool_, len(values))
    family = {_FAMILY.get(kind) or _family(kind) for kind in kinds}
    only = family.pop() if len(family) == 1 else "f" if family == {"i", "f"} else "o"
    if not kinds or only == "o":
        return _objects(values, name, dtype)
    return _of_family(only, values, nulls, name, dtype)


_FAMILY: dict[type, str] = {
    str: "s",
    bool: "b",
    int: "i",
    float: "f",
    bytes: "y",
    datetime.datetime: "t",
    datetime.date: "t",
    datetime.timedelta: "d",
}
_TEXT_OR_MISSING = {str, float, type(None)}
_BY_NAME = {
    "numpy.str_": "s",
    "numpy.bytes_": "y",
    "numpy.bool": "b",
    "numpy.bool_": "b",
    "numpy.integer": "i",
    "numpy.floating": "f",
    "pandas.Timestamp": "t",
    "pandas.Timedelta": "d",
}


def _family(kind: type) -> str:
    return next((_BY_NAME[base] for base in kin(kind) if base in _BY_NAME), "o")


def _is_missing_type(kind: type) -> bool:
    return kin(kind)[0] in ("pandas.NAType", "pandas.NaTType")


def _of_family(
    family: str, values: Sequence[Any], nulls: Array | None, name: str | None, dtype: str
) -> Column:
    if family in "sy":
        return Column(name, dtype, family, _texts(_without(values, nulls, None)), nulls)
    if family == "t":
        values = [_instant(item) for item in values]
    try:
        array: Array = np.array(_without(values, nulls, _FILL[family]), dtype=_DTYPES[family])
    except (OverflowError, ValueError, TypeError):
        return _objects(values, name, dtype)
    column = from_array(array, name, nulls)
    column.dtype = dtype
    return column


def _without(values: Sequence[Any], nulls: Array | None, fill: Any) -> Sequence[Any]:
    if nulls is None:
        return values
    return [fill if gone else item for item, gone in zip(values, nulls, strict=True)]


_FILL = {"b": False, "i": 0, "f": float("nan"), "t": None, "d": None}
_DTYPES: dict[str, Any] = {
    "b": np.bool_,
    "i": np.int64,
    "f": np.float64,
    "t": "M8[us]",
    "d": "m8[us]",
}


def _instant(item: Any) -> Any:
    # NumPy warns of times that bear a zone.
    zoned = getattr(item, "tzinfo", None) is not None
    return item.astimezone(datetime.UTC).replace(tzinfo=None) if zoned else item


def _texts(values: Sequence[Any]) -> list[Any]:
    """Texts, bytes or None as they are; of very long ones the two ends and the length."""
    if max((len(item) for item in values if item is not None), default=0) <= LONG_TEXT:
        return list(values)
    return [None if item is None else _clip(item) for item in values]


def _clip(item: Any) -> Any:
    if len(item) <= LONG_TEXT:
        return item
    note = f"…{len(item)}…"
    middle = note if isinstance(item, str) else note.encode()
    return item[: LONG_TEXT // 2] + middle + item[-LONG_TEXT // 2 :]


def _objects(values: Sequence[Any], name: str | None, dtype: str) -> Column:
    """Mixed or unknown objects, each by the wire form of its plain value; at most 2,048 of them."""
    picked = sample(len(values), OBJECTS_READ)
    chosen = values if picked is None else [values[i] for i in picked.tolist()]
    found = [object_bytes(item) for item in chosen]
    nulls = np.fromiter((item is None for item in found), np.bool_, len(found))
    return Column(name, dtype, "o", found, nulls if nulls.any() else None)


def object_bytes(item: Any) -> bytes | None:
    """One object in bytes; None where it stands for a missing value."""
    value = plain(item, limit=200)
    return None if value is None else msgspec.json.encode(to_wire(value), order="sorted")


def text_cost(values: Sequence[Any]) -> int:
    """Mean length of some texts, as the power of two at or above it."""
    sizes = [len(item) for item in values if item is not None]
    mean = sum(sizes) // len(sizes) if sizes else 0
    return 1 << max(mean - 1, 0).bit_length()
