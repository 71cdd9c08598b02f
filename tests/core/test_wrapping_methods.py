"""A hooked method looks, binds, compares and undoes as the plain one."""

from __future__ import annotations

import abc
import functools
import gc
import inspect
import typing
import unittest.mock
import weakref
from types import FunctionType, MethodType
from typing import Any

import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from autolog.wrapping import Ledger, as_internal_frame, wrap_method

X = [[0.0, 1.0], [1.0, 0.5], [2.0, 3.0], [3.0, 1.0]]
Y = [0.0, 1.0, 2.0, 3.5]


class Spy:
    """A driver that notes each call it sees."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
        self.ledger = Ledger()
        calls = self.calls

        @as_internal_frame
        def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            calls.append((instance, args, kwargs))
            return wrapped(*args, **kwargs)

        self.drive = drive

    def on(self, cls: type, name: str) -> bool:
        return wrap_method(cls, name, self.drive, self.ledger)


@pytest.fixture
def spy() -> typing.Iterator[Spy]:
    spy = Spy()
    yield spy
    spy.ledger.undo()
    assert spy.ledger.leftover() == []


def make() -> type:
    class Local:
        """A class with every kind of method."""

        def fit(self, X: list[float], y: int = 1, *, weight: float | None = None) -> Local:
            """Fits."""
            self.seen = (X, y, weight)
            return self

        @classmethod
        def build(cls, n: int = 1) -> Any:
            """Builds."""
            return cls, n

        @staticmethod
        def add(a: int, b: int = 2) -> int:
            """Adds."""
            return a + b

        @property
        def size(self) -> int:
            return 3

        kind = functools.partialmethod(fit, y=7)
        constant = 5

    return Local


def facts(cls: type, name: str) -> dict[str, Any]:
    """What introspection says of a method on the class and on an instance."""
    found = {}
    for where, value in (("class", getattr(cls, name)), ("object", getattr(cls(), name))):
        found |= {
            f"{where} signature": str(inspect.signature(value)),
            f"{where} doc": value.__doc__,
            f"{where} name": (value.__name__, value.__qualname__, value.__module__),
            f"{where} kind": (inspect.isfunction(value), inspect.ismethod(value)),
            f"{where} routine": (inspect.isroutine(value), callable(value)),
            f"{where} hints": str(typing.get_type_hints(value, localns={"Local": cls})),
            f"{where} source": inspect.getsource(value),
            f"{where} wrapped": hasattr(value, "__wrapped__"),
            f"{where} dict": dict(value.__dict__),
            f"{where} unwrapped": inspect.unwrap(value) == value,
            f"{where} equal": getattr(cls, name) == getattr(cls, name),
            f"{where} hash": hash(value) == hash(value),
        }
    static = inspect.getattr_static(cls, name)
    found["static"] = (isinstance(static, classmethod), isinstance(static, staticmethod))
    described = inspect.classify_class_attrs(cls)
    found["attributes"] = next(a.kind for a in described if a.name == name)
    return found


@pytest.mark.parametrize("name", ["fit", "build", "add"])
def test_introspection_is_unchanged(spy: Spy, name: str) -> None:
    cls = make()
    before = facts(cls, name)
    assert spy.on(cls, name)
    assert facts(cls, name) == before
    assert spy.calls == []


@pytest.mark.parametrize("cls", [Ridge, PCA, LinearRegression])
def test_introspection_of_estimators_is_unchanged(spy: Spy, cls: type) -> None:
    before = facts(cls, "fit")
    assert spy.on(cls, "fit")
    assert facts(cls, "fit") == before


def test_driver_sees_instance_and_arguments(spy: Spy) -> None:
    cls = make()
    for name in ("fit", "build", "add"):
        spy.on(cls, name)
    it = cls()
    assert it.fit([1.0], 2, weight=0.5) is it
    assert cls.fit(it, [1.0]) is it
    assert cls.build(4) == (cls, 4)
    assert it.build() == (cls, 1)
    assert cls.add(1) == it.add(1, b=2) == 3
    assert spy.calls == [
        (it, ([1.0], 2), {"weight": 0.5}),
        (it, ([1.0],), {}),
        (cls, (4,), {}),
        (cls, (), {}),
        (None, (1,), {}),
        (None, (1,), {"b": 2}),
    ]


def test_a_subclass_binds_class_methods_to_itself(spy: Spy) -> None:
    base = make()
    spy.on(base, "build")
    sub = type("Sub", (base,), {})
    assert sub.build() == (sub, 1)
    assert [call[0] for call in spy.calls] == [sub]


def test_wrapped_is_bound(spy: Spy) -> None:
    seen = []

    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append((wrapped.__name__, wrapped.__doc__, wrapped([1.0]) is instance))
        return wrapped(*args, **kwargs)

    cls = make()
    wrap_method(cls, "fit", drive, spy.ledger)
    cls().fit([])
    cls.fit(cls(), [])
    assert seen == [("fit", "Fits.", True)] * 2


def test_binding_is_that_of_a_function(spy: Spy) -> None:
    cls = make()
    spy.on(cls, "fit")
    it = cls()
    assert cls.fit is cls.fit is vars(cls)["fit"]
    assert type(it.fit) is MethodType
    assert it.fit.__func__ is cls.fit
    assert it.fit.__self__ is it
    assert it.fit == it.fit != cls().fit
    assert hash(it.fit) == hash(it.fit)
    assert isinstance(cls.fit, FunctionType)
    assert {it.fit: 1}[it.fit] == 1
    assert repr(it.fit).startswith("<bound method make.<locals>.Local.fit of")
    other = type("Other", (), {"fit": cls.fit})()
    assert other.fit([]) is other
    assert cls.fit.__get__(it, cls) == it.fit


def test_an_override_is_known_by_identity(spy: Spy) -> None:
    """The idiom `type(self).method is not Base.method` keeps its answer."""
    base = make()
    spy.on(base, "fit")
    heir = type("Heir", (base,), {})
    other = type("Other", (base,), {"fit": lambda self: None})
    assert heir.fit is base.fit
    assert other.fit is not base.fit


def test_weak_methods_and_partials(spy: Spy) -> None:
    cls = make()
    spy.on(cls, "fit")
    it = cls()
    weak = weakref.WeakMethod(it.fit)
    assert weak() == it.fit
    weak()([1.0])
    functools.partial(it.fit, [2.0])()
    it.kind([3.0])
    assert [call[1] for call in spy.calls] == [([1.0],), ([2.0],)]
    del it
    spy.calls.clear()
    gc.collect()
    assert weak() is None


def test_super_calls_go_through_the_driver_once_each(spy: Spy) -> None:
    base = make()

    class Sub(base):
        def fit(self, X: Any, y: int = 1) -> Any:
            return super().fit(X, y)

    spy.on(base, "fit")
    spy.on(Sub, "fit")
    it = Sub()
    it.fit([1.0])
    assert [(call[0] is it, call[1]) for call in spy.calls] == [
        (True, ([1.0],)),
        (True, ([1.0], 1)),
    ]


def test_available_if_keeps_its_answers(spy: Spy) -> None:
    assert spy.on(Pipeline, "fit_predict")
    assert spy.on(Pipeline, "fit_transform")
    without = make_pipeline(StandardScaler(), Ridge())
    assert not hasattr(without, "fit_predict")
    with pytest.raises(AttributeError, match="fit_predict"):
        without.fit_predict  # noqa: B018
    scaled = make_pipeline(StandardScaler(), PCA(1))
    assert type(scaled.fit_transform) is MethodType
    assert scaled.fit_transform == scaled.fit_transform
    assert scaled.fit_transform(X).shape == (4, 1)
    Pipeline.fit_transform(scaled, X)
    assert [call[0] for call in spy.calls] == [scaled, scaled]


def test_abstract_methods_stay_abstract(spy: Spy) -> None:
    class Base(abc.ABC):
        @abc.abstractmethod
        def fit(self) -> int: ...

    spy.on(Base, "fit")
    assert vars(Base)["fit"].__isabstractmethod__
    with pytest.raises(TypeError, match="abstract"):
        type("Without", (Base,), {})()
    assert type("With", (Base,), {"fit": lambda self: 1})().fit() == 1


def test_properties_and_plain_values_are_refused(spy: Spy) -> None:
    cls = make()
    before = dict(vars(cls))
    assert not spy.on(cls, "size")
    assert not spy.on(cls, "constant")
    assert not spy.on(cls, "missing")
    assert dict(vars(cls)) == before


def test_hooking_twice_is_refused(spy: Spy) -> None:
    cls = make()
    assert spy.on(cls, "fit")
    assert not spy.on(cls, "fit")
    assert not spy.on(type("Heir", (cls,), {}), "fit")
    cls().fit([])
    assert len(spy.calls) == 1


def test_undo_puts_back_the_very_same_entries(spy: Spy) -> None:
    cls = make()
    before = dict(vars(cls))
    for name in ("fit", "build", "add"):
        assert spy.on(cls, name)
    spy.ledger.undo()
    spy.ledger.undo()
    assert list(vars(cls)) == list(before)
    assert all(vars(cls)[name] is before[name] for name in before)
    cls().fit([])
    assert spy.calls == []


class Mixin:
    def fit(self, X: Any, y: Any = None) -> Any:
        """Fits, from outside the tree."""
        self.fitted_by = "Mixin"
        return self


def test_an_inherited_method_is_absent_again_after_undo(spy: Spy) -> None:
    class Estimator(Mixin, BaseEstimator):
        pass

    before, unhooked = facts(Estimator, "fit"), vars(Estimator).keys() - set()
    assert spy.on(Estimator, "fit")
    after = facts(Estimator, "fit")
    after["attributes"], before["attributes"] = "", ""
    assert after == before
    it = Estimator().fit(X)
    assert (it.fitted_by, len(spy.calls)) == ("Mixin", 1)
    assert it.fit == it.fit
    Mixin().fit(X)
    assert len(spy.calls) == 1
    spy.ledger.undo()
    assert vars(Estimator).keys() == unhooked


def test_an_inherited_method_follows_the_subclass_own_order(spy: Spy) -> None:
    """A class that stands between the two in a subclass's order still gets its turn."""

    class Estimator(Mixin, BaseEstimator):
        pass

    class Between(Mixin):
        def fit(self, X: Any, y: Any = None) -> Any:
            super().fit(X, y)
            self.fitted_by = "Between"
            return self

    class Sub(Estimator, Between):
        pass

    assert Sub().fit(X).fitted_by == "Between"
    spy.on(Estimator, "fit")
    it = Sub().fit(X)
    assert (it.fitted_by, [call[0] for call in spy.calls]) == ("Between", [it])


