"""A call as it is written: its callee and the text of its arguments, read off the source."""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import linecache
from collections.abc import Collection, Iterator
from types import CodeType
from typing import Any, NamedTuple

from .forking import ForkSafeLock

LONGEST_NAME = 80
"""Characters of an argument's text that are kept."""


class CallText(NamedTuple):
    """A call as it is written: the callee's last word, whether behind a dot, the arguments' text.

    `positional` ends before the first starred argument, in which case `open` is set; `spread`
    says that there is one with two stars.
    """

    callee: str
    dotted: bool
    positional: tuple[str, ...]
    keywords: dict[str, str]
    open: bool
    spread: bool = False


_parsing = ForkSafeLock()


def parse(text: str, mode: str = "exec") -> Any:
    """`ast.parse`, one thread at a time; raises what that raises for a text that is no program.

    CPython 3.11 counts the depth of all threads together, and may end with a SystemError where
    several parse at once: the program's own threads may too, so that it is tried again.
    """
    with _parsing:
        for _ in range(8):
            try:
                return ast.parse(text, mode=mode)
            except SystemError:
                continue
    raise SyntaxError("other threads parse all the time")


def fitting(
    call: CallText, function: str, positional: int, keywords: Collection[str]
) -> dict[int | str, str]:
    """The names in `call`, if it can be the very call that received these arguments.

    What came out of a mapping (`fit(**common)`) is called by its key.
    """
    texts = call.positional
    named = call.dotted and call.callee == function
    if named and len(texts) == positional + 1 and not call.open:
        texts = texts[1:]  # `Ridge.fit(est, X)`: the instance came first
    if len(texts) > positional if call.open else len(texts) != positional:
        return {}
    if not all(key in keywords for key in call.keywords):
        return {}
    if call.callee != function and (call.dotted or _calls_on(call.callee)):
        return {}
    names: dict[int | str, str] = {i: text for i, text in enumerate(texts) if text}
    if call.spread:
        names.update({key: key for key in keywords})
    names.update(call.keywords)
    return names


def _calls_on(name: str) -> bool:
    """Whether a bare callee may be C code that calls on: `map(est.fit, Xs)`, `reduce(fit, Xs)`."""
    return any(hasattr(module, name) for module in (builtins, functools, itertools))


_NO_CALL = CallText("", True, (), {}, True)


def read_call(text: str | None) -> CallText:
    """The call that is the whole of `text`; an empty one where that is none."""
    # In parentheses, so that an expression over several lines needs no backslash.
    source = f"({text})"
    try:
        node = parse(source, "eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _NO_CALL
    return _call_text(node, source) if text and isinstance(node, ast.Call) else _NO_CALL


def _call_text(node: ast.Call, source: str) -> CallText:
    callee = node.func
    dotted = isinstance(callee, ast.Attribute)
    name = getattr(callee, "attr", "") or getattr(callee, "id", "")
    plain = list(_before_star(node.args))
    return CallText(
        name,
        dotted,
        tuple(_name_of(item, source) for item in plain),
        {item.arg: _name_of(item.value, source) for item in node.keywords if item.arg},
        len(plain) < len(node.args),
        any(item.arg is None for item in node.keywords),
    )


def _before_star(items: list[ast.expr]) -> Iterator[ast.expr]:
    for item in items:
        if isinstance(item, ast.Starred):
            return
        yield item


def _name_of(node: ast.expr, source: str) -> str:
    if isinstance(node, ast.NamedExpr):
        return node.target.id
    return _shown(ast.get_source_segment(source, node) or "")


def _shown(text: str) -> str:
    text = " ".join(text.split())
    for prefix in ("self.", "cls."):
        if text.startswith(prefix) and text[len(prefix) :].isidentifier():
            text = text[len(prefix) :]
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def assigned(code: CodeType, after: int, source: str) -> str | None:
    """The text of the target of the store at byte `after`, if one stands there."""
    from opcode import opname

    names = code.co_code
    while after < len(names) and opname[names[after]].startswith(("CACHE", "COPY", "LOAD_")):
        after += 2  # the loads are those of the target's owner: `self.model = est.fit(X)`
    if after >= len(names) or not opname[names[after]].startswith("STORE_"):
        return None
    text = text_at(code, after, source)
    return _shown(text) if text else None


def last_value(name: str, function: str, line: int, source: str) -> str | None:
    """What a variable was last given above `line`, in the function of that name or at the top.

    As it is written in the file; None where it comes to its value in another way.
    """
    known = _values("".join(linecache.getlines(source)))
    for place in (function, "<module>"):
        texts = [
            text for at, text in known.get((place, name), ()) if at < line or place != function
        ]
        if texts:
            return texts[-1]
    return None


Values = dict[tuple[str, str], list[tuple[int, str]]]


@functools.lru_cache(maxsize=16)
def _values(text: str) -> Values:
    """For each function and variable: the lines and texts of what it is given there."""
    found: Values = {}
    try:
        _collect(parse(text), "", text, found)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found


def _collect(node: ast.AST, inside: str, text: str, found: Values) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assign | ast.AnnAssign):
            target = child.target if isinstance(child, ast.AnnAssign) else child.targets[0]
            value = ast.get_source_segment(text, child.value) if child.value else None
            if isinstance(target, ast.Name) and value:
                place = inside.removesuffix(".<locals>") or "<module>"
                found.setdefault((place, target.id), []).append((child.lineno, value))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            local = "" if isinstance(child, ast.ClassDef) else ".<locals>"
            dot = "." if inside else ""
            _collect(child, f"{inside}{dot}{child.name}{local}", text, found)
        else:
            _collect(child, inside, text, found)


def text_at(code: CodeType | None, offset: int, source: str) -> str | None:
    """The text in the file `source` that the instruction at `offset` (in bytes) came from."""
    if code is None:
        return None
    place = next(itertools.islice(code.co_positions(), offset // 2, None), (None,) * 4)
    first, last, start, end = place
    if first is None or last is None or start is None or end is None:
        return None
    lines = linecache.getlines(source)[first - 1 : last]
    if len(lines) != last - first + 1:
        return None
    # Columns count bytes of UTF-8; the last line is cut first, as it may be the first one too.
    raw = [line.encode("utf-8", "replace") for line in lines]
    raw[-1] = raw[-1][:end]
    raw[0] = raw[0][start:]
    return b"".join(raw).decode("utf-8", "replace")
