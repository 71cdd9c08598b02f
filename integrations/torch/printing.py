"""Numbers that the program reckons only to show them: `print(f"Loss: {total / n:.4f}")`.

They are called what the text before them calls them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from .arithmetic import Reckoner, Result, Unknown
from .names import part_of

PLACEHOLDER = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%]|\{[^{}]*\}")
LABEL = re.compile(r"([A-Za-z][\w ./-]*?)\s*[:=(]?\s*$")
MEASURE = re.compile(
    r"accuracy|acc|loss|error|f1|precision|recall|auc|iou|dice|perplexity|ppl|bleu|psnr|ssim|mse"
    r"|mae|rmse|reward|return|score"
)


def printed(reckoner: Reckoner, statements: Iterable[ast.stmt]) -> Iterator[Result]:
    """What the calls among these statements show, if it comes of the loop's sums."""
    for statement in statements:
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            continue
        for text, node in shown(statement.value):
            name = label(text)
            if not name or not isinstance(node, ast.BinOp | ast.Call):
                continue
            try:
                number = reckoner.number(node)
            except Unknown:
                continue
            if number.derived:
                yield Result(name, float(number.value), ast.unparse(node))


def label(text: str) -> str:
    """`avg_loss` of `Test Error: Avg loss: `; nothing where no word stands right before."""
    found = LABEL.search(re.split(r"[,;|\t\n]|: (?=\S)", text)[-1])
    words = re.findall(r"\w+", found[1].lower()) if found else []
    if not any(map(MEASURE.search, words[-3:])):
        measures = [word for word in words if MEASURE.fullmatch(word)]
        if measures:  # `Accuracy of the network on the test images:`
            part = part_of(" ".join(words))
            return f"{part}_{measures[0]}" if part else measures[0]
    return "_".join(words[-3:])


def shown(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Each value that a call is given to show, with the text before it."""
    if len(call.args) > 1 and _placeholders(call.args[0]) == len(call.args) - 1:
        yield from _of_format(call.args[0], call.args[1:])  # `logger.info("loss %.3f", loss)`
        return
    yield from ((word.arg, word.value) for word in call.keywords if word.arg)
    before = ""
    for argument in call.args:
        if isinstance(argument, ast.JoinedStr):
            yield from _of_fstring(argument)
        elif isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Mod):
            right = argument.right
            values = right.elts if isinstance(right, ast.Tuple) else [right]
            yield from _of_format(argument.left, values)
        elif isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
            if argument.func.attr == "format":
                yield from _of_format(argument.func.value, argument.args)
            else:
                yield before, argument
        else:
            yield before, argument
        constant = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        before = str(argument.value) if constant else ""  # type: ignore[attr-defined]


def _placeholders(node: ast.expr) -> int:
    text = node.value if isinstance(node, ast.Constant) else None
    return len(re.findall(r"%[^%]", text)) if isinstance(text, str) else 0


def _of_fstring(node: ast.JoinedStr) -> Iterator[tuple[str, ast.expr]]:
    before = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            yield before, part.value
            before = ""
        elif isinstance(part, ast.Constant):
            before = str(part.value)


def _of_format(text: ast.expr, values: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        return
    parts = PLACEHOLDER.split(text.value.replace("%%", ""))
    yield from zip(parts, values, strict=False)
