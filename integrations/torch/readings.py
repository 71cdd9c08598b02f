"""Numbers that the program keeps in its variables, read whenever a loop round the training turns.

`val_loss = evaluate(…)`, `running_reward = …`, `durations.append(…)`: what a loop assigns anew each
time it comes round, as fractions, under its own name. Sums that are still growing are left out, and
clocks. The last turn of a loop in a function ends with the function, of which nobody tells us; but
before that most programs print what the turn came to (`saying`).
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from autolog.following import results

from . import configs, sources
from .arithmetic import Reckoner, Unknown
from .frames import users, variables
from .training import Training
from .turns import Plan, Watched, ended, plan

if TYPE_CHECKING:
    from .saying import Said

RULE = "what the program's variable holds"
GIVEN = "what ReduceLROnPlateau.step() is told"
KEPT = "what the program keeps of each turn"
SHOWN = "what the program shows"
BY_TURN = (RULE, KEPT, SHOWN, "as reckoned")
MOST = 1000
"""New items of a list that are read at once."""


def read(training: Training, frame: FrameType | None, *, stepped: bool) -> None:
    """Write down what has changed in the loops round `frame`; `stepped` where a step is made."""
    while frame is not None:
        here = plan(frame)
        if here.loop:
            training.rounds.add((id(here.code), here.loop))
        if here.watched:
            _look(training, here, variables(frame), frame.f_lineno if stepped else 0)
            if frame.f_code.co_name == "<module>":
                training.globals = here, frame.f_globals
        frame = frame.f_back


def begun(training: Training, frame: FrameType | None) -> None:
    """Note the loops round a training's first step: they go round the training."""
    for one in users(frame):
        here = plan(one)
        if here.loop:
            training.rounds.add((id(here.code), here.loop))


def read_shown(
    training: Training,
    frame: FrameType,
    said: Said,
    held: Mapping[str, Any],
    *,
    amidst: bool,
) -> None:
    """Write down what has changed in the turn under way, where the program shows something of it.

    In the midst of a loop over data only what is shown by name. `held` are the frame's variables.
    """
    here, line = plan(frame), frame.f_lineno
    watched = tuple(
        one
        for one in here.watched
        if one.line < line and (not amidst or one.name in said.names) and not (amidst and one.of)
    )
    _look(training, here._replace(watched=watched), held, 0)
    known = {one.name for one in here.watched}
    for name in (here.sums.keys() & said.bare) - known:
        value = held.get(name)
        if type(value) is float:
            _look(training, here._replace(watched=(Watched(name, 0),)), held, 0)


def read_ended(training: Training, frame: FrameType) -> None:
    """Write down what the last turn of the training's loops left, in a function that goes on."""
    for here in ended(frame):
        if here.watched and (id(here.code), here.loop) in training.rounds:
            _look(training, here, variables(frame), 0)


def finish(training: Training) -> None:
    """Look once more, at the end, at the variables of the program itself."""
    if training.globals is not None:
        here, held = training.globals
        training.globals = None
        _look(training, here, held, 0)


def _look(training: Training, here: Plan, held: Mapping[str, Any], line: int) -> None:
    if line:
        summed = [(one.name, held.get(one.name)) for one in here.watched if one.summed]
        _sums(training, here, {k: v for k, v in summed if isinstance(v, int | float)})
    for watched in here.watched:
        if watched.listed is not None:
            _items(training, here, watched, held)
            continue
        value = held.get(watched.name)
        if value is None or watched.summed or not (watched.parts or _is_number(value)):
            continue
        key = (id(here.code), watched.name)
        first = key not in training.readings
        if not first and _same(training.readings[key], value):
            continue
        training.readings[key] = weakref.ref(value) if type(value) is torch.Tensor else value
        late = line and watched.line > line  # assigned after the step: in the turn before
        step = training.step - (1 if late else 0)
        if watched.parts:
            _parts(training, watched.parts, value, step)
        elif not (first and watched.begun_with(float(value))):
            write(training, watched.title or watched.name, float(value), step)


def _parts(training: Training, names: tuple[str, ...], value: Any, step: int) -> None:
    """The numbers of a tuple that the program takes apart elsewhere."""
    if type(value) in (tuple, list) and len(value) == len(names):
        for name, one in zip(names, value, strict=True):
            if name and _is_number(one):
                write(training, name, float(one), step)


def _items(training: Training, here: Plan, watched: Watched, held: Mapping[str, Any]) -> None:
    """What was appended to a list since the last look, but for losses that we have already."""
    assert watched.listed is not None
    taken = training.series.get(watched.of) if watched.of else None
    if taken is not None and not (watched.of == watched.name and taken.rule == RULE):
        return
    try:
        value = Reckoner(held, held, frozenset()).value(watched.listed)
    except Unknown:
        return
    if type(value) is not list:
        return
    key = (id(here.code), f"{watched.name}[]")
    before = training.readings.get(key, 0)
    training.readings[key] = len(value)
    for one in value[before:][-MOST:]:
        if type(one) is int or _is_number(one):
            write(training, watched.name, float(one), training.step)
        elif type(one) is dict and len(value) < training.step:
            _row(training, one)


def _row(training: Training, row: Mapping[Any, Any]) -> None:
    """The numbers of a row that is kept of each turn, but for those that are known otherwise.

    Of a series by step the row has the mean, or what it came to.
    """
    for key, value in row.items():
        if type(key) is str and key not in configs.COUNTERS and _is_number(value):
            series = training.series.get(key)
            by_step = series is not None and not series.rule.startswith(BY_TURN)
            write(training, f"{key}_mean" if by_step else key, float(value), training.step, KEPT)


def _sums(training: Training, here: Plan, held: Mapping[str, int | float]) -> None:
    """What loops within the turn have come to, if one of them has been gone through again."""
    keys = {name: (id(here.code), name) for name in held}
    known = training.readings
    if any(known.get(keys[name]) is not value for name, value in held.items()):
        for name, value in held.items():
            known[keys[name]] = value
            write(training, name, float(value), training.step)


def given(training: Training, frame: FrameType | None, value: Any) -> None:
    """What a scheduler is told that watches a number, under the name that it has there."""
    if not _is_number(value):
        return
    name = "plateau_metric"
    for node in sources.nodes_at(frame)[1] if frame is not None else ():
        if isinstance(node, ast.Call) and node.args:
            name = sources.title(node.args[0]) or name
    series = training.series.get(name)
    if series is None or series.rule == GIVEN:
        training.point(name, float(value), training.step, GIVEN)


def _same(known: Any, value: Any) -> bool:
    """Whether it is the very object that was there before; tensors are not held."""
    return known is value or (type(known) is weakref.ref and known() is value)


def write(training: Training, name: str, value: float, step: int, rule: str = RULE) -> None:
    """One point, unless the name is known otherwise: as a loss, a metric, what a loop came to."""
    series = training.series.get(name)
    elsewhere = name in training.run.state.get(results.STATE, ())
    if elsewhere or name in training.renamed or (series is not None and series.rule != rule):
        return
    training.point(name, value, step, rule)


def _is_number(value: Any) -> bool:
    """Whether it is a fraction in a tensor, or in numpy's clothes, that needs no gradient."""
    if type(value) is float:
        return True
    if type(value) is torch.Tensor:
        small = value.numel() == 1 and value.device.type == "cpu"
        return small and value.is_floating_point() and not value.requires_grad
    return type(value).__module__ == "numpy" and isinstance(value, float)
