"""Which of the program's own objects went into a `Dataset`, and what it calls them.

LightGBM lets raw data go as soon as it has binned them, and by then the labels are copies. So they
are remembered, by weak references, when the `Dataset` is made.
"""

from __future__ import annotations

import hashlib
import sys
import weakref
from pathlib import Path
from typing import Any

from autolog.following import Given, given_to, naming
from autolog.following import datasets as described
from autolog.integration import Call
from autolog.live import Run

PARTS = ("label", "weight", "group", "init_score", "position")
DIGESTED = 8_000_000
"""Bytes of a file beyond which its content is not read."""


class Part:
    """A label, weights or the like: the program's own object for as long as it lives."""

    __slots__ = ("_ref", "name")

    def __init__(self, value: Any, name: str | None) -> None:
        self.name = name
        try:
            self._ref: weakref.ref[Any] | None = weakref.ref(value)
        except TypeError:
            self._ref = None

    def value(self) -> Any:
        """The object; None where it is gone, or is a list."""
        return None if self._ref is None else self._ref()


class Made:
    """What a `Dataset` was made of.

    Attributes:
        given: The data; None where they are a file, or rows of another `Dataset`.
        parts: Its label, weight, group, … where they were given.
        told: Names of categorical features and the like, as they were given.
    """

    def __init__(self, given: Given | None, parts: dict[str, Part], told: dict[str, Any]) -> None:
        self.given = given
        self.parts = parts
        self.told = told


_made: weakref.WeakKeyDictionary[Any, Made] = weakref.WeakKeyDictionary()


def forget() -> None:
    """Forget all of them, when the recording is switched off."""
    _made.clear()


def remember(call: Call) -> None:
    """Note what a `Dataset` is made of, from the call of its constructor."""
    data = call.arg("data")
    given = None
    if data is not None and not isinstance(data, str | Path):
        given = given_to(call, "data")
        if given is not None and not given.watched:
            given.let_go()
    parts = {
        name: Part(call.arg(name), naming.told(call, name))
        for name in PARTS
        if call.arg(name) is not None
    }
    told = {
        name: call.arg(name)
        for name in ("categorical_feature", "feature_name")
        if call.arg(name, "auto") not in ("auto", None)
    }
    _made[call.instance] = Made(given, parts, told)


class View:
    """A `Dataset` as it stands, with what is known of its making."""

    def __init__(self, dataset: Any, name: str) -> None:
        self._held = vars(dataset)
        self._dataset = dataset
        self._made = _made.get(dataset) or Made(None, {}, {})
        self._name = name

    def given(self) -> tuple[Given, dict[str, Any] | None]:
        """Its data under the name that the program has for them; facts where they cannot be read.

        What stands for data that are no object of the program's own is the `Dataset`.
        """
        known, raw = self._made.given, self._held.get("data")
        name = self._name if known is None or known.name == naming.UNKNOWN else known.name
        if isinstance(raw, str | Path):
            facts = _file(str(raw))
            return Given(self._dataset, Path(str(raw)).name), facts
        data = raw if known is None or known.data() is None else known.data()
        if data is None:
            return Given(self._dataset, name), self._form(known)
        given = known if known is not None and known.data() is not None else Given(data, name)
        return given, {"kind": type(data).__name__} if _is_paged(data) else None

    def _form(self, known: Given | None) -> dict[str, Any]:
        """All that can be told of data that are gone, or are rows of other data."""
        rows = self._held.get("used_indices")
        if rows is not None:
            return {"kind": "subset", **self._rows(rows)}
        kind, shape = (known.kind, known.shape) if known is not None else ("Dataset", None)
        return {"kind": kind, "shape": None if shape is None else list(shape)}

    def _rows(self, rows: Any) -> dict[str, Any]:
        import numpy

        digest = hashlib.sha256(numpy.asarray(rows, "<i8").tobytes()).hexdigest()[:16]
        whole = self._held.get("reference")
        name = None if whole is None else View(whole, naming.UNKNOWN).given()[0].name
        return {"subset_of": name, "rows_digest": digest}

    def part(self, name: str) -> Any:
        """The label or the like: the program's own where it lives, else LightGBM's."""
        known = self._made.parts.get(name)
        own = None if known is None else known.value()
        return self._held.get(name) if own is None else own

    def part_name(self, name: str) -> str | None:
        """What the program calls it."""
        known = self._made.parts.get(name)
        return None if known is None else known.name

    def extra(self) -> dict[str, Any]:
        """Facts beside data, target and weight."""
        found: dict[str, Any] = {}
        for name in ("group", "init_score", "position"):
            value = self.part(name)
            if value is not None:
                found[name] = _brief(value, self.part_name(name))
        told = self._made.told
        if "categorical_feature" in told:
            found["categorical_feature"] = told["categorical_feature"]
        return found