def test_methods_of_c_types(spy: Spy) -> None:
    class Table(dict):
        pass

    assert spy.on(Table, "update")
    table = Table(a=1)
    table.update(b=2)
    Table.update(table, c=3)
    assert table == {"a": 1, "b": 2, "c": 3}
    assert [(call[0] is table, call[2]) for call in spy.calls] == [
        (True, {"b": 2}),
        (True, {"c": 3}),
    ]
    spy.ledger.undo()
    assert "update" not in vars(Table)


def test_another_tool_on_top_stays_and_ours_passes_through(spy: Spy) -> None:
    cls = make()
    spy.on(cls, "fit")
    ours = cls.fit

    def theirs(self: Any, *args: Any) -> Any:
        return ours(self, *args)

    cls.fit = theirs
    spy.ledger.undo()
    assert cls.fit is theirs
    assert [name.endswith("Local.fit") for name in spy.ledger.leftover()] == [True]
    assert cls().fit([5.0]).seen == ([5.0], 1, None)
    cls.fit = ours
    spy.ledger.undo()
    assert type(cls.fit) is FunctionType


def test_a_mock_on_top_and_off_again(spy: Spy) -> None:
    cls = make()
    spy.on(cls, "fit")
    ours = vars(cls)["fit"]
    with unittest.mock.patch.object(cls, "fit", autospec=True) as fake:
        it = cls()
        it.fit([1.0])
        fake.assert_called_once_with(it, [1.0])
    assert vars(cls)["fit"] is ours
    assert spy.calls == []
    with unittest.mock.patch.object(cls, "fit"):
        spy.ledger.undo()
        assert len(spy.ledger.leftover()) == 1
    assert cls().fit([2.0]).seen == ([2.0], 1, None)
    spy.ledger.undo()


