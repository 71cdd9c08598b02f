"""The wire form of values: plain JSON that keeps what JSON alone would lose.

Non-finite floats become `{"$float": "nan" | "inf" | "-inf"}`, integers beyond 64 bits
`{"$int": "0x…"}`, bytes `{"$bytes": "<base64>"}`. In text, U+0000, lone surrogates and the
escape character U+001A itself are written as U+001A and four hex digits. A dict key that begins
with `$` gets a second one. Every backend stores this form; `docs/format.md` is its description.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_INT = 2**63 - 1
MIN_INT = -(2**63)

_UNSAFE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")

# The base types' own methods: a subclass (an enumeration of strings) may say something else.
_EXACT: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
)


def escape_text(text: str) -> str:
    """Text that any JSON parser and any database can hold; `unescape_text` gives it back."""
    if text.isascii() and "\x00" not in text and "\x1a" not in text:
        return text
    return _UNSAFE.sub(lambda match: f"\x1a{ord(match[0]):04x}", text)


def unescape_text(text: str) -> str:
    """The text that `escape_text` was given."""
    if "\x1a" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def to_wire(value: Any) -> Any:
    """`value` in wire form; exact for None, bool, int, float, str, bytes, lists and dicts of them.

    Tuples become lists. Raises TypeError for any other type: `autolog.values.plain` makes
    storable values of arbitrary objects first.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": _float_name(value)}
    if kind is str:
        return escape_text(value)
    if kind is int:
        return value if MIN_INT <= value <= MAX_INT else {"$int": _int_text(value)}
    if value is None or kind is bool:
        return value
    return _container_to_wire(value)


def _container_to_wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key_to_wire(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    for base, exact in _EXACT:
        if isinstance(value, base):
            return to_wire(exact(value))
    raise TypeError(f"no wire form for {type(value).__qualname__}")


def from_wire(value: Any) -> Any:
    """The value that `to_wire` was given (tuples come back as lists)."""
    if isinstance(value, str):
        return unescape_text(value)
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if isinstance(value, dict):
        return _dict_from_wire(value)
    return value


def _dict_from_wire(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        ((key, item),) = value.items()
        if key == "$float":
            return float(item)
        if key == "$int":
            return int(item, 16)
        if key == "$bytes":
            return base64.b64decode(item)
    return {_key_from_wire(key): from_wire(item) for key, item in value.items()}


def _key_to_wire(key: object) -> str:
    text = escape_text(key if type(key) is str else str(key))
    return "$" + text if text.startswith("$") else text


def _key_from_wire(key: str) -> str:
    return unescape_text(key[1:] if key.startswith("$$") else key)


def _float_name(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def _int_text(value: int) -> str:
    # Hexadecimal: `str(int)` refuses more than 4,300 digits, and `hex` is linear.
    return hex(value)
