"""Copies and files, the process, what is kept."""

from __future__ import annotations

import atexit
import bdb
import contextlib
import copy
import gc
import io
import json
import locale
import os
import pickle
import sys
import threading
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from asking import Own, X, plain, question, y
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SKLEARN = str(Path(sklearn.__file__).parent)
HERE = str(Path(__file__).parent)
OURS = ("AUTOLOG", "PYTHONPATH")
"""Variables that `autolog run` sets."""


@question
def pickles_are_equal_byte_for_byte() -> Any:
    import cloudpickle

    models = [
        LogisticRegression().fit(X, y), KNeighborsClassifier().fit(X, y),
        make_pipeline(StandardScaler(), SVC()).fit(X, y), Own().fit(X, y),
        GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2),
    ]  # fmt: skip
    found = []
    for model in models:
        file = io.BytesIO()
        joblib.dump(model, file)
        texts = [pickle.dumps(model, protocol) for protocol in (2, 5)]
        texts += [file.getvalue(), cloudpickle.dumps(model), pickle.dumps(model.fit)]
        copies = pickle.dumps(copy.deepcopy(model)), pickle.dumps(clone(model))
        found.append([joblib.hash(text) for text in (*texts, *copies)])
    return [
        *found,
        *(pickle.dumps(function).hex() for function in (accuracy_score, cross_validate)),
    ]


# -- the process -----------------------------------------------------------------------------


@question
def configuration_of_scikit_learn() -> Any:
    found = [sorted(sklearn.get_config().items(), key=str)]
    with sklearn.config_context(enable_metadata_routing=True, display="text", print_changed_only=0):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = make_pipeline(scaler, Ridge().set_fit_request(sample_weight=True))
        model.fit(X, y, sample_weight=y + 1)
        found += [
            repr(model),
            model[-1].coef_.tolist(),
            sorted(sklearn.get_config().items(), key=str),
        ]
        routing = plain(repr(sklearn.utils.metadata_routing.get_routing_for_object(model)))
    with sklearn.config_context(transform_output="pandas"):
        found.append(StandardScaler().fit_transform(X).columns.tolist())
    return [*found, routing, sorted(sklearn.get_config().items(), key=str)]


@question
def files_folders_and_settings() -> Any:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").glob("*")))

    Ridge().fit(X, y)
    before = descriptors()
    for _ in range(60):
        Ridge().fit(X, y)
    return [
        descriptors() - before, str(Path.cwd()), locale.getlocale(), list(sys.path), len(sys.argv),
        sys.flags, sys.getrecursionlimit(), sys.stdin.read(3), os.umask(os.umask(0o22)),
        os.get_blocking(0), sorted(name for name in os.environ if not name.startswith(OURS)),
    ]  # fmt: skip


@question
def references_that_are_held() -> Any:
    data, target, weight = X.copy(), y.copy(), np.ones(len(y))
    model = Ridge().fit(data, target, sample_weight=weight)
    model.predict(data)
    model.score(data, target)
    counts = [sys.getrefcount(value) for value in (data, target, weight, model)]
    dying = [weakref.ref(value) for value in (data, target, weight, model)]
    del data, target, weight, model
    gc.collect()
    return counts, [ref() is None for ref in dying], gc.garbage, gc.isenabled(), gc.get_threshold()


@question
def a_thousand_fits_keep_nothing() -> Any:
    """Steps of 4 kB for each fit: of ended runs, a bounded number is remembered for a while."""
    for _ in range(120):
        Ridge().fit(X, y)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
    for _ in range(1000):
        Ridge().fit(X, y)
    gc.collect()
    after, objects = tracemalloc.get_traced_memory()[0], gc.get_objects()
    tracemalloc.stop()
    kept = sum(type(each) is Ridge for each in objects)
    return (after - before[0]) // 4_000_000, (len(objects) - before[1]) // 10_000, kept


def within_ours(frame: Any) -> bool:
    """Whether a hook of ours called this: a person who steps on and on comes there too."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("autolog.") and not frame.f_code.co_name.startswith("drive"):
            return True
        frame = frame.f_back
    return False


@question
def a_debugger_steps_through_the_same_lines() -> Any:
    class Stepper(bdb.Bdb):
        def __init__(self) -> None:
            super().__init__()
            self.lines: list[Any] = []

        def user_line(self, frame: Any) -> None:
            path = frame.f_code.co_filename  # a function hooked in place has a line of ours first
            known = path.startswith((SKLEARN, HERE))
            if known and not within_ours(frame):
                self.lines.append((Path(path).name, frame.f_lineno))
            self.set_step()

    stepper = Stepper()
    with contextlib.redirect_stdout(io.StringIO()):
        stepper.runcall(lambda: Own(lambda: 1).fit(X, y).predict(X))
        stepper.runcall(lambda: accuracy_score(y, y))
    return stepper.lines


@question
def order_at_the_end() -> Any:
    def last(word: str) -> None:
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps({f"at exit {word}": len(threading.enumerate())}) + "\n")

    atexit.register(last, "registered first")
    atexit.register(last, "registered second")
    return sorted(thread.name for thread in threading.enumerate())


@question
def what_is_imported() -> Any:
    """Third parties' packages; ours are named in the test."""
    tops = {name.partition(".")[0] for name in list(sys.modules)}
    return sorted(name for name in tops - sys.stdlib_module_names if not name.startswith("_"))
