"""Arithmetic in functions of the program's own, gone through without calling them.

`f1(tp, fp, fn)`, a property `avg`: assignments, conditions and what is given back, of numbers.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

from torch import nn

from autolog.callsite import is_library_file, parse

from . import configs, sources
from .arithmetic import Number, Reckoner, Unknown

DEEPEST = 4
COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
MEANS = ("avg", "average", "mean", "global_avg", "accuracy", "acc")
"""What the attribute of a meter is called that says what it has come to."""


class Runner(Reckoner):
    """A Reckoner that knows conditions, properties and functions of the program's own."""

    depth = 0

    def number(self, node: ast.expr) -> Number:
        """The value of an expression; raises Unknown."""
        if isinstance(node, ast.IfExp):
            return self.number(node.body if self.number(node.test).value else node.orelse)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        try:
            return super().number(node)
        except Unknown:
            if isinstance(node, ast.Attribute):
                return self._property(node)
            raise

    def numbers(self, node: ast.expr) -> list[Number]:
        """The values of a tuple, or of what a helper gives back as one; raises Unknown."""
        if isinstance(node, ast.Tuple):
            return [self.number(one) for one in node.elts]
        if not isinstance(node, ast.Call):
            raise Unknown
        return self._helped(node)

    def _call(self, node: ast.Call) -> Number:
        try:
            return super()._call(node)
        except Unknown:
            found = self._helped(node)
            if len(found) != 1:
                raise
            return found[0]

    def _compared(self, node: ast.Compare) -> Number:
        values = [self.number(one) for one in (node.left, *node.comparators)]
        truth = True
        for kind, one, other in zip(node.ops, values, values[1:], strict=False):
            if type(kind) not in COMPARED:
                raise Unknown
            truth = truth and bool(COMPARED[type(kind)](one.value, other.value))
        return Number(int(truth), "", any(one.derived for one in values))

    def _property(self, node: ast.Attribute) -> Number:
        """What a property of the program's own reckons."""
        holder = self.value(node.value)
        found = inspect.getattr_static(type(holder), node.attr, None)
        function = found.fget if isinstance(found, property) else None
        if not isinstance(function, FunctionType) or not self._deep_enough(function):
            raise Unknown
        summed = self._summed(node)
        (number,) = self._within(function, {function.__code__.co_varnames[0]: holder}, {})
        return number._replace(derived=number.derived or summed)

    def _helped(self, node: ast.Call) -> list[Number]:
        function, owner = function_of(self, node.func)
        if function is None or node.keywords or not self._deep_enough(function):
            raise Unknown
        names = list(function.__code__.co_varnames[: function.__code__.co_argcount])
        held: dict[str, Any] = {} if owner is None else {names.pop(0): owner}
        found: dict[str, Number | None] = {}
        for name, given in zip(names, node.args, strict=False):
            try:
                found[name] = self.number(given)
            except Unknown:
                held[name] = self.value(given)
        if len(names) != len(node.args):
            raise Unknown
        return self._within(function, held, found)

    def _deep_enough(self, function: FunctionType) -> bool:
        return self.depth < DEEPEST and not is_library_file(function.__code__.co_filename)

    def _within(
        self, function: FunctionType, held: Mapping[str, Any], found: dict[str, Number | None]
    ) -> list[Number]:
        scope = scope_in(function.__code__)
        if not isinstance(scope, ast.FunctionDef):
            raise Unknown
        inner = Runner(held, function.__globals__, frozenset())
        inner.depth = self.depth + 1
        inner.found.update(found)
        given = inner.run(scope.body)
        if given is None:
            raise Unknown
        return given

    def run(self, statements: list[ast.stmt]) -> list[Number] | None:
        """What statements give back; None where they come to their end; raises Unknown."""
        for one in statements:
            if isinstance(one, ast.Return):
                if one.value is None:
                    raise Unknown
                several = isinstance(one.value, ast.Tuple)
                return self.numbers(one.value) if several else [self.number(one.value)]
            if isinstance(one, ast.If):
                given = self.run(one.body if self.number(one.test).value else one.orelse)
                if given is not None:
                    return given
            elif isinstance(one, ast.Assign) and len(one.targets) == 1:
                self._assign(one.targets[0], one.value)
            elif isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
                whole = ast.BinOp(ast.Name(one.target.id, ast.Load()), one.op, one.value)
                self._assign(one.target, whole)
            elif not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)):
                raise Unknown
        return None

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple):
            names, values = target.elts, self.numbers(value)
        else:
            names, values = [target], [self.number(value)]
        for one, number in zip(names, values, strict=False):
            if not isinstance(one, ast.Name):
                raise Unknown
            self.found[one.id] = number


def scope_in(code: CodeType) -> ast.AST | None:
    """The function in its file's source that was compiled to `code`."""
    tree = sources.tree_in(code.co_filename)
    return None if tree is None else configs.scope_of(tree, code)


def function_of(reckoner: Reckoner, node: ast.expr) -> tuple[FunctionType | None, Any]:
    """The Python function that an expression calls, and whose method it is; nothing is run."""
    value = static(reckoner, node)
    owner: Any = None
    if isinstance(value, nn.Module):
        owner, value = value, inspect.getattr_static(value, "forward", None)
    elif isinstance(value, MethodType):
        owner, value = value.__self__, value.__func__
    elif isinstance(value, FunctionType) and isinstance(node, ast.Attribute):
        holder = static(reckoner, node.value)
        on_class = inspect.getattr_static(type(holder), node.attr, None) is value
        owner = holder if on_class else None
    elif isinstance(value, staticmethod):
        value = value.__func__
    return (value, owner) if isinstance(value, FunctionType) else (None, None)


def static(reckoner: Reckoner, node: ast.expr) -> Any:
    """An object of the program, through classes and submodules too; None where unknown."""
    try:
        return reckoner.value(node)
    except Unknown:
        pass
    if not isinstance(node, ast.Attribute):
        return None
    holder = static(reckoner, node.value)
    if holder is None:
        return None
    held = (getattr(holder, "__dict__", None) or {}).get("_modules") or {}
    if isinstance(holder, nn.Module) and node.attr in held:
        return held[node.attr]
    return inspect.getattr_static(holder, node.attr, None)


def meters(reckoner: Runner, name: str) -> list[tuple[str, float, str]]:
    """What the meters have come to that stand in a variable: `top1.avg`; name, value, text.

    Or, of an object that keeps several by name, each of them.
    """
    node = parse(name, "eval").body
    holder = static(reckoner, node)
    content = getattr(holder, "__dict__", None)
    if not isinstance(content, dict) or isinstance(holder, type | nn.Module):
        return []
    found = _meter(reckoner, node, sources.title(node))
    if found:
        return found
    for attribute, held in content.items():
        if isinstance(held, dict):
            for key in list(held)[:64]:
                if type(key) is str:
                    inner = ast.Attribute(node, attribute, ast.Load())
                    found += _meter(reckoner, ast.Subscript(inner, ast.Constant(key)), key)
    return found


def _meter(reckoner: Runner, node: ast.expr, name: str) -> list[tuple[str, float, str]]:
    for attribute in MEANS:
        path = ast.Attribute(node, attribute, ast.Load())
        try:
            return [(name, float(reckoner.number(path).value), ast.unparse(path))]
        except (Unknown, ArithmeticError):
            continue
    return []
