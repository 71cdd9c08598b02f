"""Following predictions: which run a metric that the program computes belongs to.

A prediction is remembered by weak references alone. What a metric is given is told to be one by, in
this order: the same object or the same live memory (`exact`); equality with one that still lives,
its argmax, a column, a threshold or a contiguous part of it (`by value`); the newest prediction
here with as many rows (`probable`).
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any, Literal, NamedTuple

from autolog.context import variable
from autolog.live import Run

from . import likeness as alike
from . import matching
from .naming import Given

Link = Literal["exact", "by value", "probable"]

MOST = 4096
"""Predictions that are remembered at once; the oldest go first."""
MOST_ALIKE = 256
"""Trained models of which copies are recognised."""
COMPARED = 16
"""Live predictions, newest first, that an unknown array is compared with."""
PARTS = 16
"""Arrays of one result (an output each, or a mean and its deviation) that are remembered."""


class Prediction:
    """One output of a model: what it was made from, and for as long as that lives, its run.

    `run` is None for the output of a model that no run trained. `total` counts the rows of all
    predictions that follow one another here from the same place, for loops that predict row by row.
    """

    __slots__ = ("_output", "_run", "_strides", "given", "rows", "shape", "total")

    def __init__(self, run: Run | None, output: Any, given: Given | None) -> None:
        self._run = None if run is None else weakref.ref(run)
        self._output = _weak(output)
        self.given = given
        self.shape = getattr(output, "shape", None)
        self._strides = getattr(output, "strides", None)
        self.rows = matching.rows(output)
        self.total = self.rows or 0

    @property
    def run(self) -> Run | None:
        """Its run; None for none, or where nothing of the training lives any more."""
        return None if self._run is None else self._run()

    def output(self, memory: Any) -> Any:
        """The output as it was given; where that is gone, its memory laid out as it was."""
        found = self._output() if self._output is not None else None
        return matching.laid_out(memory, self.shape, self._strides) if found is None else found


class Found(NamedTuple):
    """A prediction, the run whose it is, and how that is known."""

    prediction: Prediction
    run: Run
    link: Link


class _Kept(weakref.ref[Any]):
    """A weak reference to the memory of an output; it alone keeps the run alive."""

    __slots__ = ("key", "link", "prediction", "run")

    key: int
    link: Link
    prediction: Prediction
    run: Run | None


_trained: dict[int, _Kept] = {}
_strangers: dict[int, _Kept] = {}
_alike: OrderedDict[bytes, weakref.ref[Run]] = OrderedDict()
_outputs: OrderedDict[int, _Kept] = OrderedDict()
_latest = variable("sklearn.latest_prediction", None)


def forget() -> None:
    """Forget all models and predictions, when the recording is switched off."""
    for known in (_trained, _strangers, _alike, _outputs):
        known.clear()
    _latest.set(None)


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value)
    except TypeError:  # lists, tuples, None
        return None


# -- models ------------------------------------------------------------------------------------


def trained(estimator: Any, run: Run, *, copies: bool = True) -> None:
    """Note that predictions of this very object belong to `run`, those of copies probably."""
    _note_model(_trained, estimator, run, "exact")
    _strangers.clear()
    likeness = alike.of(estimator) if copies else None
    if likeness is not None:
        _alike.pop(likeness, None)
        _alike[likeness] = weakref.ref(run)
        if len(_alike) > MOST_ALIKE:
            _drop_oldest(_alike)


def _note_model(known: dict[int, _Kept], estimator: Any, run: Run | None, link: Link) -> None:
    key = id(estimator)

    def gone(kept: _Kept) -> None:
        if known.get(key) is kept:
            del known[key]

    try:
        kept = _Kept(estimator, gone)
    except TypeError:  # an instance of a class with slots
        known.pop(key, None)
        return
    kept.key, kept.run, kept.link = key, run, link
    known[key] = kept


def maker(estimator: Any) -> tuple[Run | None, Link]:
    """The run that trained this very object (`exact`), or one that holds the same (`probable`)."""
    for known in (_trained, _strangers):
        kept = known.get(id(estimator))
        if kept is not None and kept() is estimator:
            return kept.run, kept.link
    held = _alike.get(alike.of(estimator) or b"") if _alike else None
    run = held() if held is not None else None
    _note_model(_strangers, estimator, run, "probable")
    return run, "probable"


# -- predictions -------------------------------------------------------------------------------


def remember(run: Run | None, output: Any, given: Given | None, link: Link = "exact") -> None:
    """Note an output of a model, as long as the program keeps its memory.

    `run` is None for a model that no run trained: its outputs are nobody else's then. `link`
    tells how it is known that the model is the run's.
    """
    first, *others = _arrays(output)
    for array in others:
        _keep(array, Prediction(run, array, given), run, link)
    prediction = Prediction(run, first, given)
    _keep(first, prediction, run, link)
    before = _latest.get()
    if before is not None and _same_place(before, prediction):
        prediction.total += before.total
    _latest.set(prediction)


def _arrays(output: Any) -> list[Any]:
    """An output, or the arrays that it is a list of: one for each target, or mean and deviation."""
    if type(output) not in (list, tuple):
        return [output]
    return [part for part in output[:PARTS] if getattr(part, "ndim", 0)] or [output]


def derive(output: Any, found: Found) -> None:
    """Note that `output` was computed from a prediction that was found (the points of a curve)."""
    if hasattr(output, "shape"):
        _keep(output, found.prediction, found.run, found.link)


def _same_place(before: Prediction, now: Prediction) -> bool:
    if before._run is None or before._run is not now._run:
        return False
    one, two = before.given, now.given
    return one is not None and two is not None and one.name == two.name


def _keep(output: Any, prediction: Prediction, run: Run | None, link: Link) -> None:
    """The whole memory of an output lives in its views too; a part of another's only in itself."""
    memory = matching.owner(output)
    anchor = output if memory is None or memory.size != output.size else memory
    try:
        kept = _Kept(anchor, _output_gone)
    except TypeError:
        return
    kept.key, kept.prediction, kept.run, kept.link = id(anchor), prediction, run, link
    _outputs.pop(kept.key, None)
    _outputs[kept.key] = kept
    if len(_outputs) > MOST:
        _drop_oldest(_outputs)


