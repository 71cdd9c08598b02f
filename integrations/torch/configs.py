"""What the program was set to: its arguments, its configuration objects, its constants.

Read once, when a run opens, from the frames that lead to the first step: `argparse` results,
dataclasses and objects that are called a configuration, parameters of functions, names that are
given a constant once, and the variables of loops round the whole training.
"""

from __future__ import annotations

import argparse
import ast
import re
import types
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

from . import configured, sources
from .configured import plain
from .frames import users, variables

CONFIG = re.compile(
    r"(?:^|_|[a-z])(?:config(?:uration)?|cfg|conf|args|opts?|options|hparams?|hps?|hyper\w*"
    r"|params|settings|flags)$",
    re.IGNORECASE,
)
"""How configuration objects are called, or their classes."""
COUNTERS = frozenset(
    ("epoch", "epochs_done", "step", "global_step", "iteration", "iter_num", "it", "i", "j", "k",
     "t", "n", "idx", "batch", "batch_idx", "argv", "i_episode", "best", "best_acc", "best_loss",
     "verbose")
)  # fmt: skip
LOGS = re.compile(r"_*(?:log|report|track)(?:$|_|s$|[A-Z])")
"""How functions are called that are given numbers by name to keep them."""
MOST = 400

Birth = list[tuple[CodeType, int]]
"""Where an optimizer was built: the program's functions that were under way, and their lines."""


def birth(frame: FrameType | None) -> Birth:
    """The places that lead to `frame`, innermost first."""
    return [(one.f_code, one.f_lineno) for one in users(frame)]


def settings(frame: FrameType | None, born: Birth) -> dict[str, Any]:
    """All of it by name, what stands nearest to the step first."""
    found: dict[str, Any] = {}
    modules: dict[int, dict[str, Any]] = {}
    for one in users(frame):
        held = variables(one)
        modules[id(one.f_globals)] = one.f_globals
        _add(found, _named(held, classes=False))
        _add(found, _own(one, held, born))
    for around in modules.values():
        _add(found, _named(around, classes=False))
    for around in modules.values():  # a class says the defaults alone
        _add(found, _named(around, classes=True))
    return found


def _add(found: dict[str, Any], part: Iterator[tuple[str, Any]]) -> None:
    for key, value in part:
        if len(found) < MOST:
            found.setdefault(key, value)


# -- configuration objects ---------------------------------------------------------------------


def _named(held: Mapping[str, Any], *, classes: bool) -> Iterator[tuple[str, Any]]:
    """Items of the configuration objects among variables, and of those that `self` has.

    Or, with `classes`, of the classes that are called so.
    """
    for name, value in list(held.items()):
        if name.startswith("__") or isinstance(value, type) is not classes:
            continue
        yield from _items(name, value)
        if name == "self" and hasattr(value, "__dict__"):
            for key, one in list(vars(value).items()):
                yield from _items(key, one)
            yield from _flat("", configured.built_with(value))


def _items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    kind = type(value)
    if isinstance(value, argparse.Namespace):
        yield from _flat("", vars(value))
        return
    called = CONFIG.search(name) is not None
    if kind is dict:
        if called and all(type(key) is str for key in value):
            yield from _flat("", value)
    elif kind in (types.FunctionType, types.BuiltinFunctionType, types.MethodType):
        return
    elif isinstance(value, type):
        if CONFIG.search(kind_name := value.__name__) and name == kind_name:
            yield from _flat("", configured.of_class(value))
    elif isinstance(value, types.ModuleType):
        if called and not hasattr(value, "__path__"):
            yield from ((k, v) for k, v in _flat("", vars(value)) if not k.startswith("_"))
    elif called or CONFIG.search(kind.__name__):
        yield from _flat("", configured.of_object(value), kind=kind)


def _flat(
    prefix: str, held: Mapping[str, Any], depth: int = 0, kind: type | None = None
) -> Iterator[tuple[str, Any]]:
    """Settings by name, also of configurations within a configuration (of `kind`)."""
    for key, value in list(held.items()):
        name = f"{prefix}{key}"
        if key.startswith("_"):
            continue
        value = configured.simple(value)
        if plain(value):
            yield name, list(value) if isinstance(value, tuple) else value
        elif depth < 3:
            inner = configured.inside(value, kind)
            yield from _flat(f"{name}.", inner, depth + 1, kind)


# -- constants, parameters, loops --------------------------------------------------------------


