"""The values of the program's variables, looked at without a trace."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, TypeVar

from autolog.callsite import is_library

OF_OTHERS = frozenset(("vars", "dir"))
"""Builtins that look at the caller's own variables only where they are given nothing."""
BUILTINS = OF_OTHERS | {"locals", "eval", "exec"}
LOOKERS = BUILTINS | {"_getframe", "currentframe", "f_locals"}
"""Names by which a function may look at its own variables as we do."""

FILLING = frozenset(("CACHE", "PUSH_NULL", "RESUME", "EXTENDED_ARG"))
"""Instructions that may stand between a function's name and its arguments."""

MOST_FRAMES = 32
MOST_PLACES = 4096


def variables(frame: FrameType) -> Mapping[str, Any]:
    """The variables of a frame by name, as they are now; nothing where the frame may notice.

    Before Python 3.13 the interpreter keeps a dictionary of a function's variables from the first
    question on, which would keep deleted ones alive: it is emptied at once. A function that may
    hold that very dictionary is not asked.
    """
    code = frame.f_code
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return frame.f_locals
    if _looks(code):
        return {}
    found = frame.f_locals
    values = dict(found)
    if sys.version_info < (3, 13):
        found.clear()
    return values


_looking: weakref.WeakKeyDictionary[CodeType, bool] = weakref.WeakKeyDictionary()


def _looks(code: CodeType) -> bool:
    """Whether a function names what it could look at itself with: not by `model.eval()`."""
    if LOOKERS.isdisjoint(code.co_names):
        return False
    known = _looking.get(code)
    if known is None:
        steps = [one for one in dis.get_instructions(code) if one.opname not in FILLING]
        known = _looking[code] = any(map(_is_look, steps, [*steps[1:], None]))
    return known


def _is_look(step: dis.Instruction, following: dis.Instruction | None) -> bool:
    """Whether an instruction names a looker; `vars(args)` looks at `args` alone."""
    if not isinstance(step.argval, str) or step.argval not in LOOKERS:
        return False
    if step.argval not in BUILTINS:
        return True
    given = following is not None and following.opname.startswith("LOAD_")
    named = step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    return named and not (given and step.argval in OF_OTHERS)


Found = TypeVar("Found")


def by_place(make: Callable[[FrameType], Found]) -> Callable[[FrameType], Found]:
    """`make(frame)`, worked out once for each place in the program that frames are at.

    The code is held with what was found, for its `id` is the key: hashing it costs more.
    """
    known: dict[tuple[int, int], tuple[CodeType, Found]] = {}

    @functools.wraps(make)
    def found(frame: FrameType) -> Found:
        key = (id(frame.f_code), frame.f_lasti)
        held = known.get(key)
        if held is None:
            if len(known) > MOST_PLACES:
                known.clear()
            held = known[key] = frame.f_code, make(frame)
        return held[1]

    return found


def users(frame: FrameType | None) -> Iterator[FrameType]:
    """The program's own frames from `frame` outwards."""
    count = 0
    while frame is not None and count < MOST_FRAMES:
        if not is_library(frame):
            count += 1
            yield frame
        frame = frame.f_back
