"""XGBoost: one run for each training, its rounds live, under xgboost's own names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from autolog import following
from autolog.following import datasets, naming
from autolog.integration import Call, Captured, Integration, around, function, method, option
from autolog.live import Run

from . import distributed, fits, folds, importance, lineage, loops, matrices, rounds, spark
from .captures import CAPTURES
from .distributed import Distributed
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
        ours = Training(self, call, run, fits.under_way.get())
        with rounds.heard_here():
            ours.begin()
            yield
        ours.end()

    @around(function("xgboost.training", "cv"), opens_run=True, nested="join")
    def cv(self, call: Call, run: Run) -> Iterator[None]:
        """Wrapped in place in the module that defines it; all folds are one run, whose rounds a
        callback hears (xgboost 2.1 to 3.2).
        """
        if not call.principal:
            yield
            return
        ours = folds.CrossValidation(self, call, run)
        with rounds.heard_here(), folds.heard_here(ours):
            ours.begin()
            yield
        ours.end()

    @around(method("xgboost.training", "_PackedBooster", "eval"), nested="join")
    def fold(self, call: Call, run: Run | None) -> Iterator[None]:
        """What each fold says of a round; hooked here since only the means of it go on to
        callbacks and to the result (xgboost 2.1 to 3.2).
        """
        yield
        folds.heard(call.result)

    @around(method("xgboost.core", "Booster", "__init__"))
    def booster(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers the params, of which a booster keeps only what they come to; hooked on the
        constructor, as a loop by hand begins with it (xgboost 2.1 to 3.2).
        """
        yield
        loops.made(call)

    @around(method("xgboost.core", "Booster", "update", "boost"), covers=True)
    def update(self, call: Call, run: Run | None) -> Iterator[None]:
        """The calls on one booster that stand in no training are one run; hooked on the methods
        that train, as nothing else of a loop by hand is xgboost's (xgboost 2.1 to 3.2).
        """
        yield from loops.step(self, call, run)

    @around(method("xgboost.core", "Booster", "set_param"), nested="join", only="changes")
    def change(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hears the learning rate that a callback sets for the next round; hooked on the method
        since the booster itself keeps it in 32 bits alone (xgboost 2.1 to 3.2).
        """
        yield
        rounds.heard(call)

    @around(method("xgboost.core", "Booster", "eval", "eval_set"), covers=True)
    def evaluate(self, call: Call, run: Run | None) -> Iterator[None]:
        """What a loop by hand, or a program after a training, asks a booster of data; hooked on
        the methods whose words hold the numbers (xgboost 2.1 to 3.2).
        """
        yield
        loops.evaluated(self, call)

    @around(method("xgboost.core", "Booster", "__del__"), nested="always", only="stands")
    def given_up(self, call: Call, run: Run | None) -> Iterator[None]:
        """Ends the run of a loop while there is still a model to save: a booster frees its memory
        before weak references to it are called back (CPython 3.11 to 3.13, xgboost 2.1 to 3.2).
        """
        self.standing.end(call.instance)
        yield

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
        own, link = following.maker(call.instance, lineage.likeness)
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
        alone = call.owner is None
        with fits.fitting(call.instance):
            if alone:
                fits.describe(self, run, call)
            if call.principal:
                fits.name_eval_sets(call)
            yield
        if alone:
            fits.save(self, run, call)

    @around(function("xgboost.dask", "train"), opens_run=True, nested="join")
    def train_elsewhere(self, call: Call, run: Run) -> Iterator[None]:
        """The driver's call; what it starts on workers stays silent there, and the history comes
        home with the model (xgboost 2.1 to 3.2).
        """
        if not call.principal:
            yield
            return
        ours = Distributed(self, call, run)
        ours.begin()
        yield
        ours.end()

    @around(method("xgboost.dask", "DaskXGBClassifier", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.dask", "DaskXGBRegressor", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.dask", "DaskXGBRanker", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.dask", "DaskXGBRFClassifier", "fit"), opens_run=True, nested="join")
    @around(method("xgboost.dask", "DaskXGBRFRegressor", "fit"), opens_run=True, nested="join")
    def fit_elsewhere(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked where the classes define it; they train by workers alone, not through `train`
        (xgboost 2.1 to 3.2).
        """
        alone, inside = call.owner is None, fits.under_way.get() is call.instance
        with fits.fitting(call.instance):
            if alone:
                fits.describe(self, run, call)
            yield
        if call.principal and not inside:  # the forests' `fit` calls another one of these
            distributed.fitted(self, call, run)
        if alone:
            fits.save(self, run, call)

    @around(method("xgboost.spark.core", "_SparkXGBEstimator", "_fit"), opens_run=True)
    @around(method("pyspark.ml.pipeline", "Pipeline", "_fit"), opens_run=True, only="boosts")
    @around(method("pyspark.ml.tuning", "CrossValidator", "_fit"), opens_run=True, only="boosts")
    @around(
        method("pyspark.ml.tuning", "TrainValidationSplit", "_fit"), opens_run=True, only="boosts"
    )
    def fit_on_spark(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked on what Spark's `fit` calls once for each training, with params that it was given
        applied, and on what holds such an estimator, whose run it then is: the fits of its folds
        stay silent (xgboost 3.2, Spark 4.3).
        """
        ours = spark.Fit(self, call, run)
        ours.begin()
        yield
        ours.end()

    def boosts(self, outer: Any, args: Any) -> bool:
        """Whether a pipeline or a search of Spark's holds an estimator of xgboost's."""
        return next(spark.estimators(outer), None) is not None

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks: callbacks are given to each training by itself."""
        yield following.tell_apart("xgboost.core.Booster", lineage.likeness)
        yield following.forget
        yield matrices.forget
        yield loops.forget
        yield lineage.forget

    def run_name(self, call: Call) -> str:
        """`xgboost.train`, `XGBClassifier`."""
        if call.instance is None:
            return f"xgboost.{call.function.__name__}"
        return type(call.instance).__qualname__

    def changes(self, booster: Any, args: Any) -> bool:
        """Whether rounds are under way here, which a change of params matters to."""
        return rounds.under_way()

    def stands(self, booster: Any, args: Any) -> bool:
        """Whether a loop by hand trains this booster."""
        return self.standing.get(booster) is not None

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics, self.options.plots)
