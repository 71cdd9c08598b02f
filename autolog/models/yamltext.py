"""The YAML of `MLmodel`: written in a plain subset, read in full where PyYAML is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import UsageError

_as_json = json.JSONEncoder(ensure_ascii=False).encode

_PLAIN_KEY = re.compile(r"(?!(?:true|false|null|none|yes|no|on|off|y|n)$)[a-z][a-z0-9_]*")
# Inside quotes JSON is YAML but for characters that YAML would fold, refuse or take for a mark.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def emit(document: Mapping[str, Any]) -> str:
    """Block YAML of maps, lists, text, numbers, booleans and None, every scalar as in JSON."""
    return "".join(f"{line}\n" for line in _lines(document, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{indent}{_key(str(key))}:", item, indent + "  ")
    else:
        for item in value:
            yield from _entry(f"{indent}-", item, indent + "  ")


def _entry(start: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping | list | tuple) and item:
        yield start
        yield from _lines(item, indent)
    else:
        yield f"{start} {_scalar(item)}"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _scalar(key)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        # YAML 1.1 takes `1e-05` for text, and has its own words for what JSON lacks.
        text = repr(value).replace("e", ".0e") if "." not in repr(value) else repr(value)
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(value), text)
    text = _as_json(value)
    return _ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def parse(text: str) -> dict[str, Any]:
    """The map that a YAML text holds, by PyYAML's safe loader or, without it, our own subset.

    Raises UsageError where it is no map, or where it needs PyYAML and there is none.
    """
    try:
        document = _parse_subset(text)
    except ValueError:
        document = _parse_in_full(text)
    if not isinstance(document, dict):
        raise UsageError("MLmodel holds no map; it is no model description")
    return document


def _parse_in_full(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise UsageError(
            "this MLmodel was written by another tool; to read it: pip install pyyaml"
        ) from None
    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"MLmodel does not parse: {error}".splitlines()[0]) from None


def _parse_subset(text: str) -> Any:
    """What `emit` wrote; raises ValueError at the first line that it would not have written."""
    lines = [_split(line) for line in text.splitlines() if line]
    value, rest = _block(lines, 0)
    if rest:
        raise ValueError("indentation")
    return value


_Line = tuple[int, str | None, str | None]


def _split(line: str) -> _Line:
    """Indentation, key (None for an item of a list) and scalar (None where a block follows)."""
    body = line.lstrip(" ")
    indent = len(line) - len(body)
    if body == "-" or body.startswith("- "):
        return indent, None, body[2:] or None
    match = re.fullmatch(r'([a-z][a-z0-9_]*|"(?:[^"\\]|\\.)*"):(?: (.+))?', body)
    if match is None:
        raise ValueError(line)
    key = json.loads(match[1]) if match[1].startswith('"') else match[1]
    return indent, key, match[2]


def _block(lines: Sequence[_Line], indent: int) -> tuple[Any, Sequence[_Line]]:
    items: list[tuple[str | None, Any]] = []
    while lines and lines[0][0] == indent:
        (_, key, scalar), lines = lines[0], lines[1:]
        if scalar is not None:
            items.append((key, json.loads(scalar)))
        else:
            value, lines = _block(lines, indent + 2)
            items.append((key, value))
    return _collected(items), lines


def _collected(items: Sequence[tuple[str | None, Any]]) -> Any:
    keys = [key for key, _ in items]
    if keys and all(key is None for key in keys):
        return [value for _, value in items]
    if not keys or None in keys or len(set(keys)) != len(keys):
        raise ValueError("neither a map nor a list")
    return dict(items)
