"""Single numbers that the program shows by what it prints or logs, read from where they are.

`print(f"test F1 {metrics['f1']:.4f}")`, `logging.info("best %.3f", self.best_acc)`: whatever its
name or the text before it calls a measure, in the function that says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from types import FrameType

from . import configs, printing, readings
from .arithmetic import Unknown, title_of
from .frames import variables
from .helpers import MEANS, Runner
from .names import named, part_of
from .training import Training
from .turns import CLOCKS, plan

Shown = Iterable[tuple[str, ast.expr]]


def write(training: Training, frame: FrameType, shown: Shown, *, amidst: bool) -> bool:
    """Write the numbers down that a call shows; gives whether it shows any.

    One that a series has at this step already is no new one. In the midst of a loop over data
    what comes of its sums is not final.
    """
    growing = plan(frame).sums if amidst else {}
    runner: Runner | None = None
    found = False
    for text, node in shown:
        name = _name(text, node)
        held = (title_of(one) for one in ast.walk(node) if isinstance(one, ast.expr))
        if not name or name in training.told or any(one in growing for one in held):
            continue
        runner = runner or Runner(variables(frame), frame.f_globals, frozenset())
        try:
            number = runner.number(node)
        except Unknown:
            continue
        if isinstance(number.value, float):
            found = True
            name = _of_item(runner, name, node)
            if name and not _is_known(training, name, number.value, own=isinstance(node, ast.Name)):
                readings.write(training, name, number.value, training.step, readings.SHOWN)
    return found


def _name(text: str, node: ast.expr) -> str:
    """What a shown number is called, if that says that it is a measure; else nothing.

    A variable or an attribute by its name, an item or a meter by what stands before it, if that
    says as much, else by its key.
    """
    own = node.id if isinstance(node, ast.Name) else named(node)[0]
    label = printing.label(text)
    if label in printing.ALONE:
        label = f"{part_of(label)}_{own}" if own else ""
    if _any_key(node):
        return label or own
    measured = printing.MEASURE.search(label.lower()) is not None
    itself = isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and own not in MEANS)
    name = label if measured and not itself else own or label
    words = name.lower()
    if (
        (name in configs.COUNTERS and "best" not in words)
        or name.startswith("_")
        or any(one in words for one in CLOCKS)
    ):
        return ""
    return name if printing.MEASURE.search(words) else ""


def _any_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name)


def _of_item(runner: Runner, name: str, node: ast.expr) -> str:
    """`test_f1` of `metrics[name]` after `Test {name}: `: the key is a variable's value."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Name):
        return name
    key, part = str(runner.value(node.slice)), part_of(name)
    if not printing.MEASURE.search(key.lower()):
        return ""
    return f"{part}_{key}" if part and not part_of(key) else key


def _is_known(training: Training, name: str, value: float, *, own: bool) -> bool:
    """Whether a series says the same; of a variable's `own` name one that means the same."""
    meant, part = _words(name), part_of(name)
    return any(
        _words(key) == meant or not (own or part_of(key) != part)
        for key, one in training.series.items()
        if one.value == value and one.last == training.step
    )


def _words(name: str) -> frozenset[str]:
    words = re.findall("[a-z0-9]+", name.lower())
    return frozenset("accuracy" if word == "acc" else word for word in words)


def spelled_out(frame: FrameType, call: ast.Call) -> ast.Call:
    """The call with its texts in place of variables and sums: `message = f"…"; log(message)`."""
    given: list[ast.expr] = []
    for one in call.args:
        parts = [one]
        while isinstance(parts[0], ast.BinOp) and isinstance(parts[0].op, ast.Add):
            parts[:1] = [parts[0].left, parts[0].right]
        texts = [_text(frame, part) for part in parts]
        given += texts if all(map(_is_text, texts)) else [one]
    return ast.Call(call.func, given, call.keywords) if given != call.args else call


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    formatted = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"
    template = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
    return formatted or template or isinstance(node, ast.JoinedStr)


def _text(frame: FrameType, node: ast.expr) -> ast.expr:
    """The text that a variable was given last before the line at which the frame is."""
    scope = configs.scope_at(frame) if isinstance(node, ast.Name) else None
    found = node
    for one, _ in configs.statements(scope, False) if scope is not None else ():
        if getattr(one, "lineno", 0) < frame.f_lineno:
            for name, value in configs.bound(one):
                if isinstance(node, ast.Name) and name == node.id and value is not None:
                    found = value
    return found
