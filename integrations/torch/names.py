"""What the program calls things: losses by what `backward` is called on, optimizers, results."""

from __future__ import annotations

import ast
import functools
import re

from autolog.callsite import parse

PASSED = frozenset(
    ("mean", "sum", "scale", "float", "double", "squeeze", "item", "detach", "clone")
)
"""Calls by which a loss stays what it is called: `loss.mean()`, `scaler.scale(loss)`."""

NOTHING = ""


def expression(text: str | None) -> ast.expr | None:
    """The expression that a text is; None where it is none."""
    try:
        return parse(f"({text})", "eval").body if text else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def loss_of(text: str | None) -> tuple[str, bool]:
    """What a call of `backward` is made on, and whether it is divided there.

    `errD_real.backward()` gives `errD_real`, `scaler.scale(loss / 4).backward()` gives `loss`,
    `accelerator.backward(out["loss"])` too; nothing where there is no name, or where a library was
    called that calls `backward` itself (`trainer.train()`), unless it was given a loss.
    """
    node = expression(text)
    if not isinstance(node, ast.Call):
        return NOTHING, False
    called = node.func
    word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    own = "backward" in word
    if node.args:
        first = node.args[0]
        node = first.elts[0] if isinstance(first, ast.List | ast.Tuple) and first.elts else first
    elif isinstance(called, ast.Attribute):
        node = called.value
    name, divided = named(node)
    return (name, divided) if own or "loss" in name.lower() else (NOTHING, False)


def named(node: ast.expr | None) -> tuple[str, bool]:
    """The name of a value, through what does not change what it is."""
    divided = False
    while True:
        if isinstance(node, ast.Name):
            return node.id, divided
        if isinstance(node, ast.Attribute):
            return node.attr, divided
        if isinstance(node, ast.Subscript):
            key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                return key.value, divided
            node = node.value
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult):
            divided = divided or isinstance(node.op, ast.Div)
            node = node.right if isinstance(node.left, ast.Constant) else node.left
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Call):
            node = through(node)
        else:
            return NOTHING, divided


def lost(call: ast.Call, number: int = 0) -> ast.expr | None:
    """The expression that a call of `backward` is made on, through what leaves it what it is.

    `number` is its place among several: `torch.autograd.backward([a, b])`.
    """
    given: ast.expr | None = None
    if call.args:
        given = call.args[0]
        if isinstance(given, ast.List | ast.Tuple):
            given = given.elts[number] if given.elts[number:] else None
    elif isinstance(call.func, ast.Attribute):
        given = call.func.value
    node = given
    while True:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult):
            node = node.right if isinstance(node.left, ast.Constant) else node.left
        elif isinstance(node, ast.Call):
            node = through(node)
        else:
            break
    return node if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else given


def through(node: ast.Call) -> ast.expr | None:
    """What a call leaves as it is, but for its form; None for all other calls."""
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr not in PASSED:
        return None
    if node.args and not isinstance(node.args[0], ast.Constant):
        return node.args[0]
    return function.value


# -- the data's part ---------------------------------------------------------------------------

_PARTS = (
    ("val", re.compile(r"(?<!e)val(?!ue)|(?:^|_)va?_?(?:loss|acc)|(?:^|_)dev(?:$|_|set|load)")),
    ("test", re.compile(r"test(?!imat)")),
    ("train", re.compile(r"train|(?:^|_)tr_(?:loss|acc)")),
    ("eval", re.compile(r"eval")),
)


@functools.lru_cache(maxsize=1024)
def part_of(name: str) -> str:
    """`val`, `test`, `train` or `eval`, as a name says; nothing where it says none."""
    text = name.lower()
    return next((part for part, form in _PARTS if form.search(text)), NOTHING)
