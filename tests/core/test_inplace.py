"""Functions hooked in place: same object, same looks, every reference hooked, undone whole."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import importlib
import inspect
import math
import pickle
import sys
import threading
import traceback
import typing
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle
import joblib
import pytest
import sklearn.metrics
import wrapt
from sklearn.metrics import accuracy_score as taken_before
from sklearn.metrics import f1_score, precision_score

from autolog.wrapping import Ledger, as_internal_frame, rebind, wrap_function

Y = [0, 1, 1, 0]


class Spy:
    """A driver that notes the arguments of each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.ledger = Ledger()
        calls = self.calls

        @as_internal_frame
        def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            assert instance is None
            calls.append((args, dict(kwargs)))
            return wrapped(*args, **kwargs)

        self.drive = drive

    def on(self, function: Any) -> bool:
        return wrap_function(function, self.drive, self.ledger)


@pytest.fixture
def spy() -> Iterator[Spy]:
    spy = Spy()
    yield spy
    spy.ledger.undo()
    assert spy.ledger.leftover() == []


def shapes() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]:
    """Fresh functions of every shape, each with a call of it."""
    free, other = 10, [1]

    def nothing() -> str:
        return "nothing"

    def plain(a: int, b: int = 2) -> Any:
        return a, b

    def only(a: int, b: int = 2, /) -> Any:
        return a, b

    def mixed(a: int, /, b: int, *, c: int = 3) -> Any:
        return a, b, c

    def starred(a: int, *rest: int, **more: int) -> Any:
        return a, rest, more

    def everything(a: int, /, b: int = 1, *rest: int, c: int, d: int = 4, **more: int) -> Any:
        return a, b, rest, c, d, more

    def closed(a: int) -> Any:
        return a + free, other

    def captured(a: int, b: int = 2) -> Any:
        return [lambda: a + b + free][0]()

    def _(_: int, __: int = 1) -> Any:
        return _, __

    def generators(rows: Iterator[int]) -> int:
        return sum(rows)

    return {
        "nothing": (nothing, (), {}),
        "plain": (plain, (1,), {"b": 5}),
        "only": (only, (1,), {}),
        "mixed": (mixed, (1,), {"b": 2}),
        "starred": (starred, (1, 2, 3), {"x": 4}),
        "everything": (everything, (1, 2, 3), {"c": 5, "a": 6}),
        "closed": (closed, (1,), {}),
        "captured": (captured, (1,), {}),
        "underscores": (_, (1,), {}),
        "generators": (generators, (iter([1, 2]),), {}),
    }


def facts(function: Any) -> dict[str, Any]:
    """What can be read off a function and the parts of its code that describe it."""
    code = function.__code__
    flags = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)
    count += bool(code.co_flags & 8)
    return {
        "signature": str(inspect.signature(function)),
        "full": inspect.getfullargspec(function),
        "source": inspect.getsource(function),
        "lines": inspect.getsourcelines(function),
        "file": Path(inspect.getsourcefile(function) or "").resolve(),
        "hints": typing.get_type_hints(function),
        "module": inspect.getmodule(function),
        "dict": dict(vars(function)),
        "names": (function.__name__, function.__qualname__, function.__doc__),
        "code": (code.co_name, code.co_qualname, code.co_firstlineno, code.co_freevars),
        "counts": (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        "arguments": code.co_varnames[:count],
        "flags": code.co_flags & flags,
        "defaults": (function.__defaults__, function.__kwdefaults__, function.__closure__),
        "repr": repr(function),
    }


@pytest.mark.parametrize("name", list(shapes()))
def test_every_shape_of_parameters(spy: Spy, name: str) -> None:
    function, args, kwargs = shapes()[name]
    before, original = facts(function), function.__code__
    expected = function(*copy.copy(args), **kwargs) if name != "generators" else 3
    assert spy.on(function)
    assert facts(function) == before
    assert spy.calls == []
    assert function(*args, **kwargs) == expected
    assert len(spy.calls) == 1
    spy.ledger.undo()
    assert function.__code__ is original
    assert vars(function) == before["dict"]


def test_arguments_arrive_with_defaults_filled_in(spy: Spy) -> None:
    function = shapes()["everything"][0]
    spy.on(function)
    function(1, 2, 3, c=5, a=6)
    function(1, c=2)
    assert spy.calls == [
        ((1, 2, 3), {"c": 5, "d": 4, "a": 6}),
        ((1, 1), {"c": 2, "d": 4}),
    ]


@pytest.mark.parametrize("name", ["plain", "only", "mixed", "everything"])
def test_wrong_calls_raise_the_same_errors(spy: Spy, name: str) -> None:
    def errors() -> list[str]:
        said = []
        for args, kwargs in (((), {}), ((1, 2, 3, 4), {}), ((1,), {"zzz": 1, "b": 1})):
            try:
                said.append(repr(function(*args, **kwargs)))
            except TypeError as error:
                said.append(str(error))
        return said

    function: Any = shapes()[name][0]
    before = errors()
    spy.on(function)
    assert errors() == before


@pytest.mark.parametrize("name", ["accuracy_score", "f1_score", "roc_auc_score", "log_loss"])
def test_functions_of_scikit_learn(spy: Spy, name: str) -> None:
    function = getattr(sklearn.metrics, name)
    before = facts(function)
    expected = function(Y, [0, 1, 0, 0])
    assert spy.on(function)
    assert facts(function) == before
    assert function(Y, [0, 1, 0, 0]) == expected
    assert spy.calls == [((Y, [0, 1, 0, 0]), {})]


def test_references_taken_before_are_hooked_and_pickle_by_name(spy: Spy) -> None:
    plain = [module.dumps(taken_before) for module in (pickle, cloudpickle)]
    spy.on(sklearn.metrics.accuracy_score)
    assert taken_before is sklearn.metrics.accuracy_score
    assert taken_before(Y, Y) == 1.0
    assert len(spy.calls) == 1
    assert [module.dumps(taken_before) for module in (pickle, cloudpickle)] == plain
    assert copy.deepcopy(taken_before) is taken_before
    assert hash(taken_before) == hash(sklearn.metrics.accuracy_score)
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(taken_before)(Y, Y) for _ in "ab") == [1.0] * 2