def test_the_ledger_keeps_no_class_alive(spy: Spy) -> None:
    base = make()

    class Local(base):
        def fit(self, X: Any) -> Any:
            return super().fit(X)

    spy.on(Local, "fit")
    spy.on(Local, "add")
    gone = weakref.ref(Local)
    del Local
    gc.collect()
    assert gone() is None
    spy.ledger.undo()


def test_native_undo_calls_run_once_in_reverse_order() -> None:
    ledger, done = Ledger(), []
    for n in range(3):
        ledger.add(functools.partial(done.append, n))
    ledger.undo()
    ledger.undo()
    assert done == [2, 1, 0]


def test_a_failing_undo_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    monkeypatch.setenv("AUTOLOG_SILENT", "1")
    ledger, done = Ledger(), []
    ledger.add(lambda: done.append("first"))
    ledger.add(lambda: 1 / 0)
    ledger.undo()
    assert (done, ledger.leftover()) == (["first"], [])


def test_exceptions_pass_untouched(spy: Spy) -> None:
    class Bad:
        def fit(self) -> None:
            raise KeyboardInterrupt("x")

    spy.on(Bad, "fit")
    with pytest.raises(KeyboardInterrupt) as caught:
        Bad().fit()
    names = [entry.name for entry in caught.traceback]
    assert names[-2:] == ["drive", "fit"]
    assert len(names) == 3
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_wrong_arguments_raise_the_same_error(spy: Spy) -> None:
    cls = make()

    def message() -> str:
        with pytest.raises(TypeError) as caught:
            cls().fit()
        return str(caught.value)

    before = message()
    spy.on(cls, "fit")
    assert message() == before


def test_scikit_learn_works_on_hooked_classes(spy: Spy) -> None:
    expected = Ridge().fit(X, Y).coef_
    spy.on(Ridge, "fit")
    model = clone(Ridge(alpha=1.0)).fit(X, Y)
    assert (model.coef_ == expected).all()
    routed = Ridge().set_fit_request if hasattr(Ridge(), "set_fit_request") else None
    assert (routed is None) == (not hasattr(LinearRegression(), "set_fit_request"))
    assert isinstance(model, RegressorMixin)
    assert make_pipeline(StandardScaler(), Ridge()).fit(X, Y).score(X, Y) > 0
    assert len(spy.calls) == 2
