"""Hooking module-level functions in place, so that every reference to them is hooked as well.

The function object stays; its code is exchanged for a *trampoline* with the same parameters and
free variables, which hands the call to the driver. The driver is given a twin of the function that
has the original code. Positional parameters arrive as `args`, defaults filled in; keyword-only ones
and those that `**kwargs` collects arrive as `kwargs`.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import weakref
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import wrapt

from ._importlib_bootstrap import internal_filename, with_code
from .ledger import Attribute, Ledger, put_attribute
from .methods import HOOKED, ByName, Driver

_NOT_PLAIN = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
LINKS = ModuleType("links")
"""Driver and twin of each trampoline, as attributes that tracing compilers can follow."""

_numbers = itertools.count()


def wrap_function(function: Any, drive: Driver, ledger: Ledger) -> bool:
    """Hook a plain synchronous Python function in place; whether that could be done.

    False, with nothing done, for all else (`rebind` is for that) and where it is hooked already.
    """
    if type(function) is not FunctionType or function.__code__.co_flags & _NOT_PLAIN:
        return False
    original = function.__code__
    if is_trampoline(original):
        return False
    trampoline = _trampoline(function, drive)
    ledger.note(_Code(function, original, trampoline))
    function.__code__ = trampoline
    return True


def is_trampoline(code: CodeType) -> bool:
    """Whether a code object is one of ours."""
    return code.co_consts[-1:] == (_MARK,)


class _Mark:
    """The last constant of a trampoline, by which we know our own."""


_MARK = _Mark()


class _Code:
    """A function whose code was exchanged."""

    def __init__(self, function: FunctionType, original: CodeType, ours: CodeType) -> None:
        self._function, self._ours = weakref.ref(function), weakref.ref(ours)
        self._original = original
        self._title = f"{function.__module__}.{function.__qualname__}"

    def undo(self) -> bool:
        function, ours = self._function(), self._ours()
        if function is None or ours is None:
            return True
        if function.__code__ is not ours:
            return False
        function.__code__ = self._original
        return True

    def __str__(self) -> str:
        return self._title


def _trampoline(function: FunctionType, drive: Driver) -> CodeType:
    code, number = function.__code__, next(_numbers)
    twin = with_code(function, code)
    blank = _blank(*_shape(code))
    objects = {"<drive>": drive, "<twin>": twin}
    constants = [objects.get(c, c) if type(c) is str else c for c in blank.co_consts]
    names = [f"{name}{number}" if name in ("drive_", "twin_") else name for name in blank.co_names]
    trampoline = blank.replace(
        co_consts=(*constants, _MARK),
        co_names=tuple(names),
        co_filename=internal_filename(code.co_filename),
        co_firstlineno=code.co_firstlineno,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )
    vars(LINKS).update({f"drive_{number}": drive, f"twin_{number}": twin})
    weakref.finalize(trampoline, _unlink, number).atexit = False
    return trampoline


def _unlink(number: int) -> None:
    for name in ("drive_", "twin_"):
        del vars(LINKS)[f"{name}{number}"]


def _shape(code: CodeType) -> tuple[Any, ...]:
    """All that a trampoline must share with a code object: its parameters and free variables."""
    named = code.co_argcount + code.co_kwonlyargcount
    starred = bool(code.co_flags & inspect.CO_VARARGS)
    doubled = bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: named + starred + doubled]
    counts = (code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount)
    return names, counts, starred, doubled, code.co_freevars


_SOURCE = """
def outer({outer}):
    def inner({header}):
        if 0:
            {free}
        try:
            import autolog as {twin}
            {drive} = {twin}.inplace.LINKS.drive_
            {twin} = {twin}.inplace.LINKS.twin_
        except Exception:
            {drive} = "<drive>"
            {twin} = "<twin>"
        try:
            return {drive}({twin}, None, ({given}), {{{named}}})
        except BaseException as {drive}:
            {drive}.__traceback__ = {drive}.__traceback__ and {drive}.__traceback__.tb_next
            raise
"""
# The dead branch makes the compiler count the free variables as this function's own. Driver and
# twin stand among the constants, but torch.compile cannot read functions there: it follows the
# import. The constants serve when the import fails, as late in the interpreter's shutdown.
# A traceback begins with this frame, which is taken out: a bare `raise` adds none.


@lru_cache(maxsize=256)
def _blank(
    names: tuple[str, ...],
    counts: tuple[int, int, int],
    starred: bool,
    doubled: bool,
    free: tuple[str, ...],
) -> CodeType:
    """A trampoline for functions of one shape, with strings where driver and twin are to stand."""
    only, positional, keywords = counts
    args, kwonly = names[:positional], names[positional : positional + keywords]
    star = [f"*{names[positional + keywords]}"] if starred else []
    double = [f"**{names[-1]}"] if doubled else []
    first = [*args[:only], "/"] if only else []
    header = [*first, *args[only:], *(star or (["*"] if kwonly else [])), *kwonly, *double]
    unique = "_" * max((len(n) for n in (*names, *free)), default=0)
    given = "".join(f"{name}, " for name in (*args, *star))
    named = ", ".join([*(f"{name!r}: {name}" for name in kwonly), *double])
    source = _SOURCE.format(
        free=", ".join(free) or "()",
        outer=", ".join(free),
        header=", ".join(header),
        drive=f"drive{unique}",
        twin=f"twin{unique}",
        given=given,
        named=named,
    )
    return _inner(compile(_on_one_line(source), "<trampoline>", "exec"))


def _on_one_line(source: str) -> ast.Module:
    """Every instruction stands on the first line: that of the function which it serves."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            # A column of -1 means none, so that tracebacks draw no carets below the line.
            vars(node).update(lineno=1, end_lineno=1, col_offset=-1, end_col_offset=-1)
    return tree


def _inner(code: CodeType) -> CodeType:
    """The innermost function of a module's code."""
    below = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return _inner(below[0]) if below else code


_Wrapper: Any = wrapt.FunctionWrapper


class _Rebound(ByName, _Wrapper):  # type: ignore[misc]
    """Stands for a function that has no Python code of its own to exchange."""

    def __init__(self, function: Any, drive: Driver) -> None:
        super().__init__(function, drive)
        self._self_old = function


def rebind(module: ModuleType, name: str, drive: Driver, ledger: Ledger) -> bool:
    """Hook any callable by name: in its module and in every alias within the same library.

    References that the program took before keep the original. False, with nothing done, where
    there is no such callable or it is hooked already.
    """
    original = vars(module).get(name)
    if not callable(original) or isinstance(original, (type, _Rebound, *HOOKED)):
        return False
    ours = _Rebound(original, drive)
    for owner, alias in _aliases(module, name, original):
        put_attribute(owner, alias, ours)
        ledger.note(Attribute(owner, alias, ours))
    return True


def _aliases(module: ModuleType, name: str, value: Any) -> Iterator[tuple[ModuleType, str]]:
    top = module.__name__.partition(".")[0]
    yield module, name
    for path, other in list(sys.modules.items()):
        if path.partition(".")[0] != top or not isinstance(other, ModuleType):
            continue
        for alias, found in list(vars(other).items()):
            if found is value and (other, alias) != (module, name):
                yield other, alias
