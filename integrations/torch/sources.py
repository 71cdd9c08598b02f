"""The program's source as a tree: the loop and the call that a frame is in, what follows them."""

from __future__ import annotations

import ast
import itertools
import linecache
import re
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FrameType

from autolog.callsite import find_site, parse, user_frame
from autolog.following.naming import followed

from .frames import variables
from .names import NOTHING, part_of

Span = tuple[int, int, int, int]
LARGEST = 2_000_000
"""Characters of a file that is read as a tree."""


class Tree:
    """One file's syntax: nodes by their place, and what each stands in."""

    def __init__(self, text: str) -> None:
        self.parents: dict[ast.AST, ast.AST] = {}
        self.at: dict[Span, list[ast.AST]] = {}
        self.root: ast.Module = parse(text)
        self.functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        for node in ast.walk(self.root):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append(node)
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.expr | ast.stmt):
                self.at.setdefault(span_of(node), []).append(node)


def span_of(node: ast.expr | ast.stmt) -> Span:
    """The place of a node in its source."""
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def tree_of(frame: FrameType) -> Tree | None:
    """The tree of the file that a frame's code was compiled from, if it can be had."""
    linecache.lazycache(frame.f_code.co_filename, frame.f_globals)
    return tree_in(frame.f_code.co_filename)


def tree_in(file: str) -> Tree | None:
    """The tree of a file that is known by name."""
    return _tree("".join(linecache.getlines(file)))


@lru_cache(maxsize=64)
def _tree(text: str) -> Tree | None:
    if not text or len(text) > LARGEST:
        return None
    try:
        return Tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def nodes_at(frame: FrameType) -> tuple[Tree | None, list[ast.AST]]:
    """The nodes whose place is that of the instruction that a frame is at."""
    tree, span = tree_of(frame), span_at(frame.f_code, frame.f_lasti)
    return tree, [] if tree is None or span is None else tree.at.get(span, [])


