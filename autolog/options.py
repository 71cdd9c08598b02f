"""The options of an integration: their values, found like settings, typed by a dataclass."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .errors import UsageError
from .settings import parse


def variable(integration: str, name: str) -> str:
    """The environment variable of an option: `AUTOLOG_SKLEARN__MODEL_FORMAT`."""
    return f"AUTOLOG_{integration.upper()}__{name.upper()}"


def resolve_options(integration: str, kind: type, given: Mapping[str, Any]) -> Any:
    """An instance of the options dataclass `kind`: environment over `given` over default.

    Raises UsageError for an option that does not exist or a value that does not fit.
    """
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    unknown = [name for name in given if name not in names]
    if unknown:
        known = ", ".join(names) or "none"
        raise UsageError(f"{integration} has no option {unknown[0]!r}; it has: {known}")
    values = {}
    for name in names:
        text = os.environ.get(variable(integration, name))
        value = text if text not in (None, "") else given.get(name)
        if value is not None:
            what = f"{integration}.{name}"
            values[name] = parse(_plain_type(hints[name]), value, what)
            _check_choice(hints[name], values[name], what)
    return kind(**values)


def _check_choice(hint: Any, value: Any, what: str) -> None:
    """Refuse what is none of the words of a `Literal`."""
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise UsageError(f"{what}: {value!r} is none of {', '.join(map(repr, get_args(hint)))}")


def _plain_type(hint: Any) -> Any:
    """`int` of `int | None`, `str` of a `Literal`, `tuple` of `tuple[str, ...]`."""
    if isinstance(hint, type):
        return hint
    origin = getattr(hint, "__origin__", None)
    if isinstance(origin, type):
        return origin
    kinds = [arg for arg in get_args(hint) if arg is not type(None)]
    first = kinds[0] if kinds else str
    return _plain_type(first) if not isinstance(first, str | int) else type(first)
