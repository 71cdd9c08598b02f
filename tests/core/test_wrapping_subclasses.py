"""Watching a base class for its subclasses."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn import set_config
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import Ridge
from sklearn.utils.metadata_routing import get_routing_for_object

from autolog.reporting import clear_notes, notes
from autolog.wrapping import ABSENT, Ledger, subclasses_of, watch_subclasses, wrap_method


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.undo()
    assert ledger.leftover() == []


def test_existing_and_later_classes_are_told(ledger: Ledger) -> None:
    class Base: ...

    class A(Base): ...

    class B(Base): ...

    class C(A, B): ...

    seen: list[type] = []
    watch_subclasses(Base, seen.append, ledger)
    assert sorted(cls.__name__ for cls in seen) == ["A", "B", "C"]

    class D(C): ...

    assert seen[3:] == [D]
    ledger.undo()
    type("E", (D,), {})
    assert seen[3:] == [D]


def test_an_absent_init_subclass_is_absent_again(ledger: Ledger) -> None:
    before = vars(BaseEstimator).get("__init_subclass__", ABSENT)
    watch_subclasses(BaseEstimator, lambda cls: None, ledger)
    ledger.undo()
    assert vars(BaseEstimator).get("__init_subclass__", ABSENT) is before is ABSENT


def test_keyword_arguments_and_own_init_subclass(ledger: Ledger) -> None:
    told: list[Any] = []

    class Base:
        def __init_subclass__(cls, *, tag: str = "none", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            told.append((cls.__name__, tag))

    raw, seen = vars(Base)["__init_subclass__"], []
    watch_subclasses(Base, seen.append, ledger)

    class A(Base, tag="a"): ...

    class B(A): ...

    with pytest.raises(TypeError, match=r"__init_subclass__\(\) takes no keyword arguments"):

        class Bad(Base, wrong=1): ...

    assert (told, seen) == ([("A", "a"), ("B", "none")], [A, B])
    ledger.undo()
    assert vars(Base)["__init_subclass__"] is raw


def test_plain_classes_refuse_keywords_as_before(ledger: Ledger) -> None:
    class Base: ...

    def message() -> str:
        with pytest.raises(TypeError) as caught:
            type("Bad", (Base,), {}, wrong=1)
        return str(caught.value)

    before = message()
    watch_subclasses(Base, lambda cls: None, ledger)
    assert message() == before


def test_a_diamond_calls_every_init_subclass_once(ledger: Ledger) -> None:
    calls: list[str] = []

    def base(name: str, *bases: type) -> type:
        def init(cls: Any, **kwargs: Any) -> None:
            calls.append(name)
            super(made, cls).__init_subclass__(**kwargs)

        made = type(name, bases, {"__init_subclass__": classmethod(init)})
        return made

    root = base("Root")
    plain = type("Plain", (root,), {})
    between = base("Between", root)
    watch_subclasses(plain, lambda cls: calls.append(cls.__name__), ledger)
    calls.clear()
    type("Leaf", (plain, between), {})
    assert calls == ["Between", "Root", "Leaf"]


def test_metadata_routing_is_kept(ledger: Ledger) -> None:
    watch_subclasses(BaseEstimator, lambda cls: wrap_method(cls, "fit", _through, ledger), ledger)

    class Weighted(ClassifierMixin, BaseEstimator):
        def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
            return self

    set_config(enable_metadata_routing=True)
    try:
        model: Any = Weighted().set_fit_request(sample_weight=True, groups="team")
        requests = get_routing_for_object(clone(model)).fit.requests
        ridge: Any = Ridge().set_fit_request(sample_weight=True)
        assert get_routing_for_object(ridge).fit.requests == {"sample_weight": True}
    finally:
        set_config(enable_metadata_routing=False)
    assert requests == {"sample_weight": True, "groups": "team"}


def _through(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


def test_set_output_wrapping_is_kept(ledger: Ledger) -> None:
    """sklearn's own `__init_subclass__`, which wraps `transform`, still runs."""
    watch_subclasses(BaseEstimator, lambda cls: None, ledger)

    class Shift(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        def transform(self, X: Any) -> Any:
            return X

        def get_feature_names_out(self, names: Any = None) -> Any:
            return names

    assert hasattr(Shift, "set_output")
    assert hasattr(Shift.transform, "__wrapped__")


def test_an_error_of_ours_does_not_break_the_class(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    monkeypatch.setenv("AUTOLOG_SILENT", "1")
    clear_notes()

    class Base: ...

    class A(Base): ...

    watch_subclasses(Base, lambda cls: 1 / 0, ledger)

    class B(Base): ...

    assert [note.text for note in notes()] == ["ZeroDivisionError: division by zero"] * 2
    clear_notes()


def test_warnings_of_an_init_subclass_keep_their_place(ledger: Ledger) -> None:
    class Base:
        def __init_subclass__(cls) -> None:
            warnings.warn("old", stacklevel=2)

    watch_subclasses(Base, lambda cls: None, ledger)
    with pytest.warns(UserWarning, match="old") as caught:
        type("A", (Base,), {})
    assert caught[0].filename == __file__


def test_no_class_is_kept_alive(ledger: Ledger) -> None:
    class Base: ...

    watch_subclasses(Base, lambda cls: None, ledger)
    gone = weakref.ref(type("A", (Base,), {}))
    gc.collect()
    assert gone() is None
    assert list(subclasses_of(Base)) == []


def test_a_metaclass_of_the_users_is_left_alone(ledger: Ledger) -> None:
    class Meta(type):
        def __setattr__(cls, name: str, value: Any) -> None:
            raise AssertionError("the metaclass's code was run")

        def __subclasses__(cls) -> Any:
            raise AssertionError("the metaclass's code was run")

    class Base(metaclass=Meta):
        def fit(self) -> int:
            return 1

    seen: list[type] = []
    on_class: Callable[[type], None] = seen.append
    watch_subclasses(Base, on_class, ledger)
    assert wrap_method(Base, "fit", _through, ledger)
    assert (Base().fit(), seen) == (1, [])
