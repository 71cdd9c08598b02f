"""Whose prediction a metric is given: told by what it is, and by what it holds.

In this order: the same object or the same live memory (`exact`); equality with a prediction, or
what is surely made of one (`by value`); what rises or falls with one, or the newest here with as
many rows where nothing speaks against it (`probable`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..callsite import Site
from ..integration import Call
from ..live import Run
from . import matching, predictions
from .predictions import Found, KeptOutput, Prediction, newest_first

COMPARED = 16
"""Predictions, newest first, that an unknown array is compared with; as many that are gone."""

PATIENCE = 64
"""Searches in a row at one place that found nothing, after which only the object itself counts."""

_vain: dict[tuple[str, int, object], int] = {}

_PART = re.compile(r"(\w+)(?:\[|\.i?loc\[)")


def in_vain(site: Site | None) -> bool:
    """Whether the calls at `site` have been searched for often enough, and never found.

    A loop over thousands of results of nobody's (`staged_predict`) would be slowed by it.
    """
    return site is not None and _vain.get(_place(site), 0) >= PATIENCE


def searched(site: Site | None, found: Found | None) -> None:
    """Note how a search by what a value holds ended."""
    if site is None:
        return
    if found is not None:
        _vain.pop(_place(site), None)
    elif len(_vain) < PATIENCE * PATIENCE or _place(site) in _vain:
        _vain[_place(site)] = _vain.get(_place(site), 0) + 1


def forget() -> None:
    """Be patient again, when the recording is switched off."""
    _vain.clear()


def _place(site: Site) -> tuple[str, int, object]:
    return site.file, site.line, site.code


def find(value: Any, judge: str, *, exactly: bool = False) -> Found | None:
    """The prediction of a recorded model that `value`, which `judge` is given, is or was made from.

    With `exactly` only by identity and memory. What is known to come from a model that no run
    trained is at best a probable copy.
    """
    if type(value) in (list, tuple) and len(value) and getattr(value[0], "ndim", 0):
        value = value[0]  # one array for each output
    kept = predictions.same(value)
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
    living = [
        kept for kept in predictions.living() if count and (kept.prediction.rows or 0) >= count
    ]
    array = matching.comparable(value)
    if array is not None and matching.constant(array) and not known:
        # It equals any other such prediction; the newest is likelier, all on one side of a cut.
        newest = _newest(count, array, living)
        if newest is not None:
            return newest
    kin = [] if array is None else _kin(array, living[:COMPARED])
    if not kin and array is not None and not known:
        kin = _gone_kin(array, living[:COMPARED])
    if kin:
        found = _closest(kin, judge, matching.telling(array, len(living)))
        return found._replace(link="probable") if found is not None and known else found
    return None if known else _newest(count, array, living)


class _Kin(NamedTuple):
    """A prediction that something may be made of, and how: a kinship, and whether that is sure."""

    level: int
    prediction: Prediction
    run: Run | None
    sure: bool


def _kin(array: Any, near: list[KeptOutput]) -> list[_Kin]:
    """The live predictions that `array` comes from by what it holds."""
    found = []
    for kept in near:
        output = matching.comparable(kept.prediction.output(kept()))
        level = None if output is None else matching.kinship(array, output, _classes(kept.run))
        if level is not None:
            sure = level < matching.ORDERED and kept.link != "probable"
            found.append(_Kin(level, kept.prediction, kept.run, sure))
    return found


def _gone_kin(array: Any, compared: list[KeptOutput]) -> list[_Kin]:
    """The same for those that are gone, by the few values that are left of them."""
    known = {id(kept.prediction) for kept in compared}
    others = [
        p for p in newest_first(predictions.recent) if p.rows == len(array) and id(p) not in known
    ]
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


def named(call: Call, parameter: str, judge: str) -> Found | None:
    """The prediction of whose variable the argument is written as a part: `y_pred[women]`.

    Only where all its values are among the prediction's, and both calls stand in one function.
    """
    site, value = call.site, call.arg(parameter)
    text = _PART.match(call.variable(parameter)) if site is not None else None
    array = matching.comparable(value) if text else None
    if array is None or text is None or site is None:
        return None
    for prediction in newest_first(predictions.recent):
        there = prediction.site
        if there is None or (there.file, there.function) != (site.file, site.function):
            continue
        if there.assigned_name() == text[1]:
            run, sample = prediction.run, prediction.sample
            if run is None or sample is None or not matching.among(array, sample.values):
                return None
            prediction.judged.add(judge)
            return Found(prediction, run, "probable")
    return None


def _newest(count: int | None, array: Any, living: list[KeptOutput]) -> Found | None:
    """The newest prediction of this thread or task, if it, or its loop, has `count` rows.

    Not where the values speak against it (a baseline, a mean of several models), nor where
    predictions of other runs may be meant as well.
    """
    prediction = predictions.newest_here()
    run = prediction.run if prediction is not None else None
    if prediction is None or run is None or count is None:
        return None
    if count not in (prediction.rows, prediction.total):
        return None
    if count == prediction.rows and not _may_be(prediction, run, array, living):
        return None
    return Found(prediction, run, "probable")


def _may_be(prediction: Prediction, run: Run, array: Any, living: list[KeptOutput]) -> bool:
    """Whether `array`, of no known kin, may still be made of the prediction."""
    if array is not None:
        if array.ndim == 1 and matching.constant(array):
            return bool(array.dtype.kind != "f")  # one side of a threshold; a mean is a baseline
        shape = prediction.shape or ()
        if shape[1:] in ((), (1,), (2,)) and prediction.sample is not None:
            return False  # one number for each row: whatever is made of it was compared
    alive = {id(kept.prediction) for kept in living}
    return not any(
        other.rows == prediction.rows and other.run not in (None, run)
        and (not other.judged or id(other) in alive)
        for other in newest_first(predictions.recent)
    )  # fmt: skip
