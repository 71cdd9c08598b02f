"""The value of a `dataset` record, from the data alone."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..values import kin, plain

if TYPE_CHECKING:
    from .adapters import Source
    from .columns import Column

MAX_ENTRIES = 200
MAX_PARTS = 50
"""Arrays of a list beyond which they are taken for its rows."""
_SPARSE_PARTS = ("data", "indices", "indptr", "row", "col", "offsets")


def describe(
    X: Any,
    y: Any = None,
    *,
    weight: Any = None,
    name: str = "unknown",
    target_name: str | None = None,
    weight_name: str | None = None,
    role: str = "train",
    statistics: bool = True,
) -> dict[str, Any]:
    """What is known of data that a training is given: shape, types, digests, figures, target.

    Reads at most about 8 MB of canonical values each of `X`, `y` and `weight` (`rows_read` tells
    how many rows; `rule` is `full-v2` or `sample-v2`). Iterators, loaders, lazy frames and
    unknown objects are named by class and shape alone. `statistics=False` leaves out figures and
    class counts. All values are plain (see `autolog.codec.to_wire`).
    """
    found: dict[str, Any] = {"name": name, "role": role, **_facts(X, statistics)}
    if y is not None:
        found["target"] = _vector(y, target_name, statistics, labels=True)
    if weight is not None:
        found["weight"] = _vector(weight, weight_name, statistics, labels=False)
    return found


def _facts(data: Any, figures: bool) -> dict[str, Any]:
    if "numpy" not in sys.modules:
        return _opaque(data)
    if type(data) is dict:
        return _dict(data, figures)
    if _several(data):
        return {**_dict(dict(enumerate(data)), figures), "kind": type(data).__name__}
    if {"scipy._spbase", "scipy.spmatrix"} & set(kin(type(data))):
        return _sparse(data)
    source = _source(data)
    if source is None:
        return _opaque(data)
    found = _known(source)
    from .digest import scan

    result = scan(source, figures=figures)
    found |= _read(result)
    columns = _named(source, result.facts)
    if len(source.shape) <= 2 and columns:
        found["columns"] = columns
        found["columns_total"] = source.width
    return found


def _source(data: Any) -> Source | None:
    from .adapters import adapt

    return adapt(data)


def _known(source: Source) -> dict[str, Any]:
    known = {
        "kind": source.kind,
        "shape": [int(length) for length in source.shape],
        "dtype": source.dtype,
        "bytes": source.nbytes,
    }
    return {key: item for key, item in known.items() if item is not None}


def _read(result: Any) -> dict[str, Any]:
    return {
        "digest": f"{result.rule}:{result.digest}",
        "rule": result.rule,
        "rows_read": result.rows_read,
    }


def _named(source: Source, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if source.names is None:
        return facts
    from .adapters import column_name

    picked = range(len(facts)) if source.picked is None else source.picked.tolist()
    return [
        {"name": column_name(source.names[index]), **fact}
        for index, fact in zip(picked, facts, strict=False)
    ]


def _vector(data: Any, name: str | None, figures: bool, *, labels: bool) -> dict[str, Any]:
    """Facts of a target or of weights: those of its one column, or of each; counts of classes."""
    source = None if type(data) is dict or "numpy" not in sys.modules else _source(data)
    if source is None:
        return _with_name(_facts(data, figures), name)
    from .digest import scan

    single = source.width == 1
    result = scan(source, figures=figures and not single, keep_first=single and figures)
    found = _known(source) | _read(result)
    if result.first is not None:
        found |= _label_counts(result.first) if labels else {}
        if "classes" not in found:
            found |= _figures(result.first)
    elif len(source.shape) == 2 and not single:
        found |= {"columns": _named(source, result.facts), "columns_total": source.width}
    return _with_name(found if name is not None else _own_name(found, source), name)


def _label_counts(column: Column) -> dict[str, Any]:
    from .statistics import classes

    table = classes(column)
    if table is None:
        return {}
    return {"missing": len(column.values) - sum(count for _, count in table), "classes": table}


def _figures(column: Column) -> dict[str, Any]:
    from .statistics import of_column

    return of_column(column)


def _own_name(facts: dict[str, Any], source: Source) -> dict[str, Any]:
    from .adapters import column_name

    names = source.names
    return facts if names is None or len(names) != 1 else {**facts, "name": column_name(names[0])}


def _with_name(facts: dict[str, Any], name: str | None) -> dict[str, Any]:
    return facts if name is None else {**facts, "name": name}


def _dict(data: dict[Any, Any], figures: bool) -> dict[str, Any]:
    """A dict of arrays: the facts of each entry."""
    from ..values import text_of

    entries = {text_of(plain(key)): _facts(data[key], figures) for key in list(data)[:MAX_ENTRIES]}
    found: dict[str, Any] = {"kind": "dict", "entries": entries, "entries_total": len(data)}
    return found | _together(entries) if len(entries) == len(data) else found


def _several(data: Any) -> bool:
    """Whether it is a list of arrays, such as the inputs of one model."""
    return (
        type(data) in (list, tuple)
        and 0 < len(data) <= MAX_PARTS
        and all(type(getattr(one, "ndim", None)) is int and one.ndim > 1 for one in data)
    )


def _together(entries: Mapping[str, Any]) -> dict[str, Any]:
    """A digest of all entries, where each has one under the same rule."""
    from xxhash import xxh3_128

    rules = {entry.get("rule") for entry in entries.values()}
    rule = rules.pop() if len(rules) == 1 else None
    if rule is None:
        return {}
    text = "".join(f"{name}={entry['digest']};" for name, entry in entries.items())
    return {"digest": f"{rule}:{xxh3_128(text.encode()).hexdigest()}", "rule": rule}


def _sparse(data: Any) -> dict[str, Any]:
    """A sparse matrix: the digest of its parts as they stand; an entry's order takes part."""
    from xxhash import xxh3_128

    from .adapters import adapt
    from .digest import FULL, SAMPLED, scan

    form = data.format
    found: dict[str, Any] = {
        "kind": type(data).__name__,
        "shape": [int(length) for length in data.shape],
        "dtype": str(data.dtype),
    }
    parts = {key: data.__dict__[key] for key in _SPARSE_PARTS if key in data.__dict__}
    if form in ("lil", "dok") or "data" not in parts:
        return found
    whole = xxh3_128(f"{form} {found['shape']}".encode())
    rule = FULL
    for key, part in parts.items():
        source = adapt(part)
        if source is None:
            return found
        result = scan(source, figures=False)
        rule = SAMPLED if result.rule == SAMPLED else rule
        whole.update(f"{key} {result.digest}".encode())
    stored = int(parts["data"].size)
    found |= {"stored": stored, "bytes": sum(int(part.nbytes) for part in parts.values())}
    return found | {"digest": f"{rule}:{whole.hexdigest()}", "rule": rule}


def _opaque(data: Any) -> dict[str, Any]:
    """The class, and the shape, dtype and device where the object shows them."""
    found: dict[str, Any] = {"kind": type(data).__name__}
    if type(data) in (list, tuple, dict, range, set, str, bytes):
        return {**found, "shape": [len(data)]}
    if kin(type(data))[0] == "polars.LazyFrame":
        return found
    shape = _shown(data, "shape")
    if isinstance(shape, tuple | list) or type(shape).__name__ == "TensorShape":
        lengths = [length if type(length) is int else None for length in shape]
        found["shape"] = lengths
    dtype = _shown(data, "dtype")
    if dtype is not None and not isinstance(dtype, Mapping):
        text = plain(dtype)
        found["dtype"] = str(text).removeprefix("torch.")
    device = _shown(data, "device")
    if device is not None and kin(type(data))[-2] == "torch.TensorBase":
        found["device"] = plain(device)
    return found


def _shown(data: Any, name: str) -> Any:
    """An attribute of the object, if its class or it has one; None where reading it fails."""
    if inspect.getattr_static(data, name, None) is None:
        return None
    try:
        return getattr(data, name)
    except Exception:
        return None
