"""Numbers that the program keeps in its variables, read whenever a loop round the training turns.

`val_loss = evaluate(…)`, `running_reward = …`: what a loop assigns anew each time it comes round,
as fractions, under its own name. Sums that are still growing are left out, and clocks.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch

from autolog.callsite import is_library

from . import configs, sources
from .frames import variables
from .training import Training

CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "elapsed", "datetime", "timer")
RULE = "what the program's variable holds"
GIVEN = "what ReduceLROnPlateau.step() is told"


class Watched(NamedTuple):
    """A variable that a loop assigns: where, and what it held before the loop, if that is known.

    `before` is None for nothing, else the expression that gave it a value. `summed` is what a loop
    within the turn adds to, which is over where a step is made: an episode's reward.
    """

    name: str
    line: int
    before: ast.expr | None
    summed: bool = False

    def begun_with(self, value: float) -> bool:
        """Whether a value may be the one from before the loop."""
        if self.before is None:
            return False
        constant = self.before.value if isinstance(self.before, ast.Constant) else value
        return bool(constant == value)


class Plan(NamedTuple):
    """The variables to look at in one function, as seen from one place in it."""

    code: CodeType
    watched: tuple[Watched, ...]


_plans: dict[tuple[int, int], Plan] = {}


def read(training: Training, frame: FrameType | None, *, stepped: bool) -> None:
    """Write down what has changed in the loops round `frame`; `stepped` where a step is made."""
    while frame is not None:
        plan = _plans.get((id(frame.f_code), frame.f_lasti))
        if plan is None:
            plan = _plan(frame)
        if plan.watched:
            _look(training, plan, variables(frame), frame.f_lineno if stepped else 0)
            if frame.f_code.co_name == "<module>":
                training.globals = plan, frame.f_globals
        frame = frame.f_back


def finish(training: Training) -> None:
    """Look once more, at the end, at the variables of the program itself."""
    if training.globals is not None:
        plan, held = training.globals
        training.globals = None
        _look(training, plan, held, 0)


def _look(training: Training, plan: Plan, held: Mapping[str, Any], line: int) -> None:
    if line:
        summed = [(one.name, held.get(one.name)) for one in plan.watched if one.summed]
        _sums(training, plan, {k: v for k, v in summed if isinstance(v, int | float)})
    for watched in plan.watched:
        value = held.get(watched.name)
        if value is None or watched.summed:
            continue
        if type(value) is not float and not _is_number(value):
            continue
        key = (id(plan.code), watched.name)
        first = key not in training.readings
        if not first and _same(training.readings[key], value):
            continue
        training.readings[key] = weakref.ref(value) if type(value) is torch.Tensor else value
        if not (first and watched.begun_with(float(value))):
            late = line and watched.line > line  # assigned after the step: in the turn before
            step = training.step - (1 if late else 0)
            _write(training, watched.name, float(value), step)


def _sums(training: Training, plan: Plan, held: Mapping[str, int | float]) -> None:
    """What loops within the turn have come to, if one of them has been gone through again."""
    keys = {name: (id(plan.code), name) for name in held}
    known = training.readings
    if any(known.get(keys[name]) is not value for name, value in held.items()):
        for name, value in held.items():
            known[keys[name]] = value
            _write(training, name, float(value), training.step)


def given(training: Training, frame: FrameType | None, value: Any) -> None:
    """What a scheduler is told that watches a number, under the name that it has there."""
    if type(value) is not float and not _is_number(value):
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


def _write(training: Training, name: str, value: float, step: int) -> None:
    series = training.series.get(name)
    if name in training.renamed or (series is not None and series.rule != RULE):
        return  # it is known otherwise: a loss, what a loop came to
    training.point(name, value, step, RULE)


def _is_number(value: Any) -> bool:
    """Whether it is a fraction in a tensor, or in numpy's clothes, that needs no gradient."""
    if type(value) is torch.Tensor:
        small = value.numel() == 1 and value.device.type == "cpu"
        return small and value.is_floating_point() and not value.requires_grad
    return type(value).__module__ == "numpy" and isinstance(value, float)


def _plan(frame: FrameType) -> Plan:
    """The plan of a place that is met for the first time; nothing is watched in libraries."""
    if len(_plans) > 4096:
        _plans.clear()
    watched = () if is_library(frame) else tuple(_watched(frame))
    plan = _plans[id(frame.f_code), frame.f_lasti] = Plan(frame.f_code, watched)
    return plan


def _watched(frame: FrameType) -> Iterator[Watched]:
    tree = sources.tree_of(frame)
    scope = configs.scope_of(tree, frame.f_code) if tree is not None else None
    if scope is None:
        return
    line = frame.f_lineno
    loops = [
        node
        for node, _ in configs.statements(scope, False)
        if isinstance(node, ast.For | ast.While) and node.lineno < line <= (node.end_lineno or 0)
    ]
    if not loops:
        return
    outside = dict(_given(scope, loops))
    found: dict[str, Watched] = {}
    for loop in loops:
        for node in _turn(loop, line):
            for name, value in _numbers(node):
                if not any(word in value.lower() for word in CLOCKS):
                    found[name] = Watched(name, node.lineno, outside.get(name))
            over = isinstance(node, ast.For | ast.While) and (node.end_lineno or line) < line
            for name in _added(node) if over else ():
                found[name] = Watched(name, node.lineno, None, summed=True)
    yield from found.values()


def _added(loop: ast.AST) -> Iterator[str]:
    """The variables that a loop adds to."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            if name not in configs.COUNTERS and not name.startswith("_"):
                yield name


def _turn(loop: ast.AST, line: int) -> Iterator[ast.stmt]:
    """The statements of one turn of a loop, without those of loops in it that are not under way."""
    for child in ast.iter_child_nodes(loop):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.For | ast.While):
            continue
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _turn(child, line)


def _numbers(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Names that a statement assigns something reckoned or returned to, with its text."""
    if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant | ast.Name):
        text = ast.unparse(node.value)
        for target in node.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            for one in parts:
                if isinstance(one, ast.Name) and not one.id.startswith("_"):
                    yield one.id, text


def _given(scope: ast.AST, loops: list[Any]) -> Iterator[tuple[str, ast.expr]]:
    """Names that have a value before the outermost of the loops, with the expression for it."""
    first = min(loop.lineno for loop in loops)
    for node, _ in configs.statements(scope, False):
        if getattr(node, "lineno", first) < first:
            yield from ((name, value or ast.Name(name)) for name, value in configs.bound(node))