def _brief(value: Any, name: str | None) -> dict[str, Any]:
    """Name and form of groups, scores to begin with and positions."""
    shape = getattr(value, "shape", None)
    length = list(map(int, shape)) if isinstance(shape, tuple) else _length(value)
    return {"name": name, "kind": type(value).__name__, "shape": length}


def _length(value: Any) -> list[int] | None:
    return [len(value)] if hasattr(type(value), "__len__") else None


def _file(path: str) -> dict[str, Any]:
    """A file by its path, size and, where it is not large, content."""
    facts: dict[str, Any] = {"kind": "file", "path": path}
    try:
        facts["bytes"] = Path(path).stat().st_size
        if facts["bytes"] <= DIGESTED:
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            facts["digest"] = f"file-v1:{digest}"
    except OSError:  # LightGBM will say so
        pass
    return facts


# -- recording ---------------------------------------------------------------------------------


def trained_on(run: Run, dataset: Any, kept: described.Kept, variable: str) -> None:
    """Record the training data, as they are before the training."""
    view = View(dataset, variable)
    given, facts = view.given()
    facts = None if facts is None else {"name": given.name, "role": "train", **facts}
    extra = {**view.extra(), **_labelled(view, facts)}
    described.trained_on(
        run,
        given,
        kept,
        target=view.part("label"),
        target_name=view.part_name("label"),
        weight=view.part("weight"),
        weight_name=view.part_name("weight"),
        facts=facts,
        extra=extra,
    )
    _wait(run, dataset, given, facts, extra, kept)


def evaluated_on(
    run: Run, dataset: Any, kept: described.Kept, valid_name: str, named: bool, variable: str
) -> None:
    """Record data that are evaluated on by round, with the name that LightGBM has for them."""
    view = View(dataset, variable)
    given, facts = view.given()
    role = role_of(valid_name if named else "", given.name)
    facts = None if facts is None else {"name": given.name, "role": role, **facts}
    extra = {**view.extra(), **_labelled(view, facts), "valid_name": valid_name}
    described.key_of(
        run,
        given,
        kept,
        view.part("label"),
        view.part_name("label"),
        role,
        facts=facts,
        extra=extra,
    )
    _wait(run, dataset, given, facts, extra, kept)
    given.let_go()


def _labelled(view: View, facts: dict[str, Any] | None) -> dict[str, Any]:
    """The target's name, where the data are not described with it."""
    name = None if facts is None else view.part_name("label")
    return {} if name is None else {"target": {"name": name}}


PENDING = "lightgbm.pending"


def _wait(
    run: Run, dataset: Any, given: Given, facts: Any, extra: dict[str, Any], kept: described.Kept
) -> None:
    """Note data whose form LightGBM finds out when it reads them."""
    key = described.of(run).keys.get(given)
    if facts is not None and key is not None and kept.described and not run.light:
        waiting = run.state.setdefault(PENDING, [])
        waiting.append((key, weakref.ref(dataset), {**facts, **extra}))


