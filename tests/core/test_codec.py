"""The wire form gives back what it was given, as JSON that any parser and database can hold."""

from __future__ import annotations

import base64
import enum
import json
import math
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolog.codec import MAX_INT, MIN_INT, escape_text, from_wire, to_wire, unescape_text

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\x1a$\ud800\udfff"))
KEYS = ANY_TEXT | st.sampled_from(["$float", "$int", "$bytes", "$", "$$", "$$float", ""])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(MIN_INT - 2, MIN_INT + 2)
    | st.integers(MAX_INT - 2, MAX_INT + 2)
    | st.floats()
    | ANY_TEXT
    | st.binary()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)


def exact(value: Any) -> Any:
    """A form of `value` whose equality tells floats by their bits (NaNs alike) and types apart."""
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack("<d", value))
    if isinstance(value, list):
        return ["list", *(exact(item) for item in value)]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return (type(value).__name__, value)


@given(VALUES)
def test_every_value_comes_back(value: Any) -> None:
    text = msgspec.json.encode(to_wire(value))
    assert exact(from_wire(msgspec.json.decode(text))) == exact(value)


@given(VALUES)
def test_the_wire_is_plain_strict_json(value: Any) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    wire = to_wire(value)
    text = json.dumps(wire, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    assert json.loads(text, parse_constant=refuse) == wire


@given(ANY_TEXT)
def test_text_comes_back(text: str) -> None:
    wire = escape_text(text)
    wire.encode("utf-8")
    assert "\x00" not in wire
    assert unescape_text(wire) == text


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (math.nan, {"$float": "nan"}),
        (math.inf, {"$float": "inf"}),
        (-math.inf, {"$float": "-inf"}),
        (2**63, {"$int": "0x8000000000000000"}),
        (-(2**63) - 1, {"$int": "-0x8000000000000001"}),
        (b"\x00\xff", {"$bytes": "AP8="}),
        ("a\x00b", "a\x1a0000b"),
        ("\ud800", "\x1ad800"),
        ("\x1a", "\x1a001a"),
        ({"$int": 1}, {"$$int": 1}),
        ({"$$int": 1}, {"$$$int": 1}),
        ((1, (2,)), [1, [2]]),
    ],
)
def test_the_form_is_what_the_documentation_says(value: Any, wire: Any) -> None:
    assert to_wire(value) == wire
    assert to_wire(from_wire(wire)) == wire


def test_integers_of_any_size_come_back() -> None:
    for value in (10**5000, -(10**5000)):
        assert from_wire(to_wire(value)) == value


def test_subclasses_are_what_they_are_based_on() -> None:
    class Color(enum.StrEnum):
        RED = "red"

        def __str__(self) -> str:
            return "something else"

    class Number(enum.IntEnum):
        ONE = 1

    class Half(float):
        def __float__(self) -> float:
            return 7.0

    found = to_wire([Color.RED, Number.ONE, Half(0.5), bytearray(b"x")])
    assert found == ["red", 1, 0.5, {"$bytes": base64.b64encode(b"x").decode()}]
    assert [type(item) for item in found] == [str, int, float, dict]


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, [object()], {"a": object()}])
def test_what_has_no_wire_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        to_wire(value)