def _own(frame: FrameType, held: Mapping[str, Any], born: Birth) -> Iterator[tuple[str, Any]]:
    """What a function was given, or gives a name to once and for all."""
    tree, _ = sources.nodes_at(frame)
    scope = scope_of(tree, frame.f_code) if tree is not None else None
    names = list(_parameters(frame.f_code))
    if scope is not None and tree is not None:
        names += _constants(scope)
        names += _loops(tree, scope, frame, born)
    for name in dict.fromkeys(names):
        if name in held and name not in COUNTERS and plain(held[name]) and held[name] is not None:
            value = held[name]
            yield name, list(value) if isinstance(value, tuple) else value
    if scope is not None and frame.f_code.co_name != "<module>" and tree is not None:
        for name in _constants(tree.root):
            value = frame.f_globals.get(name)
            if plain(value) and value is not None:
                yield name, list(value) if isinstance(value, tuple) else value


def _parameters(code: CodeType) -> tuple[str, ...]:
    if code.co_name == "<module>":
        return ()
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def scope_at(frame: FrameType) -> ast.AST | None:
    """The function, or the module, whose source a frame is in; None where there is no source."""
    tree = sources.tree_of(frame)
    return None if tree is None else scope_of(tree, frame.f_code)


def scope_of(tree: sources.Tree, code: CodeType) -> ast.AST | None:
    """The function, or the module, that was compiled to `code`."""
    if code.co_name == "<module>":
        return tree.root
    for node in tree.functions:
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        if node.name == code.co_name and first <= code.co_firstlineno <= node.lineno:
            return node
    return None


def _constants(scope: ast.AST) -> list[str]:
    """Names that are given a constant, and nothing else, outside of loops."""
    given: dict[str, int] = {}
    constant: set[str] = set()
    for node, looped in statements(scope, False):
        for name, value in bound(node):
            given[name] = given.get(name, 0) + 1
            if value is not None and not looped and _is_constant(value):
                constant.add(name)
    return [name for name in given if name in constant and given[name] == 1 and name[0] != "_"]


def statements(node: ast.AST, looped: bool) -> Iterator[tuple[ast.AST, bool]]:
    """The statements of a function's own body, and whether they stand in a loop."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(child, ast.stmt):
            yield child, looped
            yield from statements(child, looped or isinstance(child, ast.For | ast.While))


def bound(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that a statement gives a value, with the value where it is theirs alone."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple | ast.List):
                parts = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else []
                for i, one in enumerate(target.elts):
                    if isinstance(one, ast.Name):
                        yield one.id, parts[i] if i < len(parts) else None
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        if isinstance(node.target, ast.Name):
            yield node.target.id, node.value if isinstance(node, ast.AnnAssign) else None
    elif isinstance(node, ast.For):
        for part in ast.walk(node.target):
            if isinstance(part, ast.Name):
                yield part.id, None


def kept_as(scope: ast.AST) -> dict[str, str]:
    """What variables are called where they are kept: `history["val_loss"].append(va)`."""
    found: dict[str, str] = {}
    for node, _ in statements(scope, False):
        target: ast.expr | None = None
        value: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            for name, one in logged(call):
                if isinstance(one, ast.Name):
                    found.setdefault(one.id, name)
            if sources.appended(call) and isinstance(call.func, ast.Attribute) and call.args:
                target, value = call.func.value, call.args[0]
        if isinstance(target, ast.Subscript) and isinstance(value, ast.Name):
            key = target.slice.value if isinstance(target.slice, ast.Constant) else None
            if isinstance(key, str) and key:
                found.setdefault(value.id, key)
    return found


def logged(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call logs by name: `wandb.log({"val_loss": va})`, `self.log_metrics({…}, step)`."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    given = [one for one in call.args if isinstance(one, ast.Dict)] if LOGS.match(name) else []
    for held in given:
        for key, one in zip(held.keys, held.values, strict=True):
            named = key.value if isinstance(key, ast.Constant) else None
            if isinstance(named, str) and named:
                yield named, one


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_is_constant, node.elts))
    return False


def _loops(tree: sources.Tree, scope: ast.AST, frame: FrameType, born: Birth) -> list[str]:
    """Variables of the loops that the optimizer was built in: folds, seeds, rates to be tried."""
    line = frame.f_lineno
    lines = [at for code, at in born if code is frame.f_code]
    found = []
    for node, _ in statements(scope, False):
        if (
            isinstance(node, ast.For)
            and _within(node, line)
            and any(_within(node, at) for at in lines)
        ):
            found += [one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)]
    return found


def _within(node: ast.For, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or 0)