def complete(run: Run) -> None:
    """Add the form of such data, when the training is over."""
    for key, ref, facts in run.state.pop(PENDING, ()):
        dataset = ref()
        if dataset is not None and vars(dataset).get("_handle") is not None:
            shape = [dataset.num_data(), dataset.num_feature()]
            run.fact("dataset", key, {**facts, "shape": shape})


def _is_paged(data: Any) -> bool:
    """Whether data come piece by piece: from a `Sequence`, or as a list of arrays."""
    kind = getattr(sys.modules["lightgbm.basic"], "Sequence", ())
    first = data[0] if isinstance(data, list) and data else data
    return isinstance(first, kind) or (first is not data and getattr(first, "ndim", 0) == 2)


def role_of(*names: str) -> str:
    """`train`, `validation` or `test` as the first of the names says that says it."""
    for name in names:
        role = described.role_said(name) or ("validation" if name[:4].lower() == "eval" else None)
        if role is not None:
            return role
    return "validation"


def valid_sets(call: Call) -> list[tuple[Any, str, bool]]:
    """The sets that a training is evaluated on: each with LightGBM's name, and if it was given."""
    sets, names = call.arg("valid_sets"), call.arg("valid_names")
    sets = sets if isinstance(sets, list | tuple) else [] if sets is None else [sets]
    names = [names] if isinstance(names, str) else list(names or ())
    found = []
    for i, one in enumerate(sets):
        given = i < len(names)
        default = "training" if one is call.arg("train_set") else f"valid_{i}"
        found.append((one, str(names[i]) if given else default, given))
    return found


# -- the arguments of a `fit` --------------------------------------------------------------------


def eval_sets(call: Call) -> list[tuple[Any, Any, str, str | None]]:
    """Data and target of each set that a `fit` is given, and what the program calls them."""
    pairs = call.arg("eval_set")
    if pairs is None and call.arg("eval_X") is not None:
        return _apart(call)
    if isinstance(pairs, tuple) and len(pairs) == 2:
        names = [tuple(naming.names_of_items(call, "eval_set", 2))]
        pairs = [pairs]
    elif isinstance(pairs, list):
        names = [*naming.names_of_pairs(call, "eval_set", len(pairs))]
    else:
        return []
    return [
        (*pair, name, _known(target))
        for pair, (name, target) in zip(pairs, names, strict=True)
        if isinstance(pair, tuple | list) and len(pair) == 2
    ]


def _apart(call: Call) -> list[tuple[Any, Any, str, str | None]]:
    """The same where data and targets are arguments of their own (4.7 on)."""
    data, targets = call.arg("eval_X"), call.arg("eval_y")
    if not isinstance(data, tuple):
        name = naming.told(call, "eval_X") or naming.UNKNOWN
        return [(data, targets, name, naming.told(call, "eval_y"))]
    count = len(data)
    names, labels = (naming.names_of_items(call, name, count) for name in ("eval_X", "eval_y"))
    values = targets if isinstance(targets, tuple) and len(targets) == count else [None] * count
    each = zip(data, values, names, map(_known, labels), strict=True)
    return [*each]


def _known(name: str) -> str | None:
    return None if name == naming.UNKNOWN else name


def fit_data(run: Run, call: Call, kept: described.Kept) -> None:
    """The sets that a `fit` is evaluated on, under the names that LightGBM has for them."""
    given_names = call.arg("eval_names")
    names = given_names if isinstance(given_names, list) else []
    for i, (x, y, name, target) in enumerate(eval_sets(call)):
        named = i < len(names)
        valid_name = str(names[i]) if named else f"valid_{i}"
        if x is call.arg("X"):
            continue
        given = naming.noted(x, valid_name if name == naming.UNKNOWN else name)
        role = role_of(valid_name if named else "", given.name)
        extra = {"valid_name": valid_name}
        described.key_of(run, given, kept, y, target, role, extra=extra)
        given.let_go()
