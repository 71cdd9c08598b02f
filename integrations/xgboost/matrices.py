"""What went into a `DMatrix`: the program's own objects, by the names that it calls them.

xgboost copies the data into a matrix of its own and forgets where they came from. They are
described when the matrix is made, which is what it holds whatever becomes of the objects, and are
known by weak references afterwards.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autolog.data import describe
from autolog.following import datasets, naming
from autolog.following.datasets import Kept
from autolog.following.naming import UNKNOWN, Given
from autolog.integration import Call
from autolog.live import Run

from .arguments import arguments

MOST_DESCRIBED = 32
"""Matrices from one place that are described as they are made; a loop makes thousands."""

_TEST, _TRAIN = re.compile(r"test", re.I), re.compile(r"train", re.I)


class Matrix:
    """What is known of one `DMatrix`: its data, and what else it was told.

    Attributes:
        given: The object that it was made from; None for a part of another matrix.
        facts: What was found in the data; None where they were not described.
        target: The labels, of data that are described only when they are used.
        extra: Further facts: categorical features, groups, the kind of matrix.
    """

    __slots__ = ("__weakref__", "extra", "facts", "given", "target")

    def __init__(self, given: Given | None, facts: dict[str, Any] | None) -> None:
        self.given = given
        self.facts = facts
        self.target: Given | None = None
        self.extra: dict[str, Any] = {}

    def data(self) -> Any:
        """The object that it was made from, while the program keeps it; not a file's name."""
        found = None if self.given is None else self.given.data()
        return found if _is_data(found) else None


_matrices: weakref.WeakKeyDictionary[Any, Matrix] = weakref.WeakKeyDictionary()
_described: dict[str, int] = {}


def forget() -> None:
    """Forget all matrices, when the recording is switched off."""
    _matrices.clear()
    _described.clear()


def is_matrix(value: Any) -> bool:
    """Whether `value` is a matrix of xgboost's."""
    return isinstance(value, getattr(sys.modules.get("xgboost.core"), "DMatrix", ()))


def of(matrix: Any) -> Matrix | None:
    """What is known of a matrix; None where it was made before the recording, or from another."""
    try:
        return _matrices.get(matrix)
    except TypeError:  # no matrix at all
        return None


def made(call: Call, kept: Kept) -> None:
    """Note what a matrix was made from."""
    told = arguments(call)
    data = told.get("data")
    if data is None or isinstance(data, ctypes.c_void_p):  # a part of another matrix
        return
    inside = call.owner is not None
    given = naming.noted(data, UNKNOWN) if inside else _named(call, data)
    facts = None
    if kept.described and not inside and _due(call):
        facts = _describe(call, told, given, kept)
    known = _matrices[call.instance] = Matrix(given, facts)
    if call.instance.__class__.__name__ != "DMatrix":
        known.extra["matrix"] = type(call.instance).__name__
    if inside and told.get("label") is not None:
        known.target = naming.noted(told["label"], UNKNOWN)
    for one in (given, known.target):
        if one is not None and not one.watched:
            one.let_go()


def _named(call: Call, data: Any) -> Given:
    given = naming.given_to(call, "data")
    assert given is not None
    if isinstance(data, str) and not given.name.isidentifier():  # no variable: by its file
        given.name = Path(re.split("[?#]", data)[0]).name or given.name
    return given


def _due(call: Call) -> bool:
    place = str(call.site)
    count = _described[place] = _described.get(place, 0) + 1
    return count <= MOST_DESCRIBED


def _describe(call: Call, told: Mapping[str, Any], given: Given, kept: Kept) -> dict[str, Any]:
    data = told["data"]
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        return {"name": given.name, "kind": "file", "path": str(data)}
    if hasattr(data, "next") and hasattr(data, "reset"):  # a `DataIter`
        return {"name": given.name, "kind": type(data).__name__}
    return describe(
        data,
        told.get("label"),
        weight=told.get("weight"),
        name=given.name,
        target_name=naming.told(call, "label") if told.get("label") is not None else None,
        weight_name=naming.told(call, "weight") if told.get("weight") is not None else None,
        statistics=kept.statistics,
    )


