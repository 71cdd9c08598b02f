"""XGBoost: one run for each training, its rounds live, under xgboost's own names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from autolog import following
from autolog.context import variable
from autolog.following import datasets, naming
from autolog.integration import Call, Captured, Integration, around, function, method, option
from autolog.live import Run

from . import importance, matrices, training
from .captures import CAPTURES
from .training import Training

Importance = Literal["weight", "gain", "cover", "total_gain", "total_cover"]


@dataclasses.dataclass
class XgboostOptions:
    """What is captured of XGBoost; each also a variable `AUTOLOG_XGBOOST__<OPTION>`."""

    models: bool = option(True, "Save the trained model with its run.")
    model_format: Literal["ubj", "json"] = option("ubj", "xgboost's own format of the model file.")
    save_redacted: bool = option(
        False, "Save a model even if its params held a secret, which the model then holds too."
    )
    datasets: bool = option(True, "Describe what matrices are made from: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets.")
    series: bool = option(True, "Record every metric of every eval set by boosting round.")
    round_time: bool = option(True, "Record how long each boosting round took.")
    importance: tuple[Importance, ...] = option(
        importance.KINDS, "Measures in the table `feature_importance`; none: no table."
    )
    plots: bool = option(False, "Draw `feature_importance`; needs matplotlib.")


_fitting = variable("xgboost.fitting", None)
"""The model of the scikit-learn interface whose `fit` is under way here."""


class Xgboost(Integration):
    """One run for each `train` and `cv`; the scikit-learn classes join the run of their `fit`."""

    library: ClassVar[str] = "xgboost>=2.1"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: XgboostOptions

    @around(function("xgboost.training", "train"), opens_run=True, nested="join")
    def train(self, call: Call, run: Run) -> Iterator[None]:
        """Wrapped in place in the module that defines it, so that references taken before
        enabling are met and the scikit-learn classes come through it (xgboost 2.1 to 3.2).
        """
        if not call.principal:
            yield
            return
        ours = Training(self, call, run, _fitting.get())
        ours.begin()
        yield
        ours.end()

    @around(method("xgboost.core", "DMatrix", "__init__"), nested="join")
    @around(method("xgboost.core", "QuantileDMatrix", "__init__"), nested="join")
    @around(method("xgboost.core", "ExtMemQuantileDMatrix", "__init__"), nested="join")
    def matrix(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers what went in; hooked on the constructors, which do not call one another, as
        the matrix keeps nothing of it (xgboost 2.1 to 3.2).
        """
        yield
        matrices.made(call, self.kept)

    @around(method("xgboost.core", "Booster", "predict", "inplace_predict"), covers=True)
    def predict(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers whose output an array is; hooked on the methods that make it, since the
        metric that is computed of it later sees only numbers (xgboost 2.1 to 3.2).
        """
        yield
        own, link = following.maker(call.instance)
        given = None
        if own is not None:
            known = matrices.of(call.arg("data"))
            given = naming.given_to(call, "data") if known is None else known.given
        if own is not None and given is not None:
            given = datasets.asked(own, given, self.kept)
        following.remember(own, call.result, given, link, call.site)

    @around(method("xgboost.sklearn", "XGBModel", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.sklearn", "XGBClassifier", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.sklearn", "XGBRanker", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.sklearn", "XGBRFClassifier", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.sklearn", "XGBRFRegressor", "fit"), opens_run=True, nested="join")
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked where the classes define it, to tell `train` whose training it is; says what the
        integration of scikit-learn would, where that is switched off (xgboost 2.1 to 3.2).
        """
        with _set(call.instance):
            if call.principal:
                training.name_eval_sets(call)
            yield

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks: callbacks are given to each training by itself."""
        yield following.forget
        yield matrices.forget

    def run_name(self, call: Call) -> str:
        """`xgboost.train`, `XGBClassifier`."""
        if call.instance is None:
            return f"xgboost.{call.function.__name__}"
        return type(call.instance).__qualname__

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics, self.options.plots)


@contextmanager
def _set(model: Any) -> Iterator[None]:
    token = _fitting.set(model)
    try:
        yield
    finally:
        _fitting.reset(token)