def span_at(code: CodeType, offset: int) -> Span | None:
    """The place in the source of the instruction at `offset`."""
    place = next(itertools.islice(code.co_positions(), offset // 2, None), None)
    if place is None or None in place:
        return None
    first, last, start, end = place
    return first or 0, start or 0, last or 0, end or 0


def loop_at(frame: FrameType) -> tuple[Tree | None, ast.For | None]:
    """The `for` statement whose iterator a frame is asking for its next item.

    Python 3.11 gives that instruction the place of the statement, later ones that of its data.
    """
    tree, nodes = nodes_at(frame)
    for node in nodes:
        if isinstance(node, ast.For):
            return tree, node
        parent = tree.parents.get(node) if tree is not None else None
        if isinstance(parent, ast.For) and parent.iter is node:
            return tree, parent
    return tree, None


def loop_left(frame: FrameType) -> tuple[Tree | None, ast.For | None]:
    """The `for` statement that a frame leaves just now: its items are used up, or by `break`."""
    tree, nodes = nodes_at(frame)
    here: ast.AST | None = next((one for one in nodes if isinstance(one, ast.Break)), None)
    if tree is None or here is None:
        return loop_at(frame)
    while here is not None and not isinstance(here, ast.For | ast.While):
        here = tree.parents.get(here)
    return tree, here if isinstance(here, ast.For) else None


def gone_through(frame: FrameType) -> tuple[str, bool]:
    """What the program calls the loader whose iteration begins in `frame`.

    `enumerate(train_loader)`, `tqdm(self.train_loader)`, `iter(loaders["val"])`: through calls, to
    the variable of the outermost function that only handed it on. With it whether the same place
    goes over several: `loaders[phase]`.
    """
    _, nodes = nodes_at(frame)
    for node in nodes:
        given = node.iter if isinstance(node, ast.For) else node
        if isinstance(given, ast.expr):
            name, shared = _data_name(frame, given)
            if name:
                return name, shared
    return "", False


def _data_name(frame: FrameType, node: ast.expr) -> tuple[str, bool]:
    while isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if isinstance(node, ast.Name):
        return followed(frame, node.id), False
    if isinstance(node, ast.Attribute):
        return node.attr, False
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.Constant):
            return str(key.value), False
        if isinstance(key, ast.Name):
            found = variables(frame).get(key.id)
            return (found, True) if isinstance(found, str) else ("", True)
    return "", False


def part(frame: FrameType, name: str) -> tuple[str, bool]:
    """`val`, `test`, …: which part of the data a pass goes over, as the source says.

    With it whether anything but the names of functions says so.

    By a variable `split` or `phase`, by what the loss is called, by what the caller calls the
    result (`val_loss = evaluate(…)`), else by the name of the data, else by the function's or a
    caller's name.
    """
    caller = outer(frame)
    texts = [phase(frame), *targets(frame), *([] if caller is None else targets(caller)), name]
    site = find_site(caller) if caller is not None else None
    known = next(filter(None, map(part_of, texts)), "")
    texts = [site.call_text() or ""] if site is not None else []
    texts += [one.f_code.co_name for one in (frame, caller) if one is not None]
    return known or next(filter(None, map(part_of, texts)), ""), bool(known)


COPY = re.compile(r"(?:^|[^a-zA-Z])(ema|swa|averaged|shadow|teacher)(?=[^a-zA-Z]|$)", re.I)


def copy_of(frame: FrameType) -> str:
    """`ema` and the like, where a pass judges a copy of the model, as the source says."""
    caller = outer(frame)
    texts = list(targets(frame))
    for one in (frame, caller):
        site = find_site(one) if one is not None else None
        texts += [site.call_text() or ""] if site is not None else []
    texts += [] if caller is None else targets(caller)
    found = next((match for text in texts if (match := COPY.search(text))), None)
    return NOTHING if found is None else found[1].lower()


PHASES = ("split", "phase", "mode", "stage", "subset", "part", "name")


def phase(frame: FrameType) -> str:
    """What a variable says that tells passes of one loop apart: `for split in …`."""
    names = _phases(frame.f_code)
    if names:
        held = variables(frame)
        for name in names:
            value = held.get(name)
            if isinstance(value, str) and part_of(value):
                return value
    return NOTHING


@lru_cache(maxsize=512)
def _phases(code: CodeType) -> tuple[str, ...]:
    named = code.co_names if code.co_name == "<module>" else code.co_varnames
    return tuple(name for name in PHASES if name in named)


def outer(frame: FrameType) -> FrameType | None:
    """The frame of the program that called this one directly; None at the top or for a library."""
    return None if frame.f_code.co_name == "<module>" else user_frame(frame.f_back)


def targets(frame: FrameType) -> list[str]:
    """What the result of the call that a frame is in is called: one name for each part of it."""
    tree, nodes = nodes_at(frame)
    for node in nodes:
        parent = tree.parents.get(node) if tree is not None else None
        if isinstance(node, ast.Call) and parent is not None:
            found = list(_assigned(parent, node))
            if found:
                return found
    return []


def made_as(frame: FrameType) -> str:
    """What is called what the call in a frame makes: also where it is given back by a function."""
    tree, nodes = nodes_at(frame)
    for node in nodes:
        parent = tree.parents.get(node) if tree is not None else None
        if isinstance(parent, ast.Return):
            caller = outer(frame)
            return made_as(caller) if caller is not None else NOTHING
        if isinstance(parent, ast.Tuple) and tree is not None:
            whole = tree.parents.get(parent)
            names = list(_assigned(whole, parent)) if whole is not None else []
            if len(names) == len(parent.elts):
                return names[parent.elts.index(node)] if isinstance(node, ast.expr) else NOTHING
        elif isinstance(node, ast.Call) and parent is not None:
            names = list(_assigned(parent, node))
            if len(names) == 1:
                return names[0]
    return NOTHING


def _assigned(parent: ast.AST, value: ast.expr) -> Iterator[str]:
    if isinstance(parent, ast.Assign) and parent.value is value:
        target = parent.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        for one in parts:
            yield title(one)
    elif isinstance(parent, ast.AnnAssign | ast.NamedExpr):
        yield title(parent.target)
    elif isinstance(parent, ast.Call) and value in parent.args:
        name = appended(parent)
        if name:
            yield name


def appended(call: ast.Call) -> str:
    """What a list is called that a call appends to; nothing for other calls."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "append":
        return title(function.value)
    return ""


def title(node: ast.expr) -> str:
    """The name of what is assigned to: `val_loss`, `history["val_loss"]`, `self.val_loss`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        return title(node.value)
    if isinstance(node, ast.Starred):
        return title(node.value)
    return ""