def amended(call: Call, kept: Kept) -> None:
    """Note labels or weights that a matrix is given later."""
    known = of(call.instance)
    if known is None or known.facts is None:
        return
    field = {"set_label": "label", "set_weight": "weight"}[call.function.__name__]
    value = call.arg(field)
    if value is None:
        return
    name = naming.told(call, field)
    part = {"label": "target", "weight": "weight"}[field]
    own = {"target_name": name} if part == "target" else {"weight": value, "weight_name": name}
    target = value if part == "target" else None
    found = describe([], target, statistics=kept.statistics, **own)
    known.facts = {**known.facts, part: found[part]}


# -- as datasets of a run ------------------------------------------------------------------------


def trained_on(run: Run, matrix: Any, kept: Kept, variable: str) -> None:
    """Record the data of a training's matrix; `variable` is how the program calls the matrix."""
    known = _known(matrix, variable)
    given = known.given
    assert given is not None
    if datasets.of(run).train is not None:  # an outer training has told it
        found = _extra(known, matrix)
        datasets.add(run, {k: v for k, v in found.items() if k in ("groups", "categorical")})
        return
    datasets.trained_on(
        run, given, kept, facts=_facts(known, matrix, "train", kept), extra=_extra(known, matrix)
    )


def given_of(matrix: Any, name: str) -> Given | None:
    """The data of a matrix, which is called `name` where nothing else is known of it."""
    return _known(matrix, name).given


def evaluated(
    run: Run,
    matrix: Any,
    kept: Kept,
    *,
    name: str,
    place: int,
    train: Any,
    variable: str = UNKNOWN,
) -> None:
    """Record the data of an eval set, unless they are those of the training."""
    known = _known(matrix, variable)
    given = known.given
    assert given is not None
    if given.name == UNKNOWN:
        given.name = name
    if matrix is train or datasets.of(run).train is given or datasets.knows(run, given):
        return
    role = role_of(name)
    extra = {**_extra(known, matrix), "eval_name": name, "position": place}
    datasets.key_of(
        run, given, kept, role=role, facts=_facts(known, matrix, role, kept), extra=extra
    )


def role_of(name: str) -> str:
    """`train`, `test` or, as evaluated while it trains, `validation`: by the eval set's name."""
    if _TRAIN.search(name):
        return "train"
    return "test" if _TEST.search(name) else "validation"


def _known(matrix: Any, variable: str) -> Matrix:
    """What is known of a matrix; of one that was met first in a training, what it says itself."""
    known = of(matrix)
    if known is None:
        known = _matrices[matrix] = Matrix(None, None)
    if known.given is None:
        known.given = naming.noted(matrix, variable)
    elif variable != UNKNOWN and (known.given.name == UNKNOWN or _better(variable, known.given)):
        known.given.name = variable
    return known


def _better(variable: str, given: Given) -> bool:
    """Whether a matrix's variable names its data rather than the text of a call that made them."""
    return "(" in given.name and variable.isidentifier()


def _facts(known: Matrix, matrix: Any, role: str, kept: Kept) -> dict[str, Any] | None:
    """The facts of the data; of the matrix alone where the data were not described and are gone."""
    if not kept.described:
        return None
    given = known.given
    assert given is not None
    facts = known.facts
    if facts is None and _is_data(given.data()):  # they are alive, and are described now
        facts = _described_now(known, given, kept)
    facts = facts or {"kind": type(matrix).__name__}
    if "shape" not in facts:
        facts = {**facts, "shape": [matrix.num_row(), matrix.num_col()]}
    return {**facts, "name": given.name, "role": role}


def _described_now(known: Matrix, given: Given, kept: Kept) -> dict[str, Any]:
    target = known.target.data() if known.target is not None else None
    name = None if known.target is None or known.target.name == UNKNOWN else known.target.name
    return describe(
        given.data(), target, name=given.name, target_name=name, statistics=kept.statistics
    )


def _is_data(value: Any) -> bool:
    kinds = (str, os.PathLike)
    return value is not None and not (
        isinstance(value, kinds) or is_matrix(value) or hasattr(value, "next")
    )


def _extra(known: Matrix, matrix: Any) -> dict[str, Any]:
    """Groups of a ranking and categorical features, which the matrix itself knows."""
    found = dict(known.extra)
    groups = len(matrix.get_uint_info("group_ptr")) - 1
    if groups > 0:
        found["groups"] = groups
    types = matrix.feature_types or ()
    categorical = [i for i, kind in enumerate(types) if kind == "c"]
    if categorical:
        names = matrix.feature_names or ()
        found["categorical"] = [names[i] if i < len(names) else i for i in categorical]
    return found
