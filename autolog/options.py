"""The options of an integration: their values, found like settings, typed by a dataclass."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

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
            values[name] = parse(_plain_type(hints[name]), value, f"{integration}.{name}")
    return kind(**values)


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
