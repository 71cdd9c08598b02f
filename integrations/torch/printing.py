"""Numbers that the program reckons only to show them: `print(f"Loss: {total / n:.4f}")`.

They are called what the text before them calls them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from .arithmetic import Reckoner, Result, Unknown, title_of
from .names import part_of

PLACEHOLDER = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%]|\{[^{}]*\}")
LABEL = re.compile(r"([A-Za-z][\w ./-]*?)\s*[:=(]?\s*$")
MEASURE = re.compile(
    r"accuracy|acc|loss|error|f1|precision|recall|auc|iou|dice|perplexity|ppl|bleu|psnr|ssim|mse"
    r"|mae|rmse|reward|return|score"
)

PREPOSITIONS = frozenset(("for", "of", "on", "in", "at", "after"))
ALONE = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "eval"))
"""Labels that say no more than which part of the data is meant."""


def printed(
    reckoner: Reckoner,
    statements: Iterable[ast.stmt],
    sums: Mapping[str, str],
    but: frozenset[str] = frozenset(),
) -> Iterator[Result]:
    """What the calls among these statements show, if it comes of the loop's sums, `but` these."""
    for statement in statements:
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            continue
        for text, node in shown(statement.value):
            name = called(text, node, sums)
            held = (title_of(one) for one in ast.walk(node) if isinstance(one, ast.expr))
            if not name or not isinstance(node, ast.BinOp | ast.Call) or but.intersection(held):
                continue
            try:
                number = reckoner.number(node)
            except Unknown:
                continue
            if number.derived:
                yield Result(name, float(number.value), ast.unparse(node))


def called(text: str, node: ast.expr, sums: Mapping[str, str]) -> str:
    """What a number is called that is shown after a text and comes of sums.

    `test` alone says which part of the data it is of; what it is says the sum's name, or that of
    what was added to it. `Average loss` alone says what it is; of what the sum's name may say.
    """
    name = label(text)
    part = part_of(name)
    alone = not name or name in ALONE
    kind = MEASURE.search(name)
    held = (title_of(one) for one in ast.walk(node) if isinstance(one, ast.expr))
    for total in dict.fromkeys(one for one in held if one in sums):
        for word in (total.rpartition(".")[2], sums[total]):
            measure = MEASURE.search(word.lower())
            if measure is None:
                continue
            if alone:
                return f"{part}_{measure[0]}" if part else word
            if not part and part_of(word) and kind is not None and kind[0] == measure[0]:
                return word  # `Average loss` of `train_loss`
    return name


def label(text: str) -> str:
    """`avg_loss` of `Test Error: Avg loss: `; nothing where no word stands right before."""
    found = LABEL.search(re.split(r"[,;|\t\n]|: (?=\S)", text)[-1])
    words = re.findall(r"\w+", found[1].lower()) if found else []
    if len(words) > 2 and words[1] in PREPOSITIONS and MEASURE.fullmatch(words[0]):
        part = part_of(" ".join(words))  # `Accuracy for fold`
        return f"{part}_{words[0]}" if part else words[0]
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
    before, found = "", []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            found.append((before, part.value))
            before = ""
        elif isinstance(part, ast.Constant):
            before = str(part.value)
    yield from _led(found)


def _of_format(text: ast.expr, values: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        return
    parts = PLACEHOLDER.split(text.value.replace("%%", ""))
    yield from _led(zip(parts, values, strict=False))


def _led(parts: Iterable[tuple[str, ast.expr]]) -> Iterator[tuple[str, ast.expr]]:
    """`Accuracy for fold 3: 66 %`, `Test {name}: 0.66`: the words before the last value but one,
    where none stand between.
    """
    before = ""
    for text, value in parts:
        together = f"{before}{text}"
        words = re.findall(r"\w+", before.lower())
        said = MEASURE.search(before.lower()) or (words and words[-1] in ALONE)
        bare = not re.search(r"[A-Za-z]", text) and said
        yield (together if bare else text), value
        before = text
