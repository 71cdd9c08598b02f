"""What the program computes of predictions: `sklearn.metrics` and `score`, on the right run."""

from __future__ import annotations

import functools
from typing import Any

from autolog.following import assembling, datasets, finding, naming, predictions
from autolog.following.datasets import Kept
from autolog.following.judging import Judgement
from autolog.following.naming import Given
from autolog.following.predictions import Found, Link
from autolog.integration import Call, parameter_names
from autolog.live import Run
from autolog.reporting import note

from . import likeness, plots, reports, tables

METRICS = (
    "accuracy_score", "adjusted_mutual_info_score", "adjusted_rand_score", "auc",
    "average_precision_score", "balanced_accuracy_score", "brier_score_loss",
    "calinski_harabasz_score", "class_likelihood_ratios", "classification_report",
    "cohen_kappa_score", "completeness_score", "confusion_matrix",
    "confusion_matrix_at_thresholds", "consensus_score", "coverage_error",
    "d2_absolute_error_score", "d2_brier_score", "d2_log_loss_score", "d2_pinball_score",
    "d2_tweedie_score", "davies_bouldin_score", "dcg_score", "det_curve",
    "explained_variance_score", "f1_score", "fbeta_score", "fowlkes_mallows_score",
    "hamming_loss", "hinge_loss", "homogeneity_completeness_v_measure", "homogeneity_score",
    "jaccard_score", "label_ranking_average_precision_score", "label_ranking_loss", "log_loss",
    "matthews_corrcoef", "max_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_gamma_deviance", "mean_pinball_loss", "mean_poisson_deviance", "mean_squared_error",
    "mean_squared_log_error", "mean_tweedie_deviance", "median_absolute_error",
    "metric_at_thresholds", "multilabel_confusion_matrix", "mutual_info_score", "ndcg_score",
    "normalized_mutual_info_score", "pair_confusion_matrix", "precision_recall_curve",
    "precision_recall_fscore_support", "precision_score", "r2_score", "rand_score",
    "recall_score", "roc_auc_score", "roc_curve", "root_mean_squared_error",
    "root_mean_squared_log_error", "silhouette_samples", "silhouette_score",
    "top_k_accuracy_score", "v_measure_score", "zero_one_loss",
)  # fmt: skip
"""Functions of `sklearn.metrics` (1.4 to 1.9) that judge a prediction."""

PREDICTED = (
    "y_pred", "y_score", "y_proba", "y_prob", "probas_pred", "pred_decision", "labels_pred",
    "y2", "y1", "b", "a", "x", "y", "labels",
)  # fmt: skip
"""Parameters of those functions that take a prediction, in the order in which they are tried."""

TRUE = ("y_true", "labels_true")
"""Parameters that take it where the call has them in the wrong order."""

CURVES = ("roc_curve", "det_curve", "precision_recall_curve")
"""Functions whose arrays are judged in turn (`auc(fpr, tpr)`)."""

MOST_TABLES = 100
"""Tables and reports of one name that a run keeps; a loop's later ones are left out."""


# -- the three ways of judging -----------------------------------------------------------------


def report_metric(call: Call, within: Run | None, kept: Kept, heard: reports.Heard) -> None:
    """Record the result of a metric function on the run whose prediction it judges.

    Where there is none, on the run that is open by hand (`within`), else on that of a loop in which
    the program trains by itself (torch), else in the session's notes.
    """
    name = str(call.function.__name__)
    found = _judged(call, name)
    if found is not None and not _elsewhere(found, within):
        _Result(call, kept, found.run, found.prediction.given, found.link).record(name, heard)
        for part in call.result if name in CURVES else ():
            predictions.derive(part, found)
    elif within is not None:
        _Result(call, kept, within, None, None).record(name, heard)
    elif (assembled := _assembled(call)) is not None:
        key, newest = assembled
        result = _Result(call, kept, newest.run, None, newest.link)
        result.data = naming.name_of(call, key)
        result.record(name, heard)
    elif (loop := predictions.training_here()) is not None:
        _Result(call, kept, loop, None, "probable").record(name, heard)
    else:
        note("sklearn.metrics", f"{name} at {call.site}: no prediction of a recorded model")


def _elsewhere(found: Found, within: Run | None) -> bool:
    """Whether a guess leads out of the run that is open by hand, which is then the better one."""
    if within is None or found.link != "probable":
        return False
    return within.id not in (found.run.id, found.run.parent)


def report_score(call: Call, kept: Kept) -> None:
    """Record what `estimator.score(X, y)` and its kin gave, on the run that trained it."""
    name = f"{type(call.instance).__qualname__}_{call.function.__name__}"
    _report_model(call, kept, name, call.instance, naming.given_to(call))


def report_scorer(call: Call, kept: Kept) -> None:
    """Record what a scorer, called as `scorer(estimator, X, y)`, gave, on the estimator's run."""
    held = vars(call.instance)
    function = held.get("_score_func")
    name = getattr(function, "__name__", type(function).__name__)
    name = f"neg_{name}" if held.get("_sign") == -1 else name
    estimator = call.args[0] if call.args else call.kwargs.get("estimator")
    _report_model(call, kept, name, estimator, naming.given_to(call, "X"))


