"""What the program calls its data: one name for one object, given where a model first meets it.

Within a function that only hands a parameter on, the name is the caller's: in
`def evaluate(model, X): model.predict(X)` data are called what `evaluate(ridge, X_test)` calls
them. Names come from the source alone, never from the values of variables.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import functools
import inspect
import re
import sys
import weakref
from types import CodeType, FrameType
from typing import Any

from ..callsite import Site, find_site, is_library
from ..calltext import parse
from ..integration import Call, parameter_names
from .inputs import data_of, shape_of

UNKNOWN = "unknown"
DEEPEST = 8
"""Calls through which a parameter is followed outwards."""

MOST_TEXTS = 4096
MOST_STARRED = 16

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
takers: list[re.Pattern[str]] = []
"""How libraries take rows of data, as their sources say it: `take\\((\\w+), (\\w+)\\)`."""


class Given:
    """One object of data as a model is given it: its name and form, which outlive it.

    Attributes:
        name: What the program calls it; `unknown` where that cannot be read.
        kind: Its class's bare name.
        shape: Its lengths, None where it shows none.
        facts: What was found in it, for data that cannot be had again.
    """

    __slots__ = ("__weakref__", "_held", "_ref", "facts", "kind", "name", "shape")

    def __init__(self, data: Any, name: str) -> None:
        self.name = name
        self.kind = type(data).__name__
        self.shape = shape_of(data) or _length(data)
        self.facts: dict[str, Any] | None = None
        self._held: Any = None
        self._ref: weakref.ref[Any] | None = None
        try:
            self._ref = _watched(data)
        except TypeError:  # a list: known for as long as the call that has it lasts
            self._held = data

    def data(self) -> Any:
        """The object, None where the program has given it up."""
        return self._held if self._ref is None else self._ref()

    @property
    def watched(self) -> bool:
        """Whether it can be told from others for as long as it lives."""
        return self._ref is not None

    def let_go(self) -> None:
        """Hold the object no longer, if that was the only way to have it."""
        self._held = None


class _Watched(weakref.ref[Any]):
    __slots__ = ("key",)

    key: int


def _watched(data: Any) -> _Watched:
    ref = _Watched(data, _gone)
    ref.key = id(data)
    return ref


def _length(data: Any) -> tuple[int, ...] | None:
    return (len(data),) if isinstance(data, list | tuple) else None


_known: dict[int, Given] = {}


def _gone(ref: _Watched, known: dict[int, Given] = _known) -> None:
    # `known` stands here since globals may be gone when the last objects of a program die.
    given = known.get(ref.key)
    if given is not None and given._ref is ref:
        known.pop(ref.key, None)


def forget() -> None:
    """Forget all names, when the recording is switched off."""
    _known.clear()


def given_to(call: Call, parameter: str | int | None = None) -> Given | None:
    """The data that a call was given (as `parameter`, if one is named); None where it was not.

    What is known already keeps its name.
    """
    key = data_of(call) if parameter is None else parameter
    data = call.arg(key)
    if data is None:
        return None
    found = known(data)
    if found is None:
        found = noted(data, name_of(call, key))
    elif found.name == UNKNOWN:
        found.name = name_of(call, key)
    return found


def known(data: Any) -> Given | None:
    """What is known of this very object, None where a model has not met it."""
    found = _known.get(id(data))
    return found if found is not None and found.data() is data else None


def noted(data: Any, name: str) -> Given:
    """What is known of an object, which has this name from now on if it had none; also of one that
    a call was given as a part of something else, such as the first of a pair.
    """
    found = known(data)
    if found is None:
        found = Given(data, name)
        if found.watched:
            _known[id(data)] = found
    elif found.name == UNKNOWN:
        found.name = name
    return found


def names_of_pairs(call: Call, parameter: str | int, count: int) -> list[tuple[str, str]]:
    """What stands in each of `count` pairs that an argument is a list of, here or where the
    variable that is given was assigned: `[(X_valid, y_valid)]`. `unknown` for what cannot be read.
    """
    items = _items(call, parameter, count)
    return [(UNKNOWN, UNKNOWN)] * count if items is None else [_pair(item) for item in items]


def names_of_items(call: Call, parameter: str | int, count: int) -> list[str]:
    """The same of single items: `(X_valid, X_test)`."""
    items = _items(call, parameter, count)
    return [UNKNOWN] * count if items is None else [ast.unparse(item) for item in items]


def _items(call: Call, parameter: str | int, count: int) -> list[ast.expr] | None:
    call, parameter = _first_given(call, parameter)
    text = call.variable(parameter)
    if text.isidentifier() or text.endswith("…"):
        text = (call.site and call.site.value_of(text)) or text
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        written = parse(text.strip(), "eval").body
        if isinstance(written, ast.List | ast.Tuple) and len(written.elts) == count:
            plain = not any(isinstance(item, ast.Starred) for item in written.elts)
            return written.elts if plain else None
    return None


def _first_given(call: Call, parameter: str | int) -> tuple[Call, str | int]:
    """The call that the program wrote and its keyword, where a pipeline hands the argument on."""
    value, outer = call.arg(parameter), call.owner
    if value is not None and outer is not None:
        for keyword, given in outer.call.kwargs.items():
            if given is value:
                return outer.call, keyword
    return call, parameter


def _pair(item: ast.expr) -> tuple[str, str]:
    if isinstance(item, ast.Tuple | ast.List) and len(item.elts) == 2:
        first, second = (ast.unparse(part) for part in item.elts)
        return first, second
    return UNKNOWN, UNKNOWN


def told(call: Call, parameter: str | int) -> str | None:
    """What the program calls the argument; None where that cannot be read."""
    name = name_of(call, parameter)
    return None if name == UNKNOWN else name


# -- names in the source -----------------------------------------------------------------------


def name_of(call: Call, parameter: str | int) -> str:
    """What the program calls the argument for `parameter`, seen from where it comes from.

    Also where a library that the program called hands it on (`RocCurveDisplay.from_estimator`).
    """
    name, frame = _written(call, parameter), _caller(sys._getframe(1))
    if call.site is None or frame is None:
        return name
    if name == UNKNOWN and not call.site.direct:
        if frame.f_back is not None and not _library_site(frame).callee():
            frame = frame.f_back  # what stands in the place of a hooked function has no text
        name = _handed_in(frame, call, parameter)
    else:  # a mixin of the library may stand between (`fit_predict`)
        while frame is not None and is_library(frame):
            frame = frame.f_back
    plain = name.isidentifier() or _taken(name)
    return name if frame is None or not plain else followed(frame, name)


_texts: dict[tuple[Any, ...], str] = {}


def _written(call: Call, parameter: str | int) -> str:
    """The text of the argument; found once for each place, since loops come back to it."""
    place = (call.site, parameter, len(call.args), *call.kwargs)
    found = _texts.get(place)
    if found is None:
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()
        found = _texts[place] = call.variable(parameter)
    return found


def _caller(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not ours: that of the call."""
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autolog":
        frame = frame.f_back
    return frame


