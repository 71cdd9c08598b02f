"""Results, random numbers, threads, warnings, errors."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import random
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sklearn
from asking import Own, X, plain, question, y
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


@question
def random_states_that_the_program_hands_over() -> Any:
    legacy, modern = np.random.RandomState(3), np.random.default_rng(3)
    random.seed(3)
    np.random.seed(3)
    RandomForestClassifier(3, random_state=legacy).fit(X, y)
    cross_val_score(SGDClassifier(random_state=legacy), X, y, cv=KFold(3, shuffle=True,
                    random_state=legacy))  # fmt: skip
    permutation_test_score(Ridge(), X, y, cv=2, n_permutations=3, random_state=legacy)
    Own(lambda: modern.random()).fit(X, y)
    SGDClassifier().fit(X, y)
    states = legacy.get_state()[1].tolist(), modern.bit_generator.state, np.random.get_state()[1]
    return repr((states, random.getstate())), legacy.random(), modern.random(), random.random()


@question
def generators_are_consumed_once() -> Any:
    texts = ["good day", "bad day", "good night", "bad night"]
    folds = iter(list(KFold(3).split(X)))
    words = (text for text in texts)
    lines = (text for text in texts)
    return [
        cross_validate(Ridge(), X, y, cv=folds)["test_score"].tolist(),
        len(list(folds)),
        sorted(TfidfVectorizer().fit(words).vocabulary_),
        make_pipeline(HashingVectorizer(n_features=8), SGDClassifier(random_state=0))
        .fit(lines, [1, 0, 1, 0]).predict(texts).tolist(),
        list(words), list(lines),
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=KFold(2).split(X)).fit(X, y).best_params_,
    ]  # fmt: skip


@question
def threads_have_the_same_results() -> Any:
    found: dict[int, Any] = {}

    def work(seed: int) -> None:
        with sklearn.config_context(assume_finite=bool(seed % 2)):
            model = SGDClassifier(random_state=seed).fit(X, y)
            found[seed] = model.coef_.tolist(), sklearn.get_config()["assume_finite"]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found.items()), threading.active_count()


# -- warnings, errors ------------------------------------------------------------------------


def warned(model: Any) -> list[Any]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [(w.category.__name__, str(w.message), w.filename, w.lineno) for w in caught]


@question
def warnings_have_their_place() -> Any:
    def at(level: int) -> Callable[[], None]:
        return lambda: warnings.warn(f"level {level}", UserWarning, stacklevel=level)

    models = [LogisticRegression(max_iter=1), *(Own(at(level)) for level in (1, 2, 3, 4))]
    search = GridSearchCV(LogisticRegression(max_iter=1), {"C": [1, 2]}, cv=2)
    return [warned(model) for model in [*models, search, make_pipeline(models[2])]]


@question
def warnings_are_shown_as_often() -> Any:
    shown = io.StringIO()
    with contextlib.redirect_stderr(shown), warnings.catch_warnings():
        warnings.simplefilter("default")
        for _ in range(3):
            LogisticRegression(max_iter=1).fit(X, y)
        warnings.simplefilter("once")
        for _ in range(2):
            Own(lambda: warnings.warn("mine", FutureWarning, stacklevel=2)).fit(X, y)
    registries = [globals(), vars(sys.modules[Own.__module__])]
    keys = [each.get("__warningregistry__", {}) for each in registries]
    return shown.getvalue(), [sorted(str(k) for k in each if k != "version") for each in keys]


@question
def warnings_that_are_errors() -> Any:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (LogisticRegression(max_iter=1), LogisticRegression(), SVC()):
            try:
                model.fit(X, y)
            except ConvergenceWarning:
                found.append(traceback.format_exc())
    return found


def bad_calls() -> Iterator[Callable[[], Any]]:
    yield lambda: LogisticRegression(C=-1).fit(X, y)
    yield lambda: make_pipeline(StandardScaler(), SVC()).fit(X, y[:-1])
    yield lambda: GridSearchCV(SVC(), {"C": ["a"]}, cv=2).fit(X, y)
    yield lambda: SVC().predict(X)
    yield lambda: LogisticRegression().score(X, y)
    yield lambda: accuracy_score(y, y[:-1])
    yield lambda: cross_val_score(SVC(), X, y, cv=1)
    yield lambda: make_scorer(accuracy_score)(SVC(), X, y)
    yield lambda: LogisticRegression().fit()
    yield lambda: accuracy_score()
    yield lambda: Own(lambda: 1 / 0).fit(X, y)
    yield lambda: Own(lambda: accuracy_score([1], [1, 2])).fit(X, y)


@question
def tracebacks_read_the_same() -> Any:
    texts = []
    for call in bad_calls():
        try:
            call()
        except Exception as error:
            printed = io.StringIO()
            traceback.print_exc(file=printed)
            last = traceback.extract_tb(error.__traceback__)[-1]
            texts.append([plain(printed.getvalue()), last.filename, last.lineno])
    return texts


@question
def interrupts_and_exits_pass_through() -> Any:
    def interrupt() -> None:
        raise KeyboardInterrupt("now")

    found = []
    for end in (interrupt, lambda: sys.exit(5), lambda: (_ for _ in ()).throw(GeneratorExit)):
        try:
            cross_val_score(Own(end), X, y, cv=2)
        except BaseException as error:
            found.append(plain(traceback.format_exc()) + repr(error.args))
    return found


@question
def recursion_has_its_room() -> Any:
    def deep(left: int) -> int:
        return 0 if left == 0 else 1 + deep(left - 1)

    def endless() -> int:
        return endless() + 1

    class Nested(Own):
        def fit(self, X: Any, y: Any) -> Nested:
            self.depth_ = 1 + self.inside.fit(X, y).depth_ if self.inside else 0
            return self

    nested = functools.reduce(lambda inner, _: Nested(inner), range(60), Nested())
    try:
        Own(endless).fit(X, y)
    except RecursionError as error:
        said = str(error)
    room = sys.getrecursionlimit() - len(inspect.stack()) - 50
    return Own(lambda: deep(room)).fit(X, y).seen_ == room, nested.fit(X, y).depth_, said
