"""The engine: driving hooks, nesting, guarding, changing arguments, taking off again."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autolog
from autolog import api, enabling, reporting
from autolog.engine import Engine
from autolog.integration import (
    Call,
    Integration,
    adopt,
    around,
    function,
    method,
    option,
    subclasses,
)
from autolog.live import Run

LIBRARY = '''
"""A library with everything that can be hooked."""

class Base:
    def fit(self, X, y=None, *, rounds=1):
        """Fits."""
        for _ in range(rounds):
            self.one_round()
        self.seen = X
        return self

    def one_round(self):
        return search(self)

class Model(Base):
    def __init__(self, inner=None):
        self.inner = inner

    def fit(self, X, y=None, *, rounds=1):
        if self.inner is not None:
            self.inner.fit(X, y)
        return super().fit(X, y, rounds=rounds)

    @classmethod
    def made(cls, X):
        return cls().fit(X)

    @staticmethod
    def helper(X):
        return X

class Fails(Base):
    def fit(self, X, y=None):
        raise ValueError("bad", X)

def search(model, *points, depth=1, **more):
    return [model, points, depth, more]
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The library, newly imported."""
    (tmp_path / "toylib.py").write_text(LIBRARY, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("toylib")
    sys.modules.pop("toylib", None)


@pytest.fixture
def install(toy: ModuleType, tmp_path: Path) -> Callable[[type[Integration]], Engine]:
    """Enables and puts the hooks of an integration on the library."""

    def put(kind: type[Integration], **settings: Any) -> Engine:
        autolog.autolog(f"memory:{tmp_path}", **settings)
        engine = enabling.engine(api.state)
        engine.install("toylib", kind, toy)
        return engine

    return put


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], list[Any]]:
    """The runs so far, oldest first."""
    return lambda: list(autolog.search_runs(backend=f"memory:{tmp_path}"))[::-1]


FIT = subclasses("toylib", "Base", "fit")


class Plain(Integration):
    """One run for each fit."""

    @around(FIT, opens_run=True)
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        run.log_param("rounds", call.arg("rounds"))
        yield
        run.log_metric("seen", call.result.seen)


# -- calls -----------------------------------------------------------------------------------


def test_a_call_is_made_once_with_its_arguments(toy: Any, install: Any, runs: Any) -> None:
    install(Plain)
    model = toy.Model()
    assert model.fit(5, rounds=3) is model
    (run,) = runs()
    assert (run.name, run.params["rounds"], run.metrics["seen"]) == ("Model", 3, 5)
    assert run.system["autolog.overhead"] > 0


def test_inherited_class_and_static_methods(toy: Any, install: Any, runs: Any) -> None:
    class Static(Integration):
        @around(method("toylib", "Model", "made", "helper"), opens_run=True)
        def made(self, call: Call, run: Run) -> Iterator[None]:
            run.set_tag("instance", getattr(call.instance, "__name__", None))
            run.log_param("X", call.arg("X"))
            yield

    install(Static)

    class Sub(toy.Model):  # type: ignore[misc,name-defined]
        pass

    assert type(Sub.made(1)) is Sub
    assert toy.Model.helper(2) == toy.Model().helper(2) == 2
    assert [run.tags["instance"] for run in runs()] == ["Sub", "None", "None"]
    assert [run.params["X"] for run in runs()] == [1, 2, 2]


def test_unbound_calls_and_references_taken_before(toy: Any, install: Any, runs: Any) -> None:
    class Functions(Integration):
        @around(function("toylib", "search"), opens_run=True)
        def search(self, call: Call, run: Run) -> Iterator[None]:
            run.log_params({name: call.arg(name) for name in ("model", "depth", "extra")})
            yield

    class Both(Functions, Plain):
        pass

    taken = toy.search
    install(Both)
    assert toy.search is taken
    assert taken(1, 2, depth=3, extra=4) == [1, (2,), 3, {"extra": 4}]
    toy.Model.fit(toy.Model(), 6)
    searched, fitted = runs()
    assert dict(searched.params) == {"model": 1, "depth": 3, "extra": 4}
    assert (searched.name, fitted.name) == ("search", "Model")
    autolog.disable()
    assert taken(1) == [1, (), 1, {}]
    assert len(runs()) == 2


def test_a_wrong_call_is_refused_by_the_original(toy: Any, install: Any, runs: Any) -> None:
    install(Plain)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'X'"):
        toy.Model().fit()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        toy.Model().fit(1, nonsense=2)
    assert [run.status for run in runs()] == ["failed", "failed"]


