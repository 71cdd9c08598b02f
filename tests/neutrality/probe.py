"""A plugin of pytest that writes down what a session of a library's own tests came to.

`python -m pytest -p probe` with this folder on `PYTHONPATH`; the JSON goes to the file that
`NEUTRALITY_RESULT` names, that of each worker of xdist to one of its own beside it. Loaded in the
plain session too, so that both bear the same burden.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

WORST = ("failed", "xfailed", "xpassed", "skipped", "passed")
"""Of a test's three phases (set-up, call, tear-down) the first of these stands for the test."""


class Probe:
    """Outcomes of tests, and how many of the fits that the library itself checks were hooked."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.outcomes: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.fits: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test, outcome = _name(report), _outcome(report)
        before = self.outcomes.get(test, "passed")
        self.outcomes[test] = min(before, outcome, key=WORST.index)
        if report.failed:
            self.reasons[test] = report.longreprtext[-2000:]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[f"{report.nodeid} (collecting)"] = "failed"
            self.reasons[f"{report.nodeid} (collecting)"] = report.longreprtext[-2000:]

    def pytest_sessionfinish(self) -> None:
        found = {
            "outcomes": self.outcomes,
            "reasons": self.reasons,
            "fits": self.fits,
            "missed": self.missed,
            "autolog": _of_autolog(),
        }
        Path(os.environ["NEUTRALITY_RESULT"] + self.worker).write_text(json.dumps(found))

    def watch_sklearn(self) -> None:
        """Have each fit counted where scikit-learn checks its params, which knows nothing of us."""
        from sklearn.base import BaseEstimator

        checks = BaseEstimator._validate_params

        def _validate_params(estimator: Any) -> Any:
            self.count(estimator, sys._getframe(1))
            return checks(estimator)

        BaseEstimator._validate_params = _validate_params

    def count(self, estimator: Any, frame: Any) -> None:
        """Note one fit of scikit-learn's, as the frame that checks its params knows it."""
        method = frame.f_locals.get("fit_method")
        if method is not None and method.__name__ != "partial_fit":
            self.met(f"{type(estimator).__qualname__}.{method.__name__}")

    def watch_keras(self) -> None:
        """Have each fit counted where Keras asks whether the model is compiled."""
        from keras.src.trainers.trainer import Trainer

        asks = Trainer._assert_compile_called

        def _assert_compile_called(model: Any, method_name: str | None = None) -> Any:
            if method_name == "fit":
                self.met(f"{type(model).__qualname__}.fit")
            return asks(model, method_name)

        Trainer._assert_compile_called = _assert_compile_called

    def watch_xgboost(self) -> None:
        """Have each training counted where its callbacks begin, if it has any rounds."""
        from xgboost.callback import CallbackContainer

        begins = CallbackContainer.before_training

        def before_training(container: Any, model: Any) -> Any:
            self.met("xgboost.cv" if container.is_cv else "xgboost.train")
            return begins(container, model)

        CallbackContainer.before_training = before_training

    def watch_lightgbm(self) -> None:
        """Have each training counted where `train` makes its booster."""
        from lightgbm.basic import Booster

        makes = Booster.__init__

        def __init__(booster: Any, *args: Any, **kwargs: Any) -> None:
            if sys._getframe(1).f_code.co_name == "train":
                self.met("lightgbm.train")
            makes(booster, *args, **kwargs)

        Booster.__init__ = __init__

    def met(self, name: str) -> None:
        """Note one fit: does a hook of ours stand round it?"""
        self.fits["all"] += 1
        context = sys.modules.get("autolog.context")
        if context is None:
            return
        hook = context.current.get()
        if hook is None or not hook.hook or hook.over:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("/")[2]
            self.missed[f"{name} {test}"] += 1
        else:
            self.fits["hooked"] += 1
            self.fits["recorded"] += hook.run is not None


def _name(report: pytest.TestReport) -> str:
    """`sklearn/tests/test_base.py::test_clone`; the node's own id leaves the file of tests out."""
    file, _, test = report.location
    return f"{file.rpartition('site-packages/')[2]}::{test}"


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return report.outcome


def _of_autolog() -> dict[str, Any]:
    """How often each hook fired, and what was said or kept for `doctor`; empty in a plain session.

    What was said are errors; what was only noted may be a mere remark.
    """
    api = sys.modules.get("autolog.api")
    if api is None or api.state.engine is None:
        return {}
    reporting = sys.modules["autolog.reporting"]
    notes: Counter[str] = Counter()
    for place, text, times in reporting.notes():
        notes[f"{place}: {text}" if place in reporting._said else place] += times
    return {
        "fired": {entry.place: entry.fired for entry in api.state.engine.entries},
        "said": sorted(reporting._said),
        "notes": notes,
    }


def pytest_configure(config: pytest.Config) -> None:
    """Register the probe with pytest, in xdist's workers too."""
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    probe = Probe(f".{worker}" if worker else "")
    library = os.environ.get("NEUTRALITY_LIBRARY", "sklearn")
    getattr(probe, f"watch_{library}", probe.watch_sklearn)()
    config.pluginmanager.register(probe, "neutrality")
