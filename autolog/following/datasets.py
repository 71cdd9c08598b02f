"""A run's data: what it was trained on, and what its models were asked about afterwards.

The data that a metric judges are described when the first metric of them is computed, once for each
object. A run's own training data keep their name and are not described again.
"""

from __future__ import annotations

import dataclasses
import re
import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..forking import ForkSafeLock
from ..integration import Call
from ..live import Run
from . import matching
from .inputs import shape_of
from .naming import Given, given_to, told

ROW_VALUES = 1 << 16
"""Values of the training rows that are digested before the training, about half a millisecond."""
TEXT_ROWS = 256
"""Rows that are, where not all values are numbers."""
LATER_VALUES = 1 << 21
"""Values that are read to count shared rows when a metric is computed."""
AT_ONCE_VALUES = 1 << 16
"""Values of data up to which that is done before a training."""
MOST = 20
"""Datasets of predictions that one run describes and tells apart."""

_PICKED = re.compile(r"\[([A-Za-z]\w*)(?:, *:)?\]")
_SHORT = {"tr": "train", "trn": "train", "va": "validation", "te": "test", "tst": "test"}
_VALIDATION = re.compile(r"(?:\b|_|[Xx])(?:val(?:id(?:ation)?)?|dev)(?![a-z])")


class Kept(NamedTuple):
    """What of data is recorded: whether they are described, and with figures for each column.

    `plots`: the pictures that are drawn of what is computed with them, in the library's own terms.
    """

    described: bool
    statistics: bool
    plots: Any = False


@dataclasses.dataclass
class Data:
    """What a run knows of its data.

    Attributes:
        train: The training data; None where they were not told.
        facts: What was recorded of the training data.
        rows: Digests of their rows, of all or (`whole` false) of a sample.
        keys: Names in the run of the data that were met.
        newest: For each name the object that had it last.
        digests: Names in the run by digest.
        lists: Lists, which cannot be told apart by identity, by name and length.
        shared: For each name how many of how many rows were trained on, if any.
    """

    train: Given | None = None
    facts: dict[str, Any] | None = None
    rows: Any = None
    whole: bool = False
    keys: weakref.WeakKeyDictionary[Given, str] = dataclasses.field(
        default_factory=weakref.WeakKeyDictionary
    )
    newest: dict[str, weakref.ref[Given]] = dataclasses.field(default_factory=dict)
    digests: dict[str, str] = dataclasses.field(default_factory=dict)
    lists: dict[Any, Given] = dataclasses.field(default_factory=dict)
    shared: dict[str, str] = dataclasses.field(default_factory=dict)
    lock: ForkSafeLock = dataclasses.field(default_factory=ForkSafeLock)


def of(run: Run) -> Data:
    """What `run` knows of its data; kept with the run and dropped with it."""
    found: Data | None = run.state.get("data")
    return run.state.setdefault("data", Data()) if found is None else found


# -- training ----------------------------------------------------------------------------------


def trained_on(
    run: Run,
    given: Given | None,
    kept: Kept,
    *,
    target: Any = None,
    batch: bool = False,
    facts: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    **details: Any,
) -> None:
    """Record the data that go into a training, as they are before it.

    `details` are more of `describe`'s arguments (`weight`, `target_name`, `weight_name`), `extra`
    facts that are known otherwise. A `batch` is the first of many, whose rows are not all. With
    `facts` they have been described already.
    """
    data = given.data() if given is not None else None
    if given is None or (data is None and given.facts is None and facts is None):
        return
    known = of(run)
    known.train = given
    key = known.keys[given] = run.unique("dataset", given.name)
    if kept.described and not run.light and run.wants("dataset", key):
        details = {"name": given.name, "statistics": kept.statistics, **details}
        if facts is None:
            facts = given.facts if data is None else _facts("train", data, target, **details)
        known.facts = {**(facts or {}), **(extra or {})}
        run.fact("dataset", key, known.facts)
        if facts and "digest" in facts:  # else a generator, a lazy frame: only its form is read
            known.digests[facts["digest"]] = key
            if data is not None and not batch:
                known.rows, known.whole = _rows(data, _limit(data))
    given.let_go()


