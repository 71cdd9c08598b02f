"""What a loop's turn gives its variables, as the source tells it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType, MappingProxyType
from typing import Any, NamedTuple

from autolog.callsite import is_library

from . import configs, names, sources
from .arithmetic import title_of
from .frames import by_place

CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "elapsed", "datetime", "timer")


class Watched(NamedTuple):
    """A variable that a loop assigns, or a list that it appends to.

    Attributes:
        name: The variable's.
        line: Where it is assigned.
        before: What it held before the loop: None for nothing, else the expression that gave it.
        parts: What the program calls its items, where it takes a tuple apart elsewhere.
        listed: For a list that is appended to, its expression.
        summed: Whether it is what a loop within the turn adds to, which is over where a step is
            made: an episode's reward.
        of: For a list, what the appended value is called, if that has a name.
        title: What its values are called, where that is not the variable's name.
    """

    name: str
    line: int
    before: ast.expr | None = None
    parts: tuple[str, ...] = ()
    listed: ast.expr | None = None
    of: str = ""
    summed: bool = False
    title: str = ""

    def begun_with(self, value: float) -> bool:
        """Whether a value may be the one from before the loop."""
        if self.before is None:
            return False
        constant = self.before.value if isinstance(self.before, ast.Constant) else value
        return bool(constant == value)


class Plan(NamedTuple):
    """What to look at in one function, as seen from one place in it.

    Attributes:
        code: The function's.
        watched: What the loops round the place give their variables.
        sums: What is added up in the outermost of them, with what is added.
        loop: The line at which that begins; 0 for no loop.
    """

    code: CodeType
    watched: tuple[Watched, ...] = ()
    sums: Mapping[str, str] = MappingProxyType({})
    loop: int = 0


@by_place
def plan(frame: FrameType) -> Plan:
    """The plan of the place that a frame is at; nothing is watched in libraries."""
    nothing = Plan(frame.f_code)
    scope = _own_scope(frame)
    if scope is None:
        return nothing
    line = frame.f_lineno
    loops = [one for one in _loops(scope) if one.lineno < line <= (one.end_lineno or 0)]
    return _planned(frame.f_code, scope, loops, line) if loops else nothing


@by_place
def ended(frame: FrameType) -> tuple[Plan, ...]:
    """What the loops of a function that are over by now gave their variables, each by itself.

    A variable that was given another value since is left out.
    """
    scope = _own_scope(frame)
    if scope is None:
        return ()
    line, found = frame.f_lineno, []
    for loop in _loops(scope):
        last = loop.end_lineno or line
        if last < line:
            since = {
                name
                for node, _ in configs.statements(scope, False)
                if last < getattr(node, "lineno", 0) <= line
                for name, _ in configs.bound(node)
            }
            here = _planned(frame.f_code, scope, [loop], last)
            watched = (one for one in here.watched if not one.summed and one.name not in since)
            found.append(here._replace(watched=tuple(watched)))
    return tuple(found)


@by_place
def spans(frame: FrameType) -> tuple[tuple[int, int], ...]:
    """The loops that a frame is in: the line at which each begins, and that at which it ends."""
    scope = _own_scope(frame)
    found = ((one.lineno, one.end_lineno or 0) for one in (_loops(scope) if scope else ()))
    return tuple(one for one in found if one[0] < frame.f_lineno <= one[1])


def _own_scope(frame: FrameType) -> ast.AST | None:
    """The function that a frame of the program's own is in; None in libraries."""
    return None if is_library(frame) else configs.scope_at(frame)


def _loops(scope: ast.AST) -> list[ast.For | ast.While]:
    found = (node for node, _ in configs.statements(scope, False))
    return [node for node in found if isinstance(node, ast.For | ast.While)]


def _planned(code: CodeType, scope: ast.AST, loops: list[ast.For | ast.While], line: int) -> Plan:
    outside, apart = dict(_given(scope, loops)), dict(_taken_apart(scope))
    times = frozenset(_times(scope))
    found: dict[str, Watched] = {}
    for loop in loops:
        for node in _turn(loop, line):
            for one in _watched(node, times):
                found[one.name] = one._replace(
                    before=outside.get(one.name), parts=apart.get(one.name, ())
                )
            over = isinstance(node, ast.For | ast.While) and (node.end_lineno or line) < line
            for name in _added(node) if over else ():
                found[name] = Watched(name, node.lineno, summed=True)
    kept = configs.kept_as(scope)
    watched = [one._replace(title=kept.get(one.name, one.name)) for one in found.values()]
    watched = [one._replace(of=kept.get(one.of, one.of)) for one in watched]
    sums = dict(_sums(loops[0]))
    return Plan(code, tuple(watched), sums, loops[0].lineno)


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


def _times(scope: ast.AST) -> Iterator[str]:
    """The variables that are given what a clock says."""
    for node, _ in configs.statements(scope, False):
        for name, value in configs.bound(node):
            if isinstance(value, ast.Call) and _tells_time(value):
                yield name


def _tells_time(value: ast.expr) -> bool:
    text = ast.unparse(value).lower()
    return any(word in text for word in CLOCKS)


def _watched(node: ast.stmt, times: frozenset[str]) -> Iterator[Watched]:
    """What a statement assigns that is reckoned or returned, and no clock; what it appends."""
    if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant | ast.Name):
        held = {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
        if _tells_time(node.value) or (held and held <= times):
            return
        for target in node.targets:
            for one in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(one, ast.Name) and not one.id.startswith("_"):
                    yield Watched(one.id, node.lineno)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        name = sources.appended(call)
        if name and len(call.args) == 1 and isinstance(call.func, ast.Attribute):
            given, kept = call.args[0], call.func.value
            own = isinstance(given, ast.BinOp) or (
                isinstance(given, ast.Subscript) and isinstance(kept, ast.Subscript)
            )  # `history["val_f1"].append(metrics["f1"])` says itself what it is
            of = "" if own else names.named(given)[0]
            yield Watched(name, node.lineno, listed=call.func.value, of=of)


def _added(loop: ast.AST) -> Iterator[str]:
    """The variables that a loop adds to."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            if name not in configs.COUNTERS and not name.startswith("_"):
                yield name


def _given(scope: ast.AST, loops: list[Any]) -> Iterator[tuple[str, ast.expr]]:
    """Names that have a value before the outermost of the loops, with the expression for it."""
    first = min(loop.lineno for loop in loops)
    for node, _ in configs.statements(scope, False):
        if getattr(node, "lineno", first) < first:
            yield from ((name, value or ast.Name(name)) for name, value in configs.bound(node))


def _taken_apart(scope: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """`train_loss, train_acc = train_metrics`: what the items of a variable are called."""
    for node, _ in configs.statements(scope, False):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            target = node.targets[0]
            if isinstance(target, ast.Tuple | ast.List):
                yield node.value.id, tuple(map(sources.title, target.elts))


def _sums(loop: ast.For | ast.While) -> Iterator[tuple[str, str]]:
    """What is added up within a loop, but for counters, with what is added."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and not isinstance(node.value, ast.Constant):
            yield title_of(node.target), names.named(node.value)[0]