def test_a_hook_may_change_arguments_but_not_the_callers(toy: Any, install: Any) -> None:
    class Changing(Integration):
        @around(FIT, opens_run=True)
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            call.kwargs["rounds"] = 4
            call.args = (call.args[0] + 1,)
            yield

    rounds: list[int] = []
    toy.Model.one_round = lambda self: rounds.append(1)
    install(Changing)
    given = {"rounds": 2}
    assert toy.Model().fit(5, **given).seen == 6
    assert len(rounds) == 4
    assert given == {"rounds": 2}


def test_changes_of_a_hook_that_fails_do_not_count(
    toy: Any, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Integration):
        @around(FIT, opens_run=True)
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            call.args = (99,)
            call.kwargs["rounds"] = "none"
            raise LookupError("before its yield")
            yield

    monkeypatch.delenv("AUTOLOG_STRICT")
    install(Broken)
    assert toy.Model().fit(5).seen == 5


def test_a_hook_sees_the_error_and_cannot_swallow_it(toy: Any, install: Any, runs: Any) -> None:
    seen: list[Any] = []

    class Watching(Integration):
        @around(FIT, opens_run=True)
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            try:
                yield
            except GeneratorExit:
                seen.append(call.error)
                run.set_tag("closed", "yes")
                raise

    install(Watching)
    with pytest.raises(ValueError, match="bad") as raised:
        toy.Fails().fit(7)
    assert seen == [raised.value]
    (run,) = runs()
    assert (run.status, run.tags["closed"]) == ("failed", "yes")


@pytest.mark.parametrize("moment", ["no yield", "two yields", "return"])
def test_hooks_of_odd_shape_do_no_harm(
    moment: str, toy: Any, install: Any, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Integration):
        @around(FIT, opens_run=True)
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            if moment == "no yield":
                return
            yield
            if moment == "two yields":
                yield
            return

    monkeypatch.delenv("AUTOLOG_STRICT")
    install(Odd)
    assert toy.Model().fit(1).seen == 1
    assert autolog.active_run() is None
    assert [run.status for run in runs()] == ["finished"]


# -- nesting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nested", "calls", "below"), [("skip", 1, False), ("join", 2, False), ("child", 1, True)]
)
def test_nested_calls(
    nested: Any, calls: int, below: bool, toy: Any, install: Any, runs: Any
) -> None:
    class Nesting(Integration):
        @around(FIT, opens_run=True, nested=nested)
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            run.state["calls"] = run.state.get("calls", 0) + 1
            run.log_metric("calls", run.state["calls"])
            yield

    install(Nesting)
    toy.Model(inner=toy.Model()).fit(1)
    outer, *inner = runs()
    assert outer.metrics["calls"] == calls
    assert [run.parent for run in inner] == ([outer.id] if below else [])
    assert {run.status for run in runs()} == {"finished"}


def test_a_hook_may_say_that_a_call_is_no_training(toy: Any, install: Any, runs: Any) -> None:
    class Asking(Integration):
        def serious(self, call: Call) -> bool:
            return call.arg("rounds") != 0

        @around(FIT, opens_run="serious")
        def fit(self, call: Call, run: Run) -> Iterator[None]:
            run.set_tag("seen", "yes")
            yield

    install(Asking)
    toy.Model(inner=toy.Model()).fit(1, rounds=0)
    assert runs() == []
    toy.Model().fit(1)
    assert len(runs()) == 1


def test_a_hook_without_a_run_of_its_own_has_the_outer_one(
    toy: Any, install: Any, runs: Any
) -> None:
    had: list[Any] = []

    class Inner(Plain):
        @around(function("toylib", "search"), nested="join")
        def search(self, call: Call, run: Run | None) -> Iterator[None]:
            had.append(run)
            yield

    install(Inner)
    toy.search(1)
    toy.Model().fit(1)
    (run,) = runs()
    assert had[0] is None
    assert had[1].id == run.id


def test_a_call_knows_whether_it_trains_what_its_run_is_about(
    toy: Any, install: Any, runs: Any
) -> None:
    seen: list[bool] = []

    class Inner(Integration):
        @around(function("toylib", "search"), opens_run=True, nested="join")
        def search(self, call: Call, run: Run) -> Iterator[None]:
            seen.append(call.principal)
            yield
            seen.append(call.principal)

    install(Plain)
    install(Inner)
    toy.Model(inner=toy.Model()).fit(1)
    assert seen == [False, False, True, True]  # the inner model's training is not the run's own
    assert len(runs()) == 1
    toy.search(1)
    assert seen[4:] == [True, True]
    with autolog.start_run():
        toy.search(1)
    assert seen[6:] == [True, True]


