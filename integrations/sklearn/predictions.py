"""Following predictions: which run a metric that the program computes belongs to.

A prediction is remembered by weak references alone. What a metric is given is told to be one by, in
this order: the same object or the same live memory (`exact`); equality with one that still lives,
its argmax, a threshold or a contiguous part of it (`by value`); the newest prediction here with as
many rows (`probable`).
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from autolog.context import variable
from autolog.live import Run

from . import matching

Link = str
MOST = 4096
"""Predictions that are remembered at once; the oldest go first."""
COMPARED = 16
"""Live predictions, newest first, that an unknown array is compared with."""


class Prediction:
    """One output of a model: whose it is, and what it was made from."""

    __slots__ = ("__weakref__", "classes", "data", "data_name", "output", "rows", "run")

    def __init__(self, run: Run, output: Any, data: Any, data_name: str, classes: Any) -> None:
        self.run = run
        self.output = _weak(output)
        self.data = _weak(data)
        self.data_name = data_name
        self.rows = matching.rows(output)
        self.classes = classes


_trained: dict[int, tuple[weakref.ref[Any], Run]] = {}
_outputs: OrderedDict[int, Prediction] = OrderedDict()
_owners: dict[int, weakref.ref[Prediction]] = {}
_latest = variable("sklearn.latest_prediction", None)


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value)
    except TypeError:  # lists, tuples, None
        return None


def trained(estimator: Any, run: Run) -> None:
    """Note that predictions of this very object belong to `run`."""
    key = id(estimator)
    try:
        _trained[key] = (weakref.ref(estimator, lambda _: _trained.pop(key, None)), run)
    except TypeError:  # an instance of a class with slots
        _trained.pop(key, None)


def run_of(estimator: Any) -> Run | None:
    """The run that trained this very object."""
    found = _trained.get(id(estimator))
    return found[1] if found is not None and found[0]() is estimator else None


def remember(run: Run, output: Any, data: Any, data_name: str, classes: Any = None) -> None:
    """Note an output of a model of `run`, as long as the program keeps it."""
    prediction = Prediction(run, output, data, data_name, classes)
    if prediction.output is None:
        return
    key = id(output)
    _outputs.pop(key, None)
    _outputs[key] = prediction
    weakref.finalize(output, _outputs.pop, key, None).atexit = False
    owner = matching.owner(output)
    if owner is not None and owner is not output:
        _owners[id(owner)] = weakref.ref(prediction)
    if len(_outputs) > MOST:
        _outputs.popitem(last=False)
    _latest.set(weakref.ref(prediction))


def find(value: Any) -> tuple[Prediction, Link] | None:
    """The prediction that `value` is, or was made from, and how that is known."""
    same = _same(value)
    if same is not None:
        return same, "exact"
    equal = list(_equal(value))
    if equal:
        runs = {prediction.run.id for prediction in equal}
        return equal[0], "by value" if len(runs) == 1 else "probable"
    return None


def newest(count: int | None) -> tuple[Prediction, Link] | None:
    """The newest prediction of this thread or task, if it has `count` rows."""
    held = _latest.get()
    prediction = held() if held is not None else None
    if prediction is None or count is None or prediction.rows != count:
        return None
    return prediction, "probable"


def _same(value: Any) -> Prediction | None:
    found = _outputs.get(id(value))
    if found is not None and found.output is not None and found.output() is value:
        return found
    owner = matching.owner(value)
    if owner is None:
        return None
    found = _outputs.get(id(owner))
    if found is not None and found.output is not None and found.output() is owner:
        return found
    held = _owners.get(id(owner))
    made = held() if held is not None else None
    output = made.output() if made is not None and made.output is not None else None
    return made if output is not None and matching.owner(output) is owner else None


def _equal(value: Any) -> Iterator[Prediction]:
    """Live predictions that `value` can be told to come from by what it holds."""
    numpy = sys.modules.get("numpy")
    array = matching.small_array(numpy, value)
    if array is None:
        return
    for prediction in list(reversed(_outputs.values()))[:COMPARED]:
        output = prediction.output() if prediction.output is not None else None
        held = matching.small_array(numpy, output)
        if held is not None and matching.made_from(numpy, array, held, prediction.classes):
            yield prediction
