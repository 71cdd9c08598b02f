"""A folder by whose name the interpreter knows frames of plumbing, which nobody wants to see.

`warnings` (with `stacklevel`) and `logging` (with `stacklevel`, and when it looks for the caller)
pass over every frame whose file name contains both `importlib` and `_bootstrap`. A path that goes
through this folder and out again names the same file as before, so that tracebacks, debuggers,
`inspect` and coverage still find the source, and is passed over all the same. The folder must
exist: the operating system looks it up on the way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType, FunctionType
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_FOLDER = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120 - plain text is wanted


@cache
def internal_filename(filename: str) -> str:
    """Another path to the same file, one that marks a frame as internal.

    `filename` itself comes back where there is no such path: it is relative, is not on disk
    (`<stdin>`, a notebook's cell, a zip archive), or stands on another drive (Windows).
    """
    if not os.path.isabs(filename):  # noqa: PTH117
        return filename
    try:
        marked = os.path.join(_FOLDER, os.path.relpath(filename, _FOLDER))  # noqa: PTH118
    except ValueError:
        return filename
    return marked if os.path.exists(marked) else filename  # noqa: PTH110


def as_internal_frame(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The same function, whose frames `warnings` and `logging` pass over.

    Globals, closure, defaults and attributes are shared with `function`, which stays as it was.
    """
    plain = cast(FunctionType, function)
    filename = internal_filename(plain.__code__.co_filename)
    if not is_internal(filename):
        filename = f"<{plain.__module__} importlib._bootstrap>"
    return cast("Callable[_P, _T]", with_code(plain, plain.__code__.replace(co_filename=filename)))


def with_code(function: FunctionType, code: CodeType) -> FunctionType:
    """A second function that shares all with `function` but its code."""
    twin = FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__, twin.__module__ = function.__qualname__, function.__module__
    twin.__doc__, twin.__annotations__ = function.__doc__, function.__annotations__
    twin.__dict__.update(function.__dict__)
    return twin


def external_caller(frame: FrameType) -> FrameType | None:
    """The nearest frame outside `frame` that is not internal; None at the bottom of the stack."""
    outer = frame.f_back
    while outer is not None and is_internal(outer.f_code.co_filename):
        outer = outer.f_back
    return outer


def is_internal(filename: str) -> bool:
    """Whether frames of that file are passed over."""
    return "importlib" in filename and "_bootstrap" in filename
