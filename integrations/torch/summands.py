"""What a loss is the sum of, as the source says: `loss = bce + beta * kld`.

From the expression that `backward` is called on back through its assignments: sums, `+=`, `sum()`
of a list or of a dictionary's values, and what a helper gives back.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import NamedTuple

from autolog.callsite import is_library_file

from . import configs, sources
from .arithmetic import Reckoner, Unknown
from .helpers import function_of
from .names import through

DEEPEST = 4
"""Assignments and helpers that are followed one after the other."""
SUMS = frozenset(("sum", "fsum"))
STACKS = frozenset(("stack", "cat", "tensor"))

Factor = tuple[tuple[ast.expr, bool], ...]
"""What a term is multiplied by; True for what it is divided by."""
MINUS: Factor = ((ast.Constant(-1.0), False),)

UNTOLD = ast.Name("")


class Term(NamedTuple):
    """One summand.

    Attributes:
        name: What the program calls it: the variable, else what is called for it.
        node: The expression; its value is in reach where it is a variable of the place itself.
        held: Whether that is so.
        call: The code and the place of the call that computes it, if it is one call.
        factor: What it is multiplied by, or divided.
        table: Whether it is a dictionary, whose values are the summands.
        beside: Whether it is no summand, but what a helper gave back with the loss.
    """

    name: str
    node: ast.expr
    held: bool
    call: tuple[CodeType, sources.Span] | None
    factor: Factor
    table: bool = False
    beside: bool = False


class Given(NamedTuple):
    """One assignment: the value, which part of it, and whether it is added to what was there."""

    value: ast.expr
    part: int | None
    targets: tuple[ast.expr, ...]
    added: Factor | None


class Context:
    """A function's source as seen from one place in it.

    `held` says whether its variables are in reach. Of a helper they are gone; what its parameters
    were given stands in `given_as`, as it is written at the place itself.
    """

    def __init__(
        self,
        code: CodeType,
        reckoner: Reckoner,
        held: bool,
        line: int,
        given_as: Mapping[str, ast.expr] | None = None,
    ) -> None:
        self.given_as = given_as or {}
        self.code = code
        self.reckoner = reckoner
        self.held = held
        self.line = line
        self.tree = sources.tree_in(code.co_filename)
        self.scope = configs.scope_of(self.tree, code) if self.tree is not None else None

    def seen(self, node: ast.expr) -> ast.expr:
        """An expression as it can be told at the place itself."""
        if self.held or isinstance(node, ast.Constant):
            return node
        if isinstance(node, ast.Name):
            return self.given_as.get(node.id, UNTOLD)
        if isinstance(node, ast.Attribute):
            return ast.Attribute(self.seen(node.value), node.attr)
        if isinstance(node, ast.BinOp):
            return ast.BinOp(self.seen(node.left), node.op, self.seen(node.right))
        return UNTOLD

    def given(self, target: ast.expr, line: int) -> list[Given]:
        """How a variable got its value before a line: the last assignment and what was added."""
        found: list[Given] = []
        text = ast.unparse(target)
        for node, _ in configs.statements(self.scope, False) if self.scope is not None else ():
            if getattr(node, "lineno", line) > line or self._in_other_loop(node):
                continue
            for one in _gives(node, text):
                if one.added is None and text not in map(ast.unparse, _expressions(one.value)):
                    found = []
                found.append(one)
        return found

    def _in_other_loop(self, node: ast.AST) -> bool:
        """Whether a statement stands in a loop that is over at our line: of many turns the last."""
        parents = self.tree.parents if self.tree is not None else {}
        while node is not self.scope and node in parents:
            node = parents[node]
            if isinstance(node, ast.For | ast.While) and self.line > (node.end_lineno or 0):
                return True
        return False


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    return (one for one in ast.walk(node) if isinstance(one, ast.expr))


def _gives(node: ast.AST, text: str) -> Iterator[Given]:
    """The values that a statement gives to what is written as `text`."""
    if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == text:
        if isinstance(node.op, ast.Add | ast.Sub):
            yield Given(node.value, None, (), MINUS if isinstance(node.op, ast.Sub) else ())
    elif isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == text:
        yield Given(node.value, None, (), None)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if ast.unparse(target) == text:
                yield Given(node.value, None, (), None)
            elif isinstance(target, ast.Tuple | ast.List):
                for i, one in enumerate(target.elts):
                    if ast.unparse(one) == text:
                        yield Given(node.value, i, tuple(target.elts), None)


def summands(context: Context, node: ast.expr, depth: int = 0) -> list[Term]:
    """The terms of what an expression is worth; one alone where it is no sum that we can see."""
    found = list(_split(context, node, ()))
    if len(found) != 1 or depth >= DEEPEST or found[0].table:
        return found
    single = found[0]
    if isinstance(single.node, ast.Name | ast.Attribute | ast.Subscript):
        return _assigned(context, single.node, depth) or found
    if isinstance(single.node, ast.Call):
        return _of_helper(context, single.node, None, depth) or found
    return found


def _assigned(context: Context, target: ast.expr, depth: int) -> list[Term]:
    """The terms of a variable, by its assignments."""
    history = context.given(target, context.line)
    if not history:
        return []
    last = history[0]
    if last.part is not None:
        parts = last.value.elts if isinstance(last.value, ast.Tuple | ast.List) else []
        if parts and len(parts) == len(last.targets):
            return summands(context, parts[last.part], depth + 1)
        beside = [_beside(context, one) for one in last.targets if context.held]
        others = [term for term in beside if term.name not in ("", "_", sources.title(target))]
        inner: list[Term] = []
        if isinstance(last.value, ast.Call):
            inner = _of_helper(context, last.value, last.part, depth)
        known = {term.name for term in others}
        return others + [term for term in inner if term.name not in known]
    text = ast.unparse(target)
    found: list[Term] = []
    for one in history:
        for term in _split(context, one.value, one.added or ()):
            if ast.unparse(term.node) == text:
                found = [old._replace(factor=old.factor + term.factor) for old in found]
            else:
                found.append(term)
    if len(found) == 1 and not found[0].table:
        return summands(context, found[0].node, depth + 1)
    return found


def _beside(context: Context, node: ast.expr) -> Term:
    return Term(sources.title(node), node, True, None, (), beside=True)


def _split(context: Context, node: ast.expr, factor: Factor) -> Iterator[Term]:
    """The terms of an expression as it is written."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add | ast.Sub):
            yield from _split(context, node.left, factor)
            other = MINUS if isinstance(node.op, ast.Sub) else ()
            yield from _split(context, node.right, factor + other)
            return
        if isinstance(node.op, ast.Div):
            yield from _split(context, node.left, (*factor, (context.seen(node.right), True)))
            return
        if isinstance(node.op, ast.Mult):
            by, what = (node.left, node.right)
            if _is_factor(context, what, by):
                by, what = what, by
            yield from _split(context, what, (*factor, (context.seen(by), False)))
            return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _split(context, node.operand, factor + MINUS)
    elif isinstance(node, ast.Call):
        yield from _of_call(context, node, factor)
    elif isinstance(node, ast.Constant):
        return
    else:
        yield Term(sources.title(node), node, context.held, _call_of(context, node), factor)