def _handed_in(frame: FrameType, call: Call, parameter: str | int) -> str:
    """The text of the argument where a library makes the call."""
    names = _library_site(frame).argument_names(
        getattr(call.function, "__name__", ""), len(call.args), call.kwargs
    )
    known = parameter_names(call.function)
    place = known.index(parameter) if parameter in known else parameter
    return names.get(parameter) or names.get(place) or UNKNOWN


_library_sites: dict[tuple[CodeType, int], Site] = {}


def _library_site(frame: FrameType) -> Site:
    place = (frame.f_code, frame.f_lasti)
    found = _library_sites.get(place)
    if found is None:
        if len(_library_sites) >= MOST_TEXTS:
            _library_sites.clear()
        found = _library_sites[place] = Site(frame, True)
    return found


def followed(frame: FrameType, name: str) -> str:
    """What a variable of `frame` is called in the outermost call that only handed it on.

    Unknown if a library made it.

    Rows that the library took of it are named as if the caller had: `X[test_indices]`.
    """
    rows = ""
    for _ in range(DEEPEST):
        if is_library(frame) and (taken := _taken(name)):
            name, rows = taken[1], f"[{taken[2]}]"
        caller, code = frame.f_back, frame.f_code
        inside = is_library(frame)
        if caller is None or (is_library(caller) and not inside):
            break
        if code.co_name in _COMPREHENSIONS and name in code.co_freevars:
            frame = caller
            continue
        site = _library_site(caller) if is_library(caller) else find_site(caller)
        outer = _handed_on(site, code, name) if site is not None else None
        if outer is None:
            break
        name, frame = outer, caller
    return UNKNOWN if is_library(frame) else name + rows


def _taken(text: str) -> re.Match[str] | None:
    return next(filter(None, (taker.fullmatch(text) for taker in takers)), None)


def _handed_on(site: Site, code: CodeType, name: str) -> str | None:
    """What the call at `site` gives the parameter `name` of the function that it calls.

    None where it is no parameter, is bound anew in the function, or the call is not plain.
    """
    count = code.co_argcount
    parameters = code.co_varnames[: count + code.co_kwonlyargcount]
    if name not in parameters or name in _stores(code):
        return None
    names = _arguments(site, code.co_name, parameters, count, code.co_flags)
    method = parameters[0] in ("self", "cls")
    return names.get(parameters.index(name) - method) or names.get(name)


@functools.lru_cache(maxsize=1024)
def _arguments(
    site: Site, function: str, parameters: tuple[str, ...], count: int, flags: int
) -> dict[int | str, str]:
    """The texts of the arguments of the call at `site`, if it is one of `function` by name."""
    if site.callee() != function:
        return {}
    most = count + (MOST_STARRED if flags & inspect.CO_VARARGS else 0)
    keywords = _Every() if flags & inspect.CO_VARKEYWORDS else parameters
    for given in range(most, -1, -1):
        if found := site.argument_names(function, given, keywords):
            return found
    return {}


class _Every(tuple[str, ...]):
    """The keywords that a function with `**kwargs` takes."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return True


_stored: weakref.WeakKeyDictionary[CodeType, frozenset[str]] = weakref.WeakKeyDictionary()


def _stores(code: CodeType) -> frozenset[str]:
    """The variables that a function binds or deletes itself."""
    found = _stored.get(code)
    if found is None:
        steps = dis.get_instructions(code)
        found = _stored[code] = frozenset(name for step in steps for name in _bound_by(step))
    return found


def _bound_by(step: dis.Instruction) -> tuple[str, ...]:
    if not step.opname.startswith(("STORE_FAST", "STORE_DEREF", "DELETE_FAST", "DELETE_DEREF")):
        return ()
    if isinstance(step.argval, tuple):  # two in one, the second of which may only be read
        return step.argval[:1] if step.opname == "STORE_FAST_LOAD_FAST" else step.argval
    return (step.argval,)
