"""The options of an integration: their values, found like settings, typed by a dataclass."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

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
            values[name] = _typed(hints[name], value, what)
    return kind(**values)


def _typed(hint: Any, value: Any, what: str) -> Any:
    """`value`, text or already typed, as the first type of the hint that it fits."""
    kinds = [kind for kind in _types(hint) if kind is not type(None)]
    own = tuple if isinstance(value, list) else type(value)
    exact = [kind for kind in kinds if _plain_type(kind) is own]
    for kind in exact or kinds[:-1]:
        with contextlib.suppress(UsageError):
            return _parsed(kind, value, what)
    return _parsed(kinds[-1], value, what)


def _types(hint: Any) -> tuple[Any, ...]:
    """The types of a union, or the one that it is."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _parsed(hint: Any, value: Any, what: str) -> Any:
    found = parse(_plain_type(hint), value, what)
    words = next((h for h in (hint, *get_args(hint)) if get_origin(h) is Literal), None)
    items = found if isinstance(found, tuple) else (found,)
    wrong = [item for item in items if words is not None and item not in get_args(words)]
    if wrong:
        known = ", ".join(map(repr, get_args(words)))
        raise UsageError(f"{what}: {wrong[0]!r} is none of {known}")
    return found


def _plain_type(hint: Any) -> Any:
    """`str` of a `Literal`, `tuple` of `tuple[str, ...]`."""
    if get_origin(hint) is Literal:
        return type(get_args(hint)[0])
    return get_origin(hint) or hint