def trained_with(
    run: Run,
    call: Call,
    kept: Kept,
    *,
    data: str | int | None = "X",
    target: str | int = "y",
    weight: str = "sample_weight",
    **details: Any,
) -> None:
    """Record the data of a training from its call: the parameters that hold them, by name.

    `details` are more of `trained_on`'s arguments.
    """
    trained_on(
        run,
        given_to(call, data),
        kept,
        target=call.arg(target),
        target_name=told(call, target),
        weight=call.arg(weight),
        weight_name=told(call, weight),
        **details,
    )


def add(run: Run, extra: Mapping[str, Any]) -> None:
    """Add to what is recorded of the training data what only a call inside it knows."""
    known = of(run)
    if known.train is not None and known.facts is not None and extra:
        known.facts = {**known.facts, **extra}
        run.fact("dataset", known.keys[known.train], known.facts)


def _facts(role: str, data: Any, target: Any = None, **details: Any) -> dict[str, Any]:
    from ..data import describe

    return describe(data, target, role=role, **details)


def _limit(data: Any) -> int:
    """How many rows may be digested before a training."""
    numbers = getattr(getattr(data, "dtype", None), "kind", "O") in "biuf"
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        numbers = all(getattr(kind, "kind", "O") in "biuf" for kind in data.dtypes)
    return max(1, ROW_VALUES // _width(data)) if numbers else TEXT_ROWS


def _width(data: Any) -> int:
    width = 1
    for length in shape_of(data)[1:]:
        width *= max(length, 1) if isinstance(length, int) else 1
    return width


def _rows(data: Any, limit: int) -> tuple[Any, bool]:
    """Digests of at most `limit` rows, and whether those are all."""
    from ..data import row_digests

    rows = row_digests(data, limit)
    return rows, rows is not None and len(rows) == matching.rows(data)


# -- evaluation --------------------------------------------------------------------------------


def asked(run: Run, given: Given, kept: Kept) -> Given:
    """Note at a prediction what it is made from; gives what to remember of it.

    A list can be read only now: one of each name and length is described.
    """
    if given.watched:
        return given
    known = of(run)
    same = known.lists.get((given.name, given.shape))
    if same is None and len(known.lists) < MOST:
        same = known.lists[(given.name, given.shape)] = given
        if kept.described and not run.light:
            given.facts = _describe(known, given, None, None, kept.statistics)
    given.let_go()
    return same or given


def knows(run: Run, given: Given) -> bool:
    """Whether these data have a name in `run` already."""
    return given in of(run).keys


def key_of(
    run: Run,
    given: Given,
    kept: Kept,
    target: Any = None,
    target_name: str | None = None,
    role: str | None = None,
    facts: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """The name in `run` of data that were predicted from, which are described the first time.

    `role` is what the program says of them; else it is read off their name. `extra` are facts that
    are known otherwise; `facts` all of them, where they have been described already. Another object
    of a taken name gets `-2`, unless the one before is gone: batches of a loop share their name.
    """
    known = of(run)
    with known.lock:
        key = known.keys.get(given)
        if key is None:
            entered = None
            if not _continues(known, given):
                if kept.described and not run.light:
                    if facts is not None and _small(given.data()):
                        facts = {**facts, **_shared(known, given.data())}
                    found = facts or given.facts
                    if found is None:
                        found = _describe(known, given, target, target_name, kept.statistics, role)
                    entered = {**found, **(extra or {})}
                key = _enter(run, known, given, entered)
            key = known.keys[given] = key or given.name
            known.newest[given.name] = weakref.ref(given)
    return key


def _continues(known: Data, given: Given) -> bool:
    before = known.newest.get(given.name)
    if before is None:
        return False
    last = before()
    return last is None or last.data() is None or len(known.keys) > MOST


def _enter(run: Run, known: Data, given: Given, facts: dict[str, Any] | None) -> str:
    digest = facts.get("digest") if facts else None
    if digest in known.digests:
        return known.digests[digest]
    key = run.unique("dataset", given.name)
    if digest:
        known.digests[digest] = key
    if facts:
        run.fact("dataset", key, facts)
        _warn(run, known, key, facts)
    return key


def _describe(
    known: Data,
    given: Given,
    target: Any,
    target_name: str | None,
    statistics: bool,
    role: str | None = None,
) -> dict[str, Any]:
    data, role = given.data(), role or role_of(given.name)
    if data is None:  # all that is left of it
        shape = None if given.shape is None else list(given.shape)
        return {"name": given.name, "role": role, "kind": given.kind, "shape": shape}
    if _rows_of(target) != _rows_of(data):
        target = None
    facts = _facts(
        role, data, target, name=given.name, target_name=target_name, statistics=statistics
    )
    return {**facts, **_shared(known, data)}


def _rows_of(data: Any) -> int | None:
    """How many rows it has: several arrays in a list or a dict are the inputs of one model."""
    parts = list(data.values()) if isinstance(data, dict) else data
    if isinstance(parts, list | tuple) and parts and hasattr(parts[0], "shape"):
        return matching.rows(parts[0])
    return matching.rows(data)


def role_of(name: str) -> str:
    """`train`, `validation` or `test`, as the name says; `test` where it says nothing."""
    return role_said(name) or "test"


def role_said(name: str) -> str | None:
    """The role that a name tells; first by what picks the rows: `train.iloc[val_idx][features]`."""
    for rows in _PICKED.findall(name):
        role = _SHORT.get(rows.lower().partition("_")[0]) or _said(rows)
        if role is not None:
            return role
    return _said(name)


def _said(name: str) -> str | None:
    low = name.lower()
    if "train" in low:
        return "train"
    if _VALIDATION.search(name):
        return "validation"
    return "test" if "test" in low else None


# -- rows that were trained on -----------------------------------------------------------------


def _shared(known: Data, data: Any) -> dict[str, int]:
    """How many rows of `data` were trained on; nothing where that is not known."""
    import numpy

    if data is None:
        return {}
    train = _train_rows(known, _width(data))
    rows, whole = (None, False) if train is None else _rows(data, LATER_VALUES // _width(data))
    if train is None or rows is None:
        return {}
    found = {"rows_shared": int(numpy.isin(rows, train).sum())}
    return found if whole else {**found, "rows_compared": len(rows)}


def _small(data: Any) -> bool:
    """Whether shared rows may be counted while a training waits."""
    return data is not None and (matching.rows(data) or 0) * _width(data) <= AT_ONCE_VALUES


def _train_rows(known: Data, width: int) -> Any:
    """Digests of all rows of the training data, if they are known or can still be found out."""
    data = known.train.data() if known.train is not None else None
    if known.whole or known.rows is None or data is None:
        return known.rows if known.whole else None
    if (matching.rows(data) or 0) * width > LATER_VALUES:
        return None
    before, _ = _rows(data, _limit(data))
    if before is None or before.tobytes() != known.rows.tobytes():  # changed since
        return None
    known.rows, known.whole = _rows(data, LATER_VALUES // width)
    return known.rows if known.whole else None


def _warn(run: Run, known: Data, key: str, facts: dict[str, Any]) -> None:
    shared = facts.get("rows_shared")
    if shared and facts["role"] != "train":
        count = facts.get("rows_compared") or facts["shape"][0]
        known.shared[key] = f"{shared} of {count} rows of {key}"
        run.set_tag("rows_shared_with_train", ", ".join(known.shared.values()))