def test_what_joins_begins_after_what_opens_though_it_was_installed_first(
    toy: Any, install: Any, runs: Any
) -> None:
    seen: list[tuple[bool, str]] = []

    class Joining(Integration):
        @around(FIT, opens_run=True, nested="join")
        def joins(self, call: Call, run: Run) -> Iterator[None]:
            seen.append((call.principal, run.id))
            yield

    install(Joining)
    install(Plain)
    toy.Model(inner=toy.Model()).fit(1)
    (run,) = runs()
    assert [(principal, id) for principal, id in seen if id == run.id] == seen
    assert [principal for principal, _ in seen] == [True, False]


def test_two_hooks_on_one_method_open_and_close_in_order(toy: Any, install: Any, runs: Any) -> None:
    order: list[str] = []

    class Twice(Integration):
        @around(FIT, opens_run=True)
        def opening(self, call: Call, run: Run) -> Iterator[None]:
            order.append("opens")
            yield
            order.append("closes")

        @around(FIT)
        def watching(self, call: Call, run: Run | None) -> Iterator[None]:
            order.append("watches")
            yield
            order.append("saw")

    install(Twice)
    toy.Model().fit(1)
    assert order == ["watches", "opens", "closes", "saw"]
    assert len(runs()) == 1
    assert autolog.active_run() is None


def test_an_integration_that_wraps_another_ones_library(toy: Any, install: Any, runs: Any) -> None:
    engine = install(Plain)

    class Other(Integration):
        @around(function("toylib", "search"), opens_run=True)
        def search(self, call: Call, run: Run) -> Iterator[None]:
            yield

    engine.install("other", Other, toy)
    toy.Model().fit(1)
    toy.search(1)
    assert [run.name for run in runs()] == ["Model", "search"]


# -- contexts --------------------------------------------------------------------------------


def test_a_thread_that_outlives_the_training_begins_anew(toy: Any, install: Any, runs: Any) -> None:
    go = threading.Event()
    threads: list[threading.Thread] = []

    def later() -> None:
        go.wait()
        toy.Base.fit(toy.Model(), 2)
        toy.Model().fit(2)

    def start(self: Any) -> None:
        if not threads:
            threads.append(threading.Thread(target=later))
            threads[0].start()

    toy.Model.one_round = start
    install(Plain)
    toy.Model().fit(1)
    go.set()
    threads[0].join()
    assert [run.metrics["seen"] for run in runs()] == [1, 2]
    assert [run.parent for run in runs()] == [None, None]


def test_a_call_that_ends_in_another_context_leaves_nothing(toy: Any, install: Any) -> None:
    install(Plain)
    model = toy.Model()

    async def train() -> None:
        await asyncio.get_running_loop().run_in_executor(None, model.fit, 1)
        contextvars.copy_context().run(model.fit, 2)

    asyncio.run(train())
    assert autolog.active_run() is None


def test_the_run_of_a_training_is_active_inside_it_alone(toy: Any, install: Any, runs: Any) -> None:
    inside: list[Any] = []
    toy.Model.one_round = lambda self: inside.append(autolog.active_run())
    install(Plain)
    toy.Model().fit(1)
    assert [run.id for run in inside] == [run.id for run in runs()]
    assert autolog.active_run() is None


# -- guarding --------------------------------------------------------------------------------


class Raising(Integration):
    """Raises after its yield."""

    @around(FIT, opens_run=True)
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        yield
        raise LookupError("on purpose")