def test_functions_that_share_one_code_object_are_apart(spy: Spy) -> None:
    assert f1_score.__code__ is precision_score.__code__
    spy.on(f1_score)
    precision_score(Y, Y)
    assert spy.calls == []
    other = Spy()
    other.on(precision_score)
    assert (f1_score(Y, [0, 0, 1, 0]), precision_score(Y, [0, 0, 1, 0])) == (2 / 3, 1.0)
    assert (len(spy.calls), len(other.calls)) == (1, 1)
    other.ledger.undo()
    f1_score(Y, Y)
    assert len(spy.calls) == 2
    assert (len(other.calls), precision_score(Y, Y)) == (1, 1.0)


def test_hooking_twice_is_refused(spy: Spy) -> None:
    function, args, kwargs = shapes()["plain"]
    assert spy.on(function)
    assert not spy.on(function)
    assert not Spy().on(function)
    function(*args, **kwargs)
    assert len(spy.calls) == 1


async def coroutine() -> int:
    return 1


def generator() -> Iterator[int]:
    yield 1


async def stream() -> Any:
    yield 1


@pytest.mark.parametrize(
    "other",
    [coroutine, generator, stream, len, math.sin, functools.partial(len), Spy, "text", None],
)
def test_all_else_is_refused(spy: Spy, other: Any) -> None:
    assert not spy.on(other)


def test_defaults_and_cells_are_live(spy: Spy) -> None:
    count = 0

    def function(a: int = 1, *, b: int = 2) -> Any:
        nonlocal count
        count += 1
        return a, b, count

    spy.on(function)
    function.__defaults__, function.__kwdefaults__ = (5,), {"b": 6}
    count = 10
    assert function() == (5, 6, 11)
    assert count == 11
    spy.ledger.undo()
    assert function() == (5, 6, 12)


