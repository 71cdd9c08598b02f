"""Following predictions: which run a metric that the program computes belongs to.

A prediction is remembered by weak references alone. What a metric is given is told to be one by, in
this order: the same object or the same live memory (`exact`); equality with one that still lives,
its argmax, a column, a threshold or a contiguous part of it (`by value`); the newest prediction
here with as many rows (`probable`).
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, deque
from collections.abc import Reversible
from typing import Any, Literal, NamedTuple, TypeVar

from autolog.context import variable
from autolog.live import Run

from . import likeness as alike
from . import matching
from .naming import Given

Item = TypeVar("Item")
Link = Literal["exact", "by value", "probable"]

MOST = 4096
"""Predictions that are remembered at once; the oldest go first."""
MOST_ALIKE = 256
"""Trained models of which copies are recognised."""
COMPARED = 16
"""Live predictions, newest first, that an unknown array is compared with."""
RECENT = 64
"""Predictions of which a few values are kept, for what is made of them when they are gone."""
PARTS = 16
"""Arrays of one result (an output each, or a mean and its deviation) that are remembered."""


class Prediction:
    """One output of a model: what it was made from, and for as long as that lives, its run.

    `run` is None for the output of a model that no run trained. `total` counts the rows of all
    predictions that follow one another here from the same place, for loops that predict row by row.
    `judged` are the functions by which it was.
    """

    __slots__ = (
        "_output", "_run", "_strides", "given", "judged", "link", "rows", "sample", "shape",
        "total",
    )  # fmt: skip

    def __init__(
        self, run: Run | None, output: Any, given: Given | None, link: Link = "exact"
    ) -> None:
        self.link = link
        self._run = None if run is None else weakref.ref(run)
        self._output = _weak(output)
        self.given = given
        self.shape = getattr(output, "shape", None)
        self._strides = getattr(output, "strides", None)
        self.rows = matching.rows(output)
        self.total = self.rows or 0
        self.sample = matching.sample(output)
        self.judged: set[str] = set()

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
_recent: deque[Prediction] = deque(maxlen=RECENT)
_latest = variable("sklearn.latest_prediction", None)


def forget() -> None:
    """Forget all models and predictions, when the recording is switched off."""
    for known in (_trained, _strangers, _alike, _outputs, _recent):
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
    prediction = Prediction(run, first, given, link)
    _keep(first, prediction, run, link)
    before = _latest.get()
    if before is not None and _same_place(before, prediction):
        prediction.total += before.total
    _recent.append(prediction)
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


def find(value: Any, judge: str, *, exactly: bool = False) -> Found | None:
    """The prediction of a recorded model that `value`, which `judge` is given, is or was made from.

    With `exactly` only by identity and memory. What is known to come from a model that no run
    trained is at best a probable copy.
    """
    if type(value) in (list, tuple) and len(value) and getattr(value[0], "ndim", 0):
        value = value[0]  # one array for each output
    kept = _same(value)
    found = None
    if kept is not None and kept.run is not None:
        found = Found(kept.prediction, kept.run, kept.link)
    elif not exactly:
        found = _by_what_it_holds(value, judge, known=kept is not None)
    if found is not None:
        found.prediction.judged.add(judge)
    return found


def _by_what_it_holds(value: Any, judge: str, *, known: bool) -> Found | None:
    """By comparing it with what was predicted; `known` to be the output of somebody else."""
    count = matching.rows(value)
    living = [kept for kept in _living() if count and (kept.prediction.rows or 0) >= count]
    array = matching.comparable(value)
    kin = [] if array is None else _kin(array, living[:COMPARED])
    if not kin and array is not None and not known:
        kin = _gone_kin(array, living[:COMPARED])
    if kin:
        found = _closest(kin, judge, matching.telling(array, len(living)))
        return found._replace(link="probable") if found is not None and known else found
    return None if known else _newest(count, array, living)


def _same(value: Any) -> _Kept | None:
    kept = _outputs.get(id(value))
    if kept is not None and kept() is value:
        return kept
    memory = matching.owner(value)
    kept = _outputs.get(id(memory)) if memory is not None else None
    return kept if kept is not None and kept() is memory else None


class _Kin(NamedTuple):
    """A prediction that something may be made of, and how: a kinship, and whether that is sure."""

    level: int
    prediction: Prediction
    run: Run | None
    sure: bool


def _kin(array: Any, near: list[_Kept]) -> list[_Kin]:
    """The live predictions that `array` comes from by what it holds."""
    found = []
    for kept in near:
        output = matching.comparable(kept.prediction.output(kept()))
        level = None if output is None else matching.kinship(array, output, _classes(kept.run))
        if level is not None:
            sure = level < matching.ORDERED and kept.link != "probable"
            found.append(_Kin(level, kept.prediction, kept.run, sure))
    return found


def _gone_kin(array: Any, compared: list[_Kept]) -> list[_Kin]:
    """The same for those that are gone, by the few values that are left of them."""
    known = {id(kept.prediction) for kept in compared}
    others = [p for p in _newest_first(_recent) if p.rows == len(array) and id(p) not in known]
    found = []
    for prediction in others[:COMPARED]:
        sample = prediction.sample
        if sample is None:
            continue
        taken = sample.of(array)
        level = matching.kinship(taken, sample.values, _classes(prediction.run))
        if level is not None and not matching.constant(taken):
            enough = sample.whole or matching.continuous(sample.values)
            sure = level < matching.ORDERED and enough and prediction.link != "probable"
            found.append(_Kin(level, prediction, prediction.run, sure))
    return found


def _classes(run: Run | None) -> Any:
    return None if run is None else run.state.get("classes")


def _closest(kin: list[_Kin], judge: str, telling: bool) -> Found | None:
    """The closest, sure where all the closest are one run's.

    Else the newest of those that the same function was not given yet: a loop goes over them.
    """
    least = min(one.level for one in kin)
    closest = [one for one in kin if one.level == least]
    single = len({id(one.run) for one in closest}) == 1
    for one in sorted(closest, key=lambda one: judge in one.prediction.judged):
        if one.run is not None:
            sure = telling and single and one.sure
            return Found(one.prediction, one.run, "by value" if sure else "probable")
    return None


def _living() -> list[_Kept]:
    """What is remembered and lives, newest first."""
    return [kept for kept in _newest_first(_outputs.values()) if kept() is not None]


def _newest_first(known: Reversible[Item]) -> list[Item]:
    for _ in range(8):
        try:
            return list(reversed(known))
        except RuntimeError:  # another thread has changed it
            continue
    return []


def _newest(count: int | None, array: Any, living: list[_Kept]) -> Found | None:
    """The newest prediction of this thread or task, if it, or its loop, has `count` rows.

    Not where the values speak against it (a baseline, a mean of several models), nor where
    predictions of other runs may be meant as well.
    """
    prediction: Prediction | None = _latest.get()
    run = prediction.run if prediction is not None else None
    if prediction is None or run is None or count is None:
        return None
    if count not in (prediction.rows, prediction.total):
        return None
    if count == prediction.rows and not _may_be(prediction, run, array, living):
        return None
    return Found(prediction, run, "probable")


def _may_be(prediction: Prediction, run: Run, array: Any, living: list[_Kept]) -> bool:
    """Whether `array`, of no known kin, may still be made of the prediction."""
    if array is not None and array.ndim == 1:
        if matching.constant(array):  # all on one side of a threshold; a mean is a baseline
            return bool(array.dtype.kind != "f" or array[0] == int(array[0]))
        shape = prediction.shape or ()
        if shape[1:] in ((), (1,), (2,)) and prediction.sample is not None:
            return False
    alive = {id(kept.prediction) for kept in living}
    return not any(
        other.rows == prediction.rows and other.run not in (None, run)
        and (not other.judged or id(other) in alive)
        for other in _newest_first(_recent)
    )  # fmt: skip