def _drop_oldest(known: OrderedDict[Any, Any]) -> None:
    try:
        known.popitem(last=False)
    except KeyError:  # another thread has emptied it
        return


def _output_gone(kept: _Kept) -> None:
    if _outputs.get(kept.key) is kept:
        _outputs.pop(kept.key, None)


# -- finding them again ------------------------------------------------------------------------


def find(value: Any, *, exactly: bool = False) -> Found | None:
    """The prediction of a recorded model that `value` is, or was made from.

    With `exactly` only by identity and memory. What is known to come from a model that no run
    trained is at best a probable copy.
    """
    if type(value) in (list, tuple) and len(value) and getattr(value[0], "ndim", 0):
        value = value[0]  # one array for each output
    kept = _same(value)
    if kept is not None and kept.run is not None:
        return Found(kept.prediction, kept.run, kept.link)
    if exactly:
        return None
    equal = _equal(value)
    if equal is None:
        return None if kept is not None else _newest(matching.rows(value))
    return equal._replace(link="probable") if kept is not None else equal


def _same(value: Any) -> _Kept | None:
    kept = _outputs.get(id(value))
    if kept is not None and kept() is value:
        return kept
    memory = matching.owner(value)
    kept = _outputs.get(id(memory)) if memory is not None else None
    return kept if kept is not None and kept() is memory else None


def _equal(value: Any) -> Found | None:
    """The live prediction that `value` comes from by what it holds, the closest kin first."""
    count = matching.rows(value)
    near = [kept for kept in _living() if count and (kept.prediction.rows or 0) >= count]
    array = matching.comparable(value) if near else None
    if array is None:
        return None
    kin: list[tuple[int, _Kept]] = []
    for kept in near[:COMPARED]:
        output = matching.comparable(kept.prediction.output(kept()))
        classes = None if kept.run is None else kept.run.state.get("classes")
        level = None if output is None else matching.kinship(array, output, classes)
        if level is not None:
            kin.append((level, kept))
    least = min((level for level, _ in kin), default=None)
    closest = [kept for level, kept in kin if level == least]
    return _by_value(closest, matching.telling(array, len(near))) if closest else None


def _by_value(kin: list[_Kept], telling: bool) -> Found | None:
    runs = {id(kept.run) for kept in kin}
    for kept in kin:
        if kept.run is not None:
            sure = telling and len(runs) == 1 and kept.link != "probable"
            return Found(kept.prediction, kept.run, "by value" if sure else "probable")
    return None


def _living() -> list[_Kept]:
    """What is remembered, newest first."""
    for _ in range(8):
        try:
            return [kept for kept in reversed(_outputs.values()) if kept() is not None]
        except RuntimeError:  # another thread has changed it
            continue
    return []


def _newest(count: int | None) -> Found | None:
    """The newest prediction of this thread or task, if it, or its loop, has `count` rows."""
    prediction: Prediction | None = _latest.get()
    run = prediction.run if prediction is not None else None
    if prediction is None or run is None or count is None:
        return None
    if count not in (prediction.rows, prediction.total):
        return None
    return Found(prediction, run, "probable")
