"""What a loop over data came to, as the program itself reckons it right after the loop.

`epoch_loss = running_loss / len(loader)`, `return correct / total`: when the loop's iterator dies,
the sums are final, and what follows is worked out from them, under the program's own names.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import NamedTuple

from . import configs, helpers, printing, sources
from .arithmetic import Number, Result, Unknown, title_of
from .frames import by_place, variables
from .helpers import Runner
from .names import named

LONGEST = 60
"""Statements after a loop that are looked at."""


class Plan(NamedTuple):
    """What is to be reckoned at the end of one loop."""

    sums: Mapping[str, str]
    """What the loop adds up, with what the added numbers are called."""
    rest: tuple[ast.stmt, ...]
    reset: frozenset[str] = frozenset()
    """Sums that begin anew within the loop."""
    within: tuple[ast.stmt, ...] = ()
    """The calls within the loop that may show what its sums have come to so far."""


def reckoned(frame: FrameType) -> list[Result]:
    """The results of the loop that has just ended in `frame`."""
    plan = _plan(frame)
    if plan is None:
        return []
    return _run(Runner(variables(frame), frame.f_globals, frozenset(plan.sums)), plan, frame)


def foreseen(frame: FrameType, value: float) -> list[Result]:
    """The results of the loop that `frame` is in, should its present turn be its last.

    `value` is what the loss function gave back that `frame` is just calling. For loops over
    anything but a loader, whose end nobody tells us.
    """
    turn = _turn(frame)
    if turn is None:
        return []
    reckoner = Runner(variables(frame), frame.f_globals, frozenset(turn.plan.sums))
    reckoner.computed[turn.call] = Number(value, "f")
    for statement in turn.body:
        for _ in _results(reckoner, statement):
            pass
    return _run(reckoner, turn.plan, frame)


class Turn(NamedTuple):
    """The rest of one turn of a loop, from the call of a loss function on, and what follows."""

    call: ast.Call
    body: tuple[ast.stmt, ...]
    plan: Plan


@by_place
def _turn(frame: FrameType) -> Turn | None:
    tree, nodes = sources.nodes_at(frame)
    call = next((node for node in nodes if isinstance(node, ast.Call)), None)
    if tree is None or call is None:
        return None
    node: ast.AST = call
    body: list[ast.stmt] = []
    while not isinstance(node, ast.For | ast.While):
        parent = tree.parents.get(node)
        if parent is None or isinstance(parent, ast.FunctionDef | ast.Module):
            return None
        if isinstance(node, ast.stmt):
            block = next((b for b in _blocks(parent) if node in b), [])
            body += block[block.index(node) + (1 if body else 0) :]
        node = parent
    sums = dict(_sums(node))
    rest = tuple(_after(tree, node))[:LONGEST]
    return Turn(call, tuple(body), Plan(sums, rest)) if sums and rest else None


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a statement holds."""
    for block in ("body", "orelse", "finalbody"):
        held = getattr(node, block, None)
        if isinstance(held, list):
            yield held


def _run(reckoner: Runner, plan: Plan, frame: FrameType) -> list[Result]:
    """What the statements after a loop come to."""
    found: dict[str, Result] = {}
    returned: list[tuple[str, Result]] = []
    for statement in plan.rest:
        if isinstance(statement, ast.Return):
            returned = list(_returned(reckoner, statement, frame))
        else:
            for result in _results(reckoner, statement):
                found[result.name] = result
    for own, result in returned:
        found.pop(own, None)
        found[result.name] = result
    texts = {result.text for result in found.values()}
    for name in sorted(set(plan.sums) - {""}):
        for title, value, text in helpers.meters(reckoner, name):
            if text not in texts:
                found.setdefault(title, Result(title, value, text))
    weak = [key for key, one in found.items() if one.weak]
    if len(weak) == len(found):
        only_shown = [
            *printing.printed(reckoner, plan.within, plan.sums, plan.reset),
            *_raw(reckoner, plan),
            *printing.printed(reckoner, plan.rest, plan.sums),
        ]
        found = {result.name: result for result in only_shown} or found
    return [one for one in found.values() if math.isfinite(one.value) or one.value != one.value]