def _is_factor(context: Context, node: ast.expr, other: ast.expr) -> bool:
    """Whether of two that are multiplied the first is the number, and not the loss."""
    if isinstance(node, ast.Constant | ast.UnaryOp):
        return True
    if isinstance(other, ast.Constant):
        return False
    try:
        return context.reckoner.number(node).kind == ""
    except Unknown:
        return isinstance(other, ast.Call) and not isinstance(node, ast.Call)


def _of_call(context: Context, node: ast.Call, factor: Factor) -> Iterator[Term]:
    name = sources.title(node.func)
    given = node.args[0] if node.args else None
    inner = through(node)
    if name in SUMS | STACKS and given is not None:
        if isinstance(given, ast.List | ast.Tuple):
            for one in given.elts:
                yield from _split(context, one, factor)
            return
        held = _dictionary(context, given)
        if held is not None:
            yield Term("", held, True, None, factor, table=True)
            return
    if inner is not None:
        yield from _split(context, inner, factor)
        return
    yield Term(name, node, False, (context.code, sources.span_of(node)), factor)


def _dictionary(context: Context, node: ast.expr) -> ast.expr | None:
    """The dictionary whose values are summed up: `d.values()`, `(w[k] * d[k] for k in d)`."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        texts = [one.value for one in ast.walk(node.elt) if isinstance(one, ast.Subscript)]
        for one in [node.generators[0].iter, *texts]:
            found = _dictionary(context, one)
            if found is not None:
                return found
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value  # `.values()`, `.items()`
    try:
        value = context.reckoner.value(node) if context.held else None
    except Unknown:
        return None
    of_losses = isinstance(value, dict) and any(hasattr(one, "grad_fn") for one in value.values())
    return node if of_losses else None


def _call_of(context: Context, node: ast.expr) -> tuple[CodeType, sources.Span] | None:
    """The one call that gave a variable its value."""
    history = context.given(node, context.line)
    if len(history) != 1 or history[0].part is not None:
        return None
    value: ast.expr | None = history[0].value
    while isinstance(value, ast.Call) and (inner := through(value)) is not None:
        value = inner
    if not isinstance(value, ast.Call):
        return None
    return context.code, sources.span_of(value)


# -- helpers -----------------------------------------------------------------------------------


def _of_helper(context: Context, call: ast.Call, part: int | None, depth: int) -> list[Term]:
    """The terms of what one of the program's own functions gives back."""
    function, _ = function_of(context.reckoner, call.func)
    if function is None or is_library_file(function.__code__.co_filename):
        return []
    reckoner = Reckoner({}, function.__globals__, frozenset())
    inner = Context(function.__code__, reckoner, False, 0, _given_as(context, call, function))
    if inner.scope is None:
        return []
    returns = [n for n, _ in configs.statements(inner.scope, False) if isinstance(n, ast.Return)]
    for statement in reversed(returns):
        inner.line = statement.lineno
        value = statement.value
        if part is not None:
            value = value.elts[part] if isinstance(value, ast.Tuple) and value.elts[part:] else None
        if isinstance(value, ast.Name | ast.Attribute):
            found = _assigned(inner, value, depth + 1)
        else:
            found = summands(inner, value, depth + 1) if value is not None else []
        if len(found) > 1:
            return found
    return []


def _given_as(context: Context, call: ast.Call, function: FunctionType) -> dict[str, ast.expr]:
    """What a helper's parameters are given, as it is written where it is called."""
    code = function.__code__
    names = list(code.co_varnames[: code.co_argcount])
    told = {one.arg: context.seen(one.value) for one in call.keywords if one.arg is not None}
    if names[:1] == ["self"]:
        names.pop(0)
        bound = isinstance(call.func, ast.Attribute) and call.func.attr == code.co_name
        owner = call.func.value if bound and isinstance(call.func, ast.Attribute) else call.func
        told["self"] = context.seen(owner)
    if not any(isinstance(one, ast.Starred) for one in call.args):
        told.update(zip(names, map(context.seen, call.args), strict=False))
    return {**_defaults(function), **told}


def _defaults(function: FunctionType) -> dict[str, ast.expr]:
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    plain = {n: v for n, v in zip(names, values, strict=True) if type(v) in (int, float)}
    return {name: ast.Constant(value) for name, value in plain.items()}
