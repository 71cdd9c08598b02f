"""scikit-learn: one run for each outermost training, of any estimator on `BaseEstimator`."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar, Literal

from autolog import following
from autolog.following import datasets, naming, predictions
from autolog.following.inputs import data_of, target_of
from autolog.integration import (
    Call,
    Captured,
    Hooked,
    Integration,
    adopt,
    around,
    function,
    method,
    option,
    subclasses,
)  # fmt: skip
from autolog.live import Run
from autolog.models.flavors import library_flavor

from . import (
    likeness,
    lineage,
    loops,
    plots,
    reports,
    results,
    scoring,
    searches,
    training,
    validations,
    watching,
)  # fmt: skip
from .captures import CAPTURES
from .fits import FitHooks
from .params import KINDS, chosen_params, kind_of, title, told
from .plots import Kind

PREPARING = (
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.compose",
)
"""Packages whose estimators prepare data; fitted alone they open no run unless asked."""

TRAININGS = ("fit", "fit_predict", "fit_transform", "fit_resample")
TRANSFORMS = ("transform", "fit_transform", "fit_resample")

PREDICTIONS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
)
"""Methods that say what a model makes of data; each may come from a mixin of its own."""

JUDGEMENTS = ("score", "bic", "aic", "perplexity")
"""Methods that judge a model by data with one number."""

ANSWERS = (
    "labels_",
    "transduction_",
    "negative_outlier_factor_",
    "oob_decision_function_",
    "oob_prediction_",
)
"""Attributes that say what a fitted model makes of its training data."""

ROWS = re.compile(r"_safe_indexing\((\w+), (\w+)\)")
"""How scikit-learn takes rows of data (1.4 to 1.9)."""

VALIDATIONS = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
)


@dataclasses.dataclass
class SklearnOptions:
    """What is captured of scikit-learn; each also a variable `AUTOLOG_SKLEARN__<OPTION>`."""

    models: bool = option(True, "Save the fitted model with its run.")
    model_format: Literal["pickle", "skops"] = option(
        "pickle", "`skops` needs no trust to load, and cannot hold every model."
    )
    save_redacted: bool = option(
        False, "Save a model even if its params held a secret, which the model then holds too."
    )
    datasets: bool = option(True, "Describe the training data: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets.")
    training_metrics: bool = option(
        False,
        "Add metrics on the training data under MLflow's names (`training_accuracy_score`, …); "
        "calls the model's `predict`, `predict_proba` and `score` on them.",
    )
    pos_label: str | None = option(
        None,
        "The positive class of two: `training_precision_score`, `_recall_score` and `_f1_score` "
        "are its own then, not weighted means.",
    )
    plots: bool | tuple[Kind, ...] = option(
        False,
        "Draw pictures ([which](#plots)), all or those that are named; calls the model's "
        "`predict` and `predict_proba` on the training data; needs matplotlib.",
    )
    input_example: int | bool = option(
        False, "Save so many first rows of the data with the model (`true`: 5)."
    )
    preprocessing: bool = option(
        False, "Let scalers, encoders, imputers, selectors fitted alone open runs of their own."
    )
    search_children: int = option(
        0, "Best candidates of a search that get runs of their own, below the search's; -1: all."
    )
    classes: tuple[str, ...] = option(
        (), "More classes with `fit` and `get_params`, as `package.module.Class`."
    )


def _around_each(*names: str) -> Callable[[Hooked], Hooked]:
    """One hook for each method: each is met where a class has it from outside the estimators."""

    def mark(hook: Hooked) -> Hooked:
        for name in names:
            hook = around(subclasses("sklearn.base", "BaseEstimator", name), covers=True)(hook)
        return hook

    return mark


class Sklearn(FitHooks, Integration):
    """One run for each outermost `fit`; what is fitted inside it stays silent."""

    library: ClassVar[str] = "scikit-learn>=1.4"
    module: ClassVar[str] = "sklearn"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: SklearnOptions

    @around(
        subclasses("sklearn.base", "BaseEstimator", *TRAININGS),
        opens_run="trains",
    )
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooks the methods where each class defines them, so that subclasses, third parties'
        estimators and references taken before enabling are met (scikit-learn 1.4 to 1.9).
        """
        estimator = call.instance
        self.describe(run, estimator)
        self.training_data(run, call)
        search = searches.search_in(estimator)
        with nullcontext() if search is None else watching.watching(run, search):
            yield
            results.report(run, estimator)
            searches.report(run, estimator)
        searches.open_children(run, estimator, self.options.search_children)
        self.follow(run, call)
        if self.options.models:
            self.save(run, estimator, call)
        plots.of_estimator(run, estimator, self.options.plots)
        training.report(run, call, self.options)

    @around(subclasses("sklearn.base", "BaseEstimator", "partial_fit"))
    def partial_fit(self, call: Call, run: Run | None) -> Iterator[None]:
        """The calls on one instance are one run, ended with the instance or the program; hooked
        apart from `fit` because no single call of a loop is the training.
        """
        if self.trains(call):
            own = loops.run_of(self, call)
            yield from loops.step(self, own, call)
            self.follow(own, call)
        else:
            yield

    @around(subclasses("sklearn.base", "BaseEstimator", *TRANSFORMS))
    def transform(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers who made an array, so that a later training can name it; hooked on the
        transformers since the training sees only the finished array.
        """
        yield
        if run is None:
            lineage.remember(call)

    @around(function("sklearn.model_selection._validation", *VALIDATIONS), opens_run=True)
    def validation(self, call: Call, run: Run) -> Iterator[None]:
        """Wrapped in place in the module that defines them: the fits of all folds, in whatever
        worker, belong to this one call.
        """
        validations.describe(run, call, self.describe(run, call.arg("estimator")))
        self.training_data(run, call)
        with validations.watching(run, call):
            yield
            table = validations.report(run, call)
        plots.of_validation(run, call, table, self.options.plots)
        self.follow_validation(run, call)

    @_around_each(*PREDICTIONS)
    def predict(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers whose output an array is; hooked on the methods that make it, since the
        metric that is computed of it later sees only numbers.
        """
        yield
        following.predicted(call, self.kept, likeness.of)

    @_around_each(*JUDGEMENTS)
    def score(self, call: Call, run: Run | None) -> Iterator[None]:
        """The user's own evaluation; hooked on the method, whose metric functions inside then
        stay silent.
        """
        yield
        scoring.report_score(call, self.kept)

    @around(function("sklearn.calibration", "calibration_curve"), covers=True)
    @around(function("sklearn.metrics", *scoring.METRICS), covers=True)
    def metric(self, call: Call, run: Run | None) -> Iterator[None]:
        """Wrapped in place, so that functions imported before enabling are met and pickles of
        them still name the original (scikit-learn 1.4 to 1.9).
        """
        with reports.listening(call) as heard:
            yield
        scoring.report_metric(call, run, self.kept, heard)

    @around(function("sklearn.metrics", "precision_recall_fscore_support"), nested="always")
    def averaged(self, call: Call, run: Run | None) -> Iterator[None]:
        """What a report as text computes inside, which the text has in two digits alone; here,
        as it calls this function once for each way of averaging (scikit-learn 1.4 to 1.9).
        """
        yield
        reports.hear(call)

    @around(method("sklearn.metrics._scorer", "_BaseScorer", "__call__"), covers=True)
    def scorer(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked on the scorers' class, since a scorer that the program made itself has no other
        name that we know (scikit-learn 1.4 to 1.9).
        """
        yield
        scoring.report_scorer(call, self.kept)

    @around(
        function("sklearn.inspection._permutation_importance", "permutation_importance"),
        covers=True,
    )
    def importance(self, call: Call, run: Run | None) -> Iterator[None]:
        """Wrapped in place in the module that defines it; the scores inside stay silent."""
        yield
        scoring.report_importance(call, self.kept)

    @around(function("sklearn.inspection._partial_dependence", "partial_dependence"), covers=True)
    def dependence(self, call: Call, run: Run | None) -> Iterator[None]:
        """Wrapped in place, as displays call it too; the predictions inside stay silent."""
        yield
        scoring.report_dependence(call, self.kept)

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks; what was remembered of models goes with the recording."""
        naming.takers.append(ROWS)
        yield partial(naming.takers.remove, ROWS)
        yield following.forget

    def follow(self, run: Run, call: Call) -> None:
        """Let metrics of what this training's models predict find their way to its run."""
        given, function = naming.given_to(call), call.function.__name__
        for part in results.parts(call.instance):
            copied = None if function == "partial_fit" else likeness.of(part)
            predictions.trained(part, run, copied)
            known = vars(part)
            if "classes_" in known:
                run.state["classes"] = known["classes_"]
            for name in ANSWERS:
                if known.get(name) is not None:
                    predictions.remember(run, known[name], given)
        if function == "fit_predict":
            predictions.remember(run, call.result, given)

    def follow_validation(self, run: Run, call: Call) -> None:
        """The same for what a cross-validation predicted, and for the models that it gave out."""
        result = call.result
        if call.function.__name__ == "cross_val_predict":
            predictions.remember(run, result, naming.given_to(call))
        for estimator in result.get("estimator", ()) if isinstance(result, dict) else ():
            predictions.trained(estimator, run, likeness.of(estimator))

    # -- parts -----------------------------------------------------------------------------

    def trains(self, call: Call) -> bool:
        """Whether a lone fit of this estimator is a training rather than a preparation."""
        estimator = call.instance
        if estimator is None or isinstance(estimator, type):  # a static or class method
            return False
        if self.options.preprocessing:
            return True
        prepares = hasattr(type(estimator), "fit_resample") or any(
            c.__module__.startswith(PREPARING) for c in type(estimator).__mro__
        )
        return not prepares or kind_of(estimator) not in ("transformer", "estimator")

    def subject(self, call: Call) -> Any:
        """The estimator whose method it is, or that a validation was given."""
        return call.arg("estimator") if call.instance is None else call.instance

    def holds(self, subject: Any, part: Any) -> bool:
        """Through the last step of a pipeline, a search's best estimator and the like."""
        return any(one is part for one in results.parts(subject))

    def kind(self, subject: Any) -> str:
        """As the tag `estimator_kind` says; empty for what is no estimator."""
        return "" if isinstance(subject, type) else kind_of(subject)

    def classes(self) -> tuple[str, ...]:
        """The classes that the option `classes` names."""
        return self.options.classes

    def run_name(self, call: Call) -> str:
        """`Ridge`, `Pipeline›SVC`, `cross_validate`."""
        if call.instance is None:
            return str(call.function.__name__)
        return title(call.instance)

    def describe(self, run: Run, estimator: Any) -> dict[str, Any]:
        """Params, the user's told apart from defaults, and tags; gives the params."""
        params, chosen = chosen_params(estimator)
        run.log_params({name: told(value) for name, value in params.items()}, chosen=chosen)
        kind = type(estimator)
        run.set_tags(
            {
                "estimator_name": kind.__qualname__,
                "estimator_class": f"{kind.__module__}.{kind.__qualname__}",
                "estimator_kind": kind_of(estimator),
                "sklearn_version": sys.modules["sklearn"].__version__,
            }
        )
        return params

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics, self.options.plots)

    def training_data(self, run: Run, call: Call) -> None:
        """The data that go into the training, as they are before it."""
        given = naming.given_to(call)
        origin = None if given is None else lineage.of(given.data())
        datasets.trained_with(
            run,
            call,
            self.kept,
            data=None,
            target=target_of(call),
            batch=call.function.__name__ == "partial_fit",
            extra={"lineage": origin} if origin else None,
        )

    def save(self, run: Run, estimator: Any, call: Call | None) -> None:
        """The fitted model; its signature is read off the data, without a call of the model."""
        flavor = library_flavor(estimator, "sklearn")
        own = {"format": self.options.model_format} if flavor == "sklearn" else {}
        run.log_model(
            "model",
            estimator,
            flavor=flavor,
            **own,
            save_redacted=self.options.save_redacted,
            data=None if call is None else call.arg(data_of(call)),
            target=None if call is None else call.arg(target_of(call)),
            example_rows=5 if self.options.input_example is True else self.options.input_example,
        )


def register(cls: type) -> type:
    """Have the trainings of a class with `fit` and `get_params` recorded: `register(MyModel)`.

    For classes that do not inherit from `BaseEstimator`; usable as a decorator, before or after
    `autolog()`.
    """
    adopt("sklearn", cls)
    return cls