def test_a_failing_hook_is_told_once_and_noted_each_time(
    toy: Any, install: Any, runs: Any,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("AUTOLOG_STRICT")
    install(Raising)
    for i in range(3):
        assert toy.Model().fit(i).seen == i
    assert capsys.readouterr().err.count("autolog: toylib.fit: LookupError: on purpose") == 1
    assert [(n.place, n.times) for n in reporting.notes()] == [("toylib.fit", 3)]
    assert [run.status for run in runs()] == ["finished"] * 3


def test_a_failing_hook_is_raised_in_strict_mode(toy: Any, install: Any) -> None:
    install(Raising)
    with pytest.raises(LookupError, match="on purpose"):
        toy.Model().fit(1)
    assert autolog.active_run() is None


def test_silent_prints_nothing(
    toy: Any, install: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT")
    monkeypatch.setenv("AUTOLOG_SILENT", "1")
    install(Raising)
    toy.Model().fit(1)
    assert capsys.readouterr().err == ""
    assert reporting.notes()


def test_a_closed_stderr_does_no_harm(
    toy: Any, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise OSError("closed")

    monkeypatch.delenv("AUTOLOG_STRICT")
    monkeypatch.setattr(sys, "stderr", Closed())
    install(Raising)
    assert toy.Model().fit(1).seen == 1


# -- on and off ------------------------------------------------------------------------------


def test_everything_is_put_back(toy: Any, install: Any) -> None:
    before = {name: vars(cls).copy() for name, cls in vars(toy).items() if isinstance(cls, type)}
    code = toy.search.__code__

    class All(Plain):
        @around(function("toylib", "search"))
        def search(self, call: Call, run: Run | None) -> Iterator[None]:
            yield

        def install(self, module: Any) -> Iterator[Callable[[], object]]:
            module.native = "ours"
            yield lambda: delattr(module, "native")

    install(All)
    assert toy.native == "ours"
    assert vars(toy.Model)["fit"] is not before["Model"]["fit"]
    autolog.disable()
    for name, entries in before.items():
        now = vars(getattr(toy, name))
        assert {k: now[k] for k in entries} == entries
        assert all(now[k] is v for k, v in entries.items())
    assert toy.search.__code__ is code
    assert not hasattr(toy, "native")


def test_a_wrapper_left_over_passes_through(toy: Any, install: Any, runs: Any) -> None:
    install(Plain)
    ours = vars(toy.Model)["fit"]

    def on_top(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    toy.Model.fit = on_top
    autolog.disable()
    assert toy.Model.fit is on_top
    assert toy.Model().fit(1).seen == 1
    assert runs() == []
    assert any("Model.fit" in note.text for note in reporting.notes())


def test_classes_to_come_and_adopted_ones(toy: Any, install: Any, runs: Any) -> None:
    class Stranger:
        def fit(self, X: Any) -> Any:
            self.seen = X
            return self

    class Early(Stranger):
        pass

    adopt("toylib", Early)
    install(Plain)

    class Later(toy.Base):  # type: ignore[misc,name-defined]
        def fit(self, X: Any) -> Any:
            self.seen = X
            return self

    class Late(Stranger):
        def fit(self, X: Any) -> Any:
            return super().fit(X)

    adopt("toylib", Late)
    for cls in (Later, Early, Late, Stranger):
        cls().fit(1)
    assert [run.name.rpartition(".")[2] for run in runs()] == ["Later", "Early", "Late"]
    autolog.disable()
    assert "fit" not in vars(Early)


def test_exclusion_takes_the_class_and_what_is_nested(toy: Any, install: Any, runs: Any) -> None:
    install(Plain, exclude=["toylib.Mod*"])
    toy.Model(inner=toy.Model()).fit(1)
    assert runs() == []
    with contextlib.suppress(ValueError):
        toy.Fails().fit(1)
    assert [run.name for run in runs()] == ["Fails"]


@dataclasses.dataclass
class Options:
    """Two options."""

    deep: bool = option(True, "Whether.")
    names: tuple[str, ...] = option((), "Which.")


class Optional(Integration):
    """Says its options."""

    options: Options

    @around(FIT, opens_run=True)
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        run.log_params({"deep": self.options.deep, "names": self.options.names})
        yield


def test_options_come_from_call_and_environment_and_change(
    toy: Any, install: Any, runs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load = enabling.load
    monkeypatch.setitem(enabling.BUILT_IN, "toylib", "here")
    monkeypatch.setattr(enabling, "load", lambda path: Optional if path == "here" else load(path))
    monkeypatch.setenv("AUTOLOG_TOYLIB__NAMES", "a b")
    uri = f"memory:{tmp_path}"
    autolog.autolog(uri, toylib={"deep": False, "names": ["ignored"]})
    toy.Model().fit(1)
    autolog.autolog(uri, toylib={"deep": True})
    toy.Model().fit(1)
    assert [dict(run.params) for run in runs()] == [
        {"deep": False, "names": ["a", "b"]},
        {"deep": True, "names": ["a", "b"]},
    ]


def test_an_integration_that_cannot_be_loaded_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT")
    monkeypatch.setitem(enabling.BUILT_IN, "toybroken", "no_such_module:Broken")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "toybroken.py").write_text("value = 5\n")
    autolog.autolog(f"memory:{tmp_path}")
    module = importlib.import_module("toybroken")
    assert module.value == 5
    assert capsys.readouterr().err.count("\n") == 1
    sys.modules.pop("toybroken")
