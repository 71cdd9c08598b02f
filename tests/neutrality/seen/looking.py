"""Classes, functions and instances as a program or a person looks at them."""

from __future__ import annotations

import functools
import inspect
import os
import pydoc
import re
import sys
import types
import typing
import warnings
from collections.abc import Iterable
from typing import Any
from unittest import mock

import sklearn
import sklearn.metrics
from asking import Centred, Own, X, plain, question, y
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

CLASSES = (LogisticRegression, Ridge, SVC, KMeans, RandomForestClassifier, StandardScaler,
           KNeighborsClassifier, GridSearchCV)  # fmt: skip
FUNCTIONS = (accuracy_score, f1_score, cross_validate, cross_val_score)
SLOTNAMES = "__slotnames__"
"""What Python leaves on a class whose instance was once copied or pickled: a cache of its own."""


def names(found: Iterable[str]) -> list[str]:
    """In order, without Python's own cache."""
    return sorted(set(found) - {SLOTNAMES})


@question
def classes_look_the_same() -> Any:
    return {
        kind.__name__: [
            names(vars(kind)), names(dir(kind)), [base.__name__ for base in kind.__mro__],
            _document(kind), _help(kind),
            [(a.name, a.kind, a.defining_class.__name__)
             for a in inspect.classify_class_attrs(kind) if a.name != SLOTNAMES],
            {n: plain(repr(vars(kind)[n])) for n in ("fit", "predict") if n in vars(kind)},
        ]
        for kind in (*CLASSES, Own, Centred, ClassifierMixin, TransformerMixin, BaseEstimator)
    }  # fmt: skip


def _document(kind: Any) -> str:
    text = plain(pydoc.plaintext.document(kind))
    return re.sub(rf" \|  {SLOTNAMES} = .*\n \|  \n", "", text)


def _help(kind: Any) -> str:
    return plain(pydoc.render_doc(kind.fit)) if hasattr(kind, "fit") else ""


@question
def methods_and_functions_look_the_same() -> Any:
    found = []
    for function in (*FUNCTIONS, *(kind.fit for kind in CLASSES), Own.fit, SVC().fit, SVC.score):
        member = function
        found.append([
            plain(repr(member)), str(inspect.signature(member)), inspect.getsource(member)[:200],
            inspect.getdoc(member), os.path.realpath(inspect.getfile(member)),
            inspect.getsourcelines(member)[1],
            inspect.getmodule(member).__name__, inspect.isfunction(member),
            inspect.ismethod(member), inspect.isroutine(member), inspect.unwrap(member).__name__,
            isinstance(member, types.FunctionType), member.__code__.co_name,
            member.__code__.co_firstlineno, member.__code__.co_argcount, member.__defaults__,
            member.__kwdefaults__, sorted(vars(member)), sorted(typing.get_type_hints(member)),
            hasattr(member, "__wrapped__"),
            functools.wraps(member)(lambda: None).__qualname__,
            str(inspect.signature(functools.partial(member, None))),
        ])  # fmt: skip
    return found


@question
def modules_look_the_same() -> Any:
    names = ("sklearn", "sklearn.metrics", "sklearn.base", "sklearn.model_selection")
    return {name: sorted(vars(sys.modules[name])) for name in names}


@question
def instances_look_the_same() -> Any:
    found = []
    for model in (SVC(), Own(), make_pipeline(SVC()), KMeans(2, random_state=0)):
        before = [hasattr(model, name) for name in ("predict_proba", "transform", "score_samples")]
        model.fit(X, y)
        tags = getattr(model, "__sklearn_tags__", None)
        found.append([
            before, [hasattr(model, n) for n in ("predict_proba", "transform", "score_samples")],
            repr(model), plain(model._repr_html_()), plain(repr(sorted(model.get_params().items(),
            key=str))), names(vars(model)), names(dir(model)), plain(repr(tags and tags())),
            isinstance(model, BaseEstimator), issubclass(type(model), ClassifierMixin),
            sklearn.utils.validation._is_fitted(model), sklearn.base.is_classifier(model),
        ])  # fmt: skip
    return found


@question
def mocks_and_overrides() -> Any:
    found = []
    with mock.patch.object(SVC, "fit", autospec=True) as fake:
        SVC().fit(X, y)
        found.append(len(fake.call_args.args))
    with mock.patch("sklearn.metrics.accuracy_score", return_value=7):
        found.append(sklearn.metrics.accuracy_score(1, 2))
    before = vars(Ridge)["fit"]
    Ridge.fit = lambda self, X, y: "mine"
    found.append(Ridge().fit(X, y))
    Ridge.fit = before
    model = Ridge()
    model.fit = types.MethodType(lambda self, X: "of this one", model)
    found.append(model.fit(X))
    return [*found, Ridge().fit(X, y).coef_.tolist(), names(vars(SVC)), names(vars(Ridge))]


@question
def scikit_learns_own_checks() -> Any:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for estimator, check in _checks():
            name = check.func.__name__ if isinstance(check, functools.partial) else str(check)
            try:
                check(estimator)
                found.append([name, "passed"])
            except Exception as error:
                found.append([name, type(error).__name__, plain(str(error))[:300]])
    return found


def _checks() -> Any:
    if "generate_only" in inspect.signature(check_estimator).parameters:  # before 1.8
        return check_estimator(Centred(), generate_only=True)
    from sklearn.utils.estimator_checks import estimator_checks_generator

    return estimator_checks_generator(Centred())
