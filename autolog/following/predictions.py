"""Following predictions: which run a metric that the program computes belongs to.

A prediction is remembered by weak references alone, and a few values of the newest ones, by which
what was made of them is known when they are gone. `finding` tells whose a metric's arguments are.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Reversible
from typing import Any, Literal, NamedTuple, TypeVar

from ..callsite import Site
from ..context import variable
from ..live import Run
from . import matching
from .naming import Given

Item = TypeVar("Item")
Link = Literal["exact", "by value", "probable"]

MOST = 4096
"""Predictions that are remembered at once; the oldest go first."""
MOST_ALIKE = 256
"""Trained models of which copies are recognised."""
RECENT = 64
"""Predictions of which a few values are kept, for what is made of them when they are gone."""
PARTS = 16
"""Arrays of one result (an output each, or a mean and its deviation) that are remembered."""
HELD = 8
"""The newest of them, whose runs are kept when model and output are gone."""


class Prediction:
    """One output of a model: what it was made from, and for as long as that lives, its run.

    `run` is None for the output of a model that no run trained. `total` counts the rows of all
    predictions that follow one another here from the same place, for loops that predict row by row.
    `judged` are the functions by which it was.
    """

    __slots__ = (
        "_output", "_run", "_strides", "given", "judged", "link", "rows", "sample", "shape",
        "site", "total",
    )  # fmt: skip

    def __init__(
        self,
        run: Run | None,
        output: Any,
        given: Given | None,
        link: Link = "exact",
        site: Site | None = None,
    ) -> None:
        self.link = link
        self.site = site
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

    @property
    def maker(self) -> object:
        """What stands for its run, also when that is gone: one object for each run."""
        return self._run

    def output(self, memory: Any) -> Any:
        """The output as it was given; where that is gone, its memory laid out as it was."""
        found = self._output() if self._output is not None else None
        return matching.laid_out(memory, self.shape, self._strides) if found is None else found


class Found(NamedTuple):
    """A prediction, the run whose it is, and how that is known."""

    prediction: Prediction
    run: Run
    link: Link


class KeptOutput(weakref.ref[Any]):
    """A weak reference to the memory of an output; it alone keeps the run alive."""

    __slots__ = ("key", "link", "prediction", "run")

    key: int
    link: Link
    prediction: Prediction
    run: Run | None


_trained: dict[int, KeptOutput] = {}
_strangers: dict[int, KeptOutput] = {}
_alike: OrderedDict[bytes, weakref.ref[Run]] = OrderedDict()
_outputs: OrderedDict[int, KeptOutput] = OrderedDict()
_told_apart: dict[str, Callable[[Any], bytes | None]] = {}
recent: deque[Prediction] = deque(maxlen=RECENT)
_held: deque[Run | None] = deque(maxlen=HELD)
_latest = variable("following.latest_prediction", None)


_own_loop = variable("following.own_loop", None)


def trains_here(run: Run) -> None:
    """Note that the program trains in a loop of its own here, which `run` records.

    What nobody's predictions are judged by belongs to it, probably.
    """
    _own_loop.set(weakref.ref(run))


def training_here() -> Run | None:
    """The run of the loop that the program trains in here, if it has not been forgotten."""
    held = _own_loop.get()
    return None if held is None else held()


def forget() -> None:
    """Forget all models and predictions, when the recording is switched off."""
    _own_loop.set(None)
    for known in (_trained, _strangers, _alike, _outputs, recent, _held):
        known.clear()
    _latest.set(None)


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value)
    except TypeError:  # lists, tuples, None
        return None


# -- models ------------------------------------------------------------------------------------


def trained(model: Any, run: Run, likeness: bytes | None = None) -> None:
    """Note that predictions of this very object belong to `run`, and probably those of its likes.

    `likeness` is a digest that copies of the model share.
    """
    _note_model(_trained, model, run, "exact")
    _strangers.clear()
    if likeness is not None:
        _alike.pop(likeness, None)
        _alike[likeness] = weakref.ref(run)
        if len(_alike) > MOST_ALIKE:
            _drop_oldest(_alike)


def tell_apart(path: str, likeness: Callable[[Any], bytes | None]) -> Callable[[], object]:
    """Have parts of models of the class at `path`, whose state is not Python's to read, known by
    `likeness(part)`; gives what undoes it.
    """
    _told_apart[path] = likeness
    return lambda: _told_apart.pop(path, None)


def known_by(kind: type) -> Callable[[Any], bytes | None] | None:
    """What tells objects of a class from others, where an integration has said it."""
    return _told_apart.get(f"{kind.__module__}.{kind.__qualname__}") if _told_apart else None


def _note_model(known: dict[int, KeptOutput], model: Any, run: Run | None, link: Link) -> None:
    key = id(model)

    def gone(kept: KeptOutput) -> None:
        if known.get(key) is kept:
            del known[key]

    try:
        kept = KeptOutput(model, gone)
    except TypeError:  # an instance of a class with slots
        known.pop(key, None)
        return
    kept.key, kept.run, kept.link = key, run, link
    known[key] = kept


def maker(
    model: Any, likeness: Callable[[Any], bytes | None] | None = None
) -> tuple[Run | None, Link]:
    """The run that trained this very object (`exact`), or one that holds the same (`probable`).

    `likeness(model)` is asked only for a model that was not met before.
    """
    for known in (_trained, _strangers):
        kept = known.get(id(model))
        if kept is not None and kept() is model:
            return kept.run, kept.link
    digest = likeness(model) if _alike and likeness is not None else None
    held = _alike.get(digest or b"")
    run = held() if held is not None else None
    _note_model(_strangers, model, run, "probable")
    return run, "probable"


# -- predictions -------------------------------------------------------------------------------


def remember(
    run: Run | None,
    output: Any,
    given: Given | None,
    link: Link = "exact",
    site: Site | None = None,
) -> None:
    """Note an output of a model, as long as the program keeps its memory.

    `run` is None for a model that no run trained: its outputs are nobody else's then. `link`
    tells how it is known that the model is the run's, `site` where it was asked.
    """
    first, *others = _arrays(output)
    for array in others:
        _keep(array, Prediction(run, array, given), run, link)
    prediction = Prediction(run, first, given, link, site)
    _keep(first, prediction, run, link)
    before = _latest.get()
    if before is not None and _same_place(before, prediction):
        prediction.total += before.total
    recent.append(prediction)
    _held.append(run)
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
        kept = KeptOutput(anchor, _output_gone)
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


def _output_gone(kept: KeptOutput) -> None:
    if _outputs.get(kept.key) is kept:
        _outputs.pop(kept.key, None)


# -- looking through them ----------------------------------------------------------------------


def newest_first(known: Reversible[Item]) -> list[Item]:
    """What a collection holds that other threads may be changing."""
    for _ in range(8):
        try:
            return list(reversed(known))
        except RuntimeError:  # another thread has changed it
            continue
    return []


def living() -> list[KeptOutput]:
    """What is remembered and lives, newest first."""
    return [kept for kept in newest_first(_outputs.values()) if kept() is not None]


def same(value: Any) -> KeptOutput | None:
    """The living prediction that is this very object, or has its memory."""
    kept = _outputs.get(id(value))
    if kept is not None and kept() is value:
        return kept
    memory = matching.owner(value)
    kept = _outputs.get(id(memory)) if memory is not None else None
    return kept if kept is not None and kept() is memory else None


def newest_here() -> Prediction | None:
    """The newest prediction of this thread or task."""
    found: Prediction | None = _latest.get()
    return found