def test_a_hooked_function_works_when_our_package_cannot_be_imported(
    spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As late in the interpreter's shutdown."""
    function, args, kwargs = shapes()["plain"]
    spy.on(function)
    with monkeypatch.context() as shutdown:
        shutdown.setitem(sys.modules, "autolog", None)
        assert function(*args, **kwargs) == (1, 5)
    assert len(spy.calls) == 1


def test_recursion(spy: Spy) -> None:
    def factorial(n: int) -> int:
        return 1 if n < 2 else n * factorial(n - 1)

    spy.on(factorial)
    assert factorial(5) == 120
    assert [args for args, _ in spy.calls] == [(5,), (4,), (3,), (2,), (1,)]


def test_the_driver_gets_a_callable_that_looks_like_the_function() -> None:
    seen: list[Any] = []

    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append((wrapped.__name__, wrapped.__module__, str(inspect.signature(wrapped))))
        return wrapped(*args, **kwargs)

    ledger = Ledger()
    plain = str(inspect.signature(f1_score))
    wrap_function(f1_score, drive, ledger)
    f1_score(Y, Y)
    ledger.undo()
    assert seen == [("f1_score", "sklearn.metrics._classification", plain)]


@pytest.mark.parametrize("replace", [True, False])
def test_another_tool_on_top(spy: Spy, replace: bool) -> None:
    """A patch that replaces the attribute keeps working through ours and after our undo."""
    module, seen = ModuleType("victim"), []
    exec("def score(a): return a + 1", vars(module))
    original: Any = module.score
    code = original.__code__
    spy.on(original)
    if replace:

        @functools.wraps(original)
        def patched(*args: Any, **kwargs: Any) -> Any:
            seen.append(args)
            return original(*args, **kwargs)

        module.score = patched
    else:

        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            seen.append(args)
            return wrapped(*args, **kwargs)

        wrapt.wrap_function_wrapper(module, "score", wrapper)
    assert module.score(1) == 2
    spy.ledger.undo()
    assert original.__code__ is code
    assert module.score(2) == 3
    assert (seen, spy.calls) == ([(1,), (2,)], [((1,), {})])
    assert spy.ledger.leftover() == []


def test_a_hook_on_top_of_another_tools_patch(spy: Spy) -> None:
    module, seen = ModuleType("victim"), []
    exec("def score(a): return a + 1", vars(module))
    original: Any = module.score

    @functools.wraps(original)
    def patched(*args: Any) -> Any:
        seen.append(args)
        return original(*args)

    module.score = patched
    assert spy.on(module.score)
    assert module.score(1) == 2
    module.score = original
    spy.ledger.undo()
    assert (module.score(1), patched(1), len(seen), len(spy.calls)) == (2, 2, 2, 1)


def test_code_that_another_tool_exchanged_stays(spy: Spy) -> None:
    def function() -> int:
        return 1

    def newer() -> int:
        return 2

    spy.on(function)
    ours = function.__code__
    function.__code__ = newer.__code__
    spy.ledger.undo()
    assert function() == 2
    assert [name.endswith("function") for name in spy.ledger.leftover()] == [True]
    function.__code__ = ours
    spy.ledger.undo()
    assert function() == 1


def test_the_ledger_keeps_no_function_alive(spy: Spy) -> None:
    def local() -> int:
        return 1

    spy.on(local)
    gone = weakref.ref(local)
    del local
    gc.collect()
    assert gone() is None


def test_decorators_of_the_user_keep_their_wrapped(spy: Spy) -> None:
    function: Any = shapes()["plain"][0]

    @functools.wraps(function)
    def outer(*args: Any) -> Any:
        return function(*args)

    spy.on(outer)
    assert outer.__wrapped__ is function
    assert not hasattr(function, "__wrapped__")
    assert str(inspect.signature(outer)) == str(inspect.signature(function))
    assert inspect.unwrap(outer) is function


def test_tracebacks_read_from_the_call_to_the_error(spy: Spy) -> None:
    def bad(value: int) -> None:
        raise ValueError("bad")

    spy.on(bad)
    with pytest.raises(ValueError, match="bad") as caught:
        bad(1)
    frames = traceback.extract_tb(caught.value.__traceback__)[1:]
    assert [frame.name for frame in frames] == ["drive", "bad"]
    assert [Path(frame.filename).resolve() for frame in frames] == [Path(__file__).resolve()] * 2
    assert frames[-1].line == 'raise ValueError("bad")'
    assert caught.value.__context__ is None


def test_threads_call_while_hooks_come_and_go() -> None:
    def add(a: int, b: int = 1, *, c: int = 1) -> int:
        return a + b + c

    wrong: list[Any] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                if add(1) != 3 or add(1, 2, c=3) != 6:
                    wrong.append("result")
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    original = add.__code__
    for _ in range(300):
        spy = Spy()
        spy.on(add)
        spy.ledger.undo()
    sys.setswitchinterval(interval)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert add.__code__ is original


def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package of two modules, with a function that cannot be hooked in place and an alias."""
    (tmp_path / "inplacelib").mkdir()
    (tmp_path / "inplacelib" / "core.py").write_text(
        "from math import sqrt as root\nasync def wait(a, b=1):\n    return a + b\n"
    )
    (tmp_path / "inplacelib" / "__init__.py").write_text("from .core import root, wait\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("inplacelib")
    monkeypatch.setattr(sys.modules["inplacelib.core"], "other", module.wait, raising=False)
    return module


def test_rebinding(spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = library(tmp_path, monkeypatch)
    core = sys.modules["inplacelib.core"]
    before = dict(vars(core)), dict(vars(top))
    assert rebind(core, "root", spy.drive, spy.ledger)
    assert rebind(core, "wait", spy.drive, spy.ledger)
    assert not rebind(top, "wait", spy.drive, spy.ledger)
    assert not rebind(core, "absent", spy.drive, spy.ledger)
    assert top.root is core.root is not math.sqrt
    assert top.wait is core.wait is core.other
    assert inspect.iscoroutinefunction(top.wait)
    assert str(inspect.signature(top.wait)) == "(a, b=1)"
    assert (top.root(4.0), asyncio.run(core.other(1, b=2))) == (2.0, 3)
    assert spy.calls == [((4.0,), {}), ((1,), {"b": 2})]
    assert pickle.loads(pickle.dumps(top.wait)) is top.wait
    assert math.sqrt is before[0]["root"]
    spy.ledger.undo()
    assert (dict(vars(core)), dict(vars(top))) == before


def test_kinds_of_functions_by_exact_type(spy: Spy) -> None:
    function = shapes()["plain"][0]
    spy.on(function)
    assert type(function) is FunctionType