@by_place
def _plan(frame: FrameType) -> Plan | None:
    tree, loop = sources.loop_left(frame)
    if tree is None or loop is None:
        return None
    sums = dict(_sums(loop))
    rest = tuple(_after(tree, loop))[:LONGEST]
    within = tuple(
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    return Plan(sums, rest, frozenset(_reset(loop)), within) if sums else None


def _reset(loop: ast.For) -> Iterator[str]:
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from map(title_of, node.targets)


def _sums(loop: ast.For | ast.While) -> Iterator[tuple[str, str]]:
    """What the loop adds up: `total += …`, `total = total + …`, `losses.append(…)`."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign):
            yield title_of(node.target), named(node.value)[0]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            name = title_of(node.targets[0])
            if any(
                title_of(one) == name for one in ast.walk(node.value) if isinstance(one, ast.expr)
            ):
                yield name, named(node.value.right)[0]
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in ("append", "update"):
                yield title_of(function.value), named(node.args[0])[0] if node.args else ""


def divided(plan: Plan) -> set[str]:
    """The sums that the program divides, wherever it does: they are means to be, not results."""
    found: set[str] = set()
    for statement in (*plan.rest, *plan.within):
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                held = (one for one in ast.walk(node.left) if isinstance(one, ast.expr))
                found.update(map(title_of, held))
    return found


def _after(tree: sources.Tree, node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that follow a loop, out of the blocks round it, up to the next loop round."""
    while True:
        parent = tree.parents.get(node)
        if parent is None:
            return
        for block in _blocks(parent):
            if node in block:
                yield from block[block.index(node) + 1 :]
        if isinstance(parent, ast.For | ast.While | ast.FunctionDef | ast.Module):
            return
        node = parent


def _results(reckoner: Runner, statement: ast.stmt) -> Iterator[Result]:
    """What one statement assigns, appends or changes, if it comes of the loop's sums."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        elif isinstance(target, ast.Tuple):
            yield from _unpacked(reckoner, target, value)
            return
        for one, expression in pairs:
            yield from _assigned(reckoner, one, expression)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _assigned(reckoner, statement.target, statement.value)
    elif isinstance(statement, ast.AugAssign):
        whole = ast.BinOp(_loaded(statement.target), statement.op, statement.value)
        yield from _assigned(reckoner, statement.target, whole)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        for name, one in configs.logged(statement.value):
            if not isinstance(one, ast.Name | ast.Constant):
                yield from _one(reckoner, name, one)
        name = sources.appended(statement.value)
        if name and not isinstance(statement.value.args[0], ast.Name | ast.Constant):
            yield from _one(reckoner, name, statement.value.args[0])
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                reckoner.found[node.id] = None


def _unpacked(reckoner: Runner, target: ast.Tuple, value: ast.expr) -> Iterator[Result]:
    """`precision, recall = measures(tp, fp, fn)`."""
    try:
        numbers: list[Number] = reckoner.numbers(value)
    except Unknown:
        numbers = []
    for i, one in enumerate(target.elts):
        number = numbers[i] if len(numbers) == len(target.elts) else None
        if isinstance(one, ast.Name):
            reckoner.found[one.id] = number
        if number is not None and number.derived and (name := sources.title(one)):
            yield Result(name, float(number.value), ast.unparse(value))


def _loaded(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _assigned(reckoner: Runner, target: ast.expr, value: ast.expr) -> Iterator[Result]:
    try:
        number: Number | None = reckoner.number(value)
    except Unknown:
        number = None
    if isinstance(target, ast.Name):
        reckoner.found[target.id] = number
    if number is not None and number.derived and not isinstance(value, ast.Name):
        name = sources.title(target)
        if name:
            yield Result(name, float(number.value), ast.unparse(value), _is_weak(target))


def _is_weak(target: ast.expr) -> bool:
    """Whether a name says little: `results[fold] = …`."""
    vague = isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant)
    return vague and not printing.MEASURE.search(sources.title(target).lower())


def _one(reckoner: Runner, name: str, node: ast.expr) -> Iterator[Result]:
    try:
        number = reckoner.number(node)
    except Unknown:
        return
    if number.derived:
        yield Result(name, float(number.value), ast.unparse(node))


def _returned(
    reckoner: Runner, statement: ast.Return, frame: FrameType
) -> Iterator[tuple[str, Result]]:
    """What is given back, under the names that the caller gives it; with it the own name."""
    value = statement.value
    if value is None:
        return
    if isinstance(value, ast.Dict):
        for key, one in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from ((_own(one), r) for r in _one(reckoner, key.value, one))
        return
    parts = list(value.elts) if isinstance(value, ast.Tuple) else [value]
    caller = sources.outer(frame)
    names = kept_targets(caller) if caller is not None else []
    if len(names) != len(parts):
        names = [_own(one) for one in parts]
    for name, one in zip(names, parts, strict=True):
        if name and name != "_":
            yield from ((_own(one), result) for result in _one(reckoner, name, one))


def kept_targets(frame: FrameType) -> list[str]:
    """What the result of the call that a frame is in is called, or kept as."""
    tree, names = sources.tree_of(frame), sources.targets(frame)
    scope = configs.scope_of(tree, frame.f_code) if tree is not None and names else None
    kept = configs.kept_as(scope) if scope is not None else {}
    return [kept.get(name, name) for name in names]


def _own(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _raw(reckoner: Runner, plan: Plan) -> Iterator[Result]:
    """The sums themselves, where nothing is made of them: fractions alone, no counters."""
    for name in sorted(set(plan.sums) - plan.reset - divided(plan)):
        if name.isidentifier():
            try:
                number = reckoner.number(ast.Name(name, ast.Load()))
            except Unknown:
                continue
            if isinstance(number.value, float):
                yield Result(name, number.value, name)
