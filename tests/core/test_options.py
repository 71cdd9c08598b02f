"""Options of integrations: the type that a value has decides, then the first that it fits."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import pytest

from autolog.errors import UsageError
from autolog.integration import option
from autolog.options import resolve_options


@dataclasses.dataclass
class Options:
    some: bool | tuple[Literal["a", "b"], ...] = option(False, "")
    rows: int | bool = option(False, "")
    word: Literal["x", "y"] = option("x", "")
    name: str | None = option(None, "")
    names: tuple[str, ...] = option((), "")


GIVEN = (
    ({"some": True}, True),
    ({"some": "yes"}, True),
    ({"some": ["a", "b"]}, ("a", "b")),
    ({"some": ("b",)}, ("b",)),
    ({"some": "a b"}, ("a", "b")),
    ({"rows": True}, True),
    ({"rows": 3}, 3),
    ({"rows": "1"}, 1),
    ({"rows": "on"}, True),
    ({"rows": False}, False),
    ({"word": "y"}, "y"),
    ({"name": 1}, "1"),
    ({"names": ["p", "q"]}, ("p", "q")),
)


@pytest.mark.parametrize(("given", "value"), GIVEN)
def test_a_value_of_several_types(given: dict[str, Any], value: Any) -> None:
    (name,) = given
    found = getattr(resolve_options("tests", Options, given), name)
    assert (found, type(found)) == (value, type(value))


def test_the_variable_is_read_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_TESTS__SOME", "b a")
    monkeypatch.setenv("AUTOLOG_TESTS__ROWS", "2")
    found = resolve_options("tests", Options, {"some": True, "rows": 7})
    assert (found.some, found.rows) == (("b", "a"), 2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"some": ["a", "c"]}, "tests.some: 'c' is none of 'a', 'b'"),
        ({"some": "maybe"}, "tests.some: 'maybe' is none of"),
        ({"rows": "many"}, "tests.rows: 'many' is not a bool"),
        ({"word": "z"}, "tests.word: 'z' is none of"),
        ({"sum": 1}, "tests has no option 'sum'"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        resolve_options("tests", Options, given)
