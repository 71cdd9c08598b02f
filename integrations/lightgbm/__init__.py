"""LightGBM: one run for each `train`, `cv`, `fit`, or loop over `Booster.update`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from autolog import following
from autolog.following import datasets
from autolog.integration import (
    Call,
    Captured,
    Integration,
    around,
    function,
    method,
    option,
    subclasses,
)
from autolog.live import Run

from . import data, fitting, folds, lineage, loops, params
from .captures import CAPTURES
from .rounds import Rounds


@dataclasses.dataclass
class LightgbmOptions:
    """What is captured of LightGBM; each also a variable `AUTOLOG_LIGHTGBM__<OPTION>`."""

    models: bool = option(True, "Save the trained model with its run.")
    save_redacted: bool = option(
        False, "Save a model even if its params held a secret, which the model then holds too."
    )
    datasets: bool = option(True, "Describe training and validation data: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets.")
    plots: bool = option(False, "Draw `feature_importance`; needs matplotlib.")


class Lightgbm(Integration):
    """One run for each outermost training."""

    library: ClassVar[str] = "lightgbm>=4.3"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: LightgbmOptions

    @around(method("lightgbm.basic", "Dataset", "__init__"))
    def dataset(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the constructor, through which `create_valid` and `subset` go too, since
        LightGBM lets raw data go when it has binned them (4.3 to 4.7).
        """
        data.remember(call)
        yield

    @around(function("lightgbm.engine", "train"), opens_run=True, nested="join")
    def train(self, call: Call, run: Run) -> Iterator[None]:
        """Wrapped in place in the module that defines it: `lightgbm.sklearn` and programs hold
        references of their own (4.3 to 4.7). Rounds are heard by callbacks, put before the user's
        so that those keep the places that LightGBM gives them by their number.
        """
        if not call.principal:
            yield
            return
        callbacks = params.own_callbacks(call.arg("callbacks"))
        written = fitting.describe(self, run, call, callbacks)
        fitting.record_data(self, run, call)
        lineage.continued(run, call.arg("init_model"))
        rounds = Rounds(run, callbacks)
        fitting.hear(call, rounds)
        yield
        data.complete(run)
        run.state["lightgbm.series"] = rounds.keys
        fitting.report(self, run, call.result, written, rounds.number)
        if call.owner is None:
            self.save(run, call.result, None)

    @around(function("lightgbm.engine", "cv"), opens_run=True, nested="join")
    def cv(self, call: Call, run: Run) -> Iterator[None]:
        """Wrapped in place like `train`; its folds are trained in it, one round of each after the
        other (4.3 to 4.7).
        """
        if not call.principal:
            yield
            return
        callbacks = params.own_callbacks(call.arg("callbacks"))
        fitting.describe(self, run, call, callbacks)
        fitting.record_data(self, run, call)
        rounds, stops = Rounds(run, callbacks), params.stops_early(call, callbacks)
        fitting.hear(call, rounds)
        kept = run.state["lightgbm.folds"] = folds.Folds()
        yield
        data.complete(run)
        del run.state["lightgbm.folds"]
        folds.report(run, call.result, kept, rounds.number, stops=stops)

    @around(function("lightgbm.engine", "_agg_cv_result"), nested="join")
    def folds(self, call: Call, run: Run | None) -> Iterator[None]:
        """What each fold says of a round, where `cv` makes means of it: asking the folds again
        would cost their evaluation once more (4.3 to 4.7).
        """
        kept = None if run is None else run.state.get("lightgbm.folds")
        if kept is not None:
            kept.hear(call.arg(0) if call.args else next(iter(call.kwargs.values()), ()))
        yield

    @around(method("lightgbm.sklearn", "LGBMModel", "fit"), opens_run=True, nested="join")
    @around(subclasses("lightgbm.sklearn", "LGBMModel", "fit"), opens_run=True, nested="join")
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked where each class defines it, for the program's own arguments: what comes to
        `train` is encoded and copied (4.3 to 4.7). Where scikit-learn's integration is there, the
        run is its, with params, data and model.
        """
        if not call.principal or fitting.FIT in run.state:
            yield
            return
        fitting.begin_fit(self, run, call)
        try:
            yield
            fitting.end_fit(self, run, call)
        finally:
            run.state.pop(fitting.FIT, None)

    @around(method("lightgbm.basic", "Booster", "update"))
    def update(self, call: Call, run: Run | None) -> Iterator[None]:
        """The rounds of a loop by hand: one run for a booster, which ends with it or the program;
        hooked apart from `train` because no single call of a loop is the training (4.3 to 4.7).
        """
        yield from loops.update(self, call)

    @around(method("lightgbm.basic", "Booster", "refit"), opens_run=True)
    def refit(self, call: Call, run: Run) -> Iterator[None]:
        """The leaves of a model fitted anew to other data: a run of its own, which names the one
        that it comes from (4.3 to 4.7).
        """
        fitting.begin_refit(self, run, call)
        yield
        fitting.describe_effective(run, call.result, {})
        self.follow(run, call.result)
        self.save(run, call.result, None)

    @around(method("lightgbm.basic", "Booster", "eval", "eval_train", "eval_valid"))
    def evaluate(self, call: Call, run: Run | None) -> Iterator[None]:
        """What such a loop evaluates; hooked on what the program calls, as `train` calls the same
        inside (4.3 to 4.7).
        """
        yield
        loops.evaluated(self, call)

    @around(method("lightgbm.basic", "Booster", "__del__"), nested="always", only="stands")
    def gone(self, call: Call, run: Run | None) -> Iterator[None]:
        """The end of a loop whose booster dies: weak references are told after the memory of its
        trees has been freed here (4.3 to 4.7). All other boosters pass by.
        """
        loops.gone(self, call.instance)
        yield

    stands = staticmethod(loops.stands)

    @around(method("lightgbm.basic", "Booster", "predict"), covers=True)
    def predict(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers whose output an array is, since the metric that is computed of it later sees
        only numbers; `predict` of the classes with `fit` is scikit-learn's.
        """
        yield
        following.predicted(call, self.kept, lineage.likeness, "data")

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks; what was remembered goes with the recording."""
        yield following.tell_apart("lightgbm.basic.Booster", lineage.likeness)
        yield following.forget
        yield data.forget
        yield loops.forget

    def run_name(self, call: Call) -> str:
        """`lightgbm.train`, `LGBMClassifier`."""
        if call.instance is None or call.function.__name__ == "refit":
            return f"lightgbm.{call.function.__name__}"
        return type(call.instance).__qualname__

    # -- parts -----------------------------------------------------------------------------

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics)

    def follow(self, run: Run, booster: Any) -> None:
        """Let metrics of what this booster predicts find their way to its run."""
        following.trained(booster, run, lineage.likeness(booster))

    def tags(self, run: Run, kind: str) -> None:
        """What trained, and its version."""
        run.set_tags({"model_class": kind, "lightgbm_version": sys.modules["lightgbm"].__version__})

    def save(self, run: Run, model: Any, call: Call | None) -> None:
        """The trained model; a signature is read off the data, without a call of the model."""
        if self.options.models:
            run.log_model(
                "model",
                model,
                flavor="lightgbm",
                save_redacted=self.options.save_redacted,
                data=None if call is None else call.arg("X"),
                target=None if call is None else call.arg("y"),
            )