def _report_model(call: Call, kept: Kept, name: str, estimator: Any, given: Given | None) -> None:
    run, link = predictions.maker(estimator, likeness.of)
    if run is None:
        note("sklearn.score", f"{name} at {call.site}: no recorded training of this model")
        return
    if given is not None:
        given = datasets.asked(run, given, kept)
    _Result(call, kept, run, given, link).record(name)


def report_importance(call: Call, kept: Kept) -> None:
    """The table that `permutation_importance(estimator, X, y)` gave, one for each scorer."""
    run, link = predictions.maker(call.arg("estimator"), likeness.of)
    given = naming.given_to(call)
    if run is None or given is None:
        return
    found = _Result(call, kept, run, datasets.asked(run, given, kept), link)
    names = getattr(call.arg("X"), "columns", None)
    scored = {"permutation_importance": call.result}
    if "importances_mean" not in call.result:
        scored = {f"permutation_importance_{name}": one for name, one in call.result.items()}
    for name, one in scored.items():
        found.keep_table(name, tables.importances(one, names), "permutation_importance")


def report_dependence(call: Call, kept: Kept) -> None:
    """The table of what `partial_dependence(estimator, X, features)` averaged."""
    run, link = predictions.maker(call.arg("estimator"), likeness.of)
    given = naming.given_to(call)
    if run is None or given is None or call.result.get("average") is None:
        return
    names = _features(call)
    found = _Result(call, kept, run, datasets.asked(run, given, kept), link)
    name = "_".join(["partial_dependence", *names])
    found.keep_table(name, tables.dependence(call.result, names), "partial_dependence")


def _features(call: Call) -> list[str]:
    """What the data, or the call, name the features that were asked about; else `x0`, `x1`, …"""
    asked, known = call.arg("features"), call.arg("feature_names")
    known = getattr(call.arg("X"), "columns", None) if known is None else known
    asked = list(asked) if isinstance(asked, list | tuple) or hasattr(asked, "tolist") else [asked]
    return [
        str(one) if isinstance(one, str) else f"x{one}" if known is None else str(known[one])
        for one in asked
    ]


def _judged(call: Call, name: str) -> Found | None:
    names = parameter_names(call.function)
    keys = _predicted(names)
    predicted = [call.arg(key) for key in keys]
    true = [call.arg(key) for key in TRUE if key in names]
    found = _first(predicted + true, name, exactly=True)
    if found is not None or finding.in_vain(call.site):
        return found
    found = _first(predicted, name, exactly=False)
    if found is None:
        found = next(filter(None, (finding.named(call, key, name) for key in keys)), None)
    finding.searched(call.site, found)
    return found


def _assembled(call: Call) -> tuple[str, Found] | None:
    """The parameter that is given the predictions of several models, and the newest of these."""
    for key in () if finding.in_vain(call.site) else _predicted(parameter_names(call.function)):
        found = assembling.find(call.arg(key))
        if found is not None:
            finding.searched(call.site, found)
            return key, found
    return None


def _first(values: list[Any], name: str, *, exactly: bool) -> Found | None:
    given = (value for value in values if value is not None)
    return next(filter(None, (finding.find(one, name, exactly=exactly) for one in given)), None)


@functools.lru_cache(maxsize=256)
def _predicted(names: tuple[str, ...]) -> tuple[str, ...]:
    """The parameters that take a prediction; `labels` is one only where there is no other."""
    found = tuple(name for name in PREDICTED if name in names)
    return found if found == ("labels",) else tuple(name for name in found if name != "labels")


# -- what is recorded --------------------------------------------------------------------------


class _Result(Judgement):
    """What a call of scikit-learn's gave, the run that it belongs to, and how that is known."""

    def __init__(
        self, call: Call, kept: Kept, run: Run, given: Given | None, link: Link | None
    ) -> None:
        names = TRUE if call.instance is None else (*TRUE, "y")
        super().__init__(call, kept, run, given, link, names)
        self.plots = kept.plots

    def record(self, name: str, heard: reports.Heard | None = None) -> None:
        """Write it down under the name of the function that gave it."""
        result = self.call.result
        if tables.is_scalar(result):
            self.number(name, result)
        elif numbers := tables.numbers(name, result):
            for part, value in numbers.items():
                self.number(part, value)
        elif isinstance(result, str):
            self._tabulate(name, reports.told(self.call, heard or []), result)
        else:
            self._tabulate(name, result)

    def _tabulate(self, name: str, result: Any, text: str | None = None) -> None:
        """What is no single number: a table, its text if it came as one, averages as numbers."""
        self.keep_table(name, tables.table(name, result, self.call), text=text)
        for part, value in tables.averages(result).items():
            self.number(part, value)

    def keep_table(
        self,
        name: str,
        columns: dict[str, Any] | None,
        kind: str | None = None,
        text: str | None = None,
    ) -> None:
        """Write down a table, with a picture if asked, unless a loop has made many of the name."""
        if columns is None and text is None:
            return
        key, count = self.key(name)
        if count >= MOST_TABLES:
            return
        if text is not None and not self.run.light:
            self.run.log_artifact(text.encode(), f"{key}.txt")
        if columns is not None:
            self.run.log_table(key, columns)
            kind, again = kind or name, count > 0
            plots.of_result(self.run, self.plots, kind, key, columns, self.data, again)
