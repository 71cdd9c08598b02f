"""What the program computes of predictions: `sklearn.metrics` and `score`, on the right run."""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from typing import Any

from autolog.callsite import Site
from autolog.integration import Call, parameter_names
from autolog.live import Run
from autolog.reporting import note

from . import datasets, finding, naming, plots, predictions, reports, tables
from .datasets import Kept
from .naming import Given
from .predictions import Found, Link

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

    Where there is none, on the run that is open by hand (`within`), else in the session's notes.
    """
    name = str(call.function.__name__)
    found = _judged(call, name)
    if found is not None and not _elsewhere(found, within):
        _Result(call, kept, found.run, found.prediction.given, found.link).record(name, heard)
        for part in call.result if name in CURVES else ():
            predictions.derive(part, found)
    elif within is not None:
        _Result(call, kept, within, None, None).record(name, heard)
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
    run, link = predictions.maker(estimator)
    if run is None:
        note("sklearn.score", f"{name} at {call.site}: no recorded training of this model")
        return
    if given is not None:
        given = datasets.asked(run, given, kept)
    _Result(call, kept, run, given, link).record(name)


def report_importance(call: Call, kept: Kept) -> None:
    """The table that `permutation_importance(estimator, X, y)` gave, one for each scorer."""
    run, link = predictions.maker(call.arg("estimator"))
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
    run, link = predictions.maker(call.arg("estimator"))
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


def _first(values: list[Any], name: str, *, exactly: bool) -> Found | None:
    given = (value for value in values if value is not None)
    return next(filter(None, (finding.find(one, name, exactly=exactly) for one in given)), None)


@functools.lru_cache(maxsize=256)
def _predicted(names: tuple[str, ...]) -> tuple[str, ...]:
    """The parameters that take a prediction; `labels` is one only where there is no other."""
    found = tuple(name for name in PREDICTED if name in names)
    return found if found == ("labels",) else tuple(name for name in found if name != "labels")


# -- what is recorded --------------------------------------------------------------------------


class _Result:
    """What a call gave, the run that it belongs to, and how that is known."""

    def __init__(
        self, call: Call, kept: Kept, run: Run, given: Given | None, link: Link | None
    ) -> None:
        self.call = call
        self.run = run
        self.link = link
        self.arguments = _arguments(call)
        self.data = "" if given is None else self._data(given, kept)
        self.plots = kept.plots

    def record(self, name: str, heard: reports.Heard | None = None) -> None:
        """Write it down under the name of the function that gave it."""
        result = self.call.result
        if tables.is_scalar(result):
            self._number(name, result)
        elif numbers := tables.numbers(name, result):
            for part, value in numbers.items():
                self._number(part, value)
        elif isinstance(result, str):
            self._tabulate(name, reports.told(self.call, heard or []), result)
        else:
            self._tabulate(name, result)

    def _tabulate(self, name: str, result: Any, text: str | None = None) -> None:
        """What is no single number: a table, its text if it came as one, averages as numbers."""
        self.keep_table(name, tables.table(name, result, self.call), text=text)
        for part, value in tables.averages(result).items():
            self._number(part, value)

    def _data(self, given: Given, kept: Kept) -> str:
        """The name of the data in the run; they are described with what they were to give."""
        names = TRUE if self.call.instance is None else (*TRUE, "y")
        name = next((one for one in names if self.call.arg(one) is not None), None)
        target, target_name = None, None
        if name is not None and not datasets.knows(self.run, given):
            target, target_name = self.call.arg(name), naming.name_of(self.call, name)
        return datasets.key_of(self.run, given, kept, target, target_name)

    def _number(self, name: str, value: Any) -> None:
        key, count = self._key(name)
        site = self.call.site
        facts = {
            **({} if site is None else _told(site)),
            "link": self.link,
            "args": self.arguments or None,
        }
        info = {k: v for k, v in facts.items() if v is not None}
        self.run.point(key, value, count or None, info)

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
        key, count = self._key(name)
        if count >= MOST_TABLES:
            return
        if text is not None and not self.run.light:
            self.run.log_artifact(text.encode(), f"{key}.txt")
        if columns is not None:
            self.run.log_table(key, columns)
            kind, again = kind or name, count > 0
            plots.of_result(self.run, self.plots, kind, key, columns, self.data, again)

    def _key(self, name: str) -> tuple[str, int]:
        """`accuracy_score_X_test`, and how often it was computed before.

        The same call again (a loop) is the next point of its series; another call, or another way
        of averaging in the same one, is `accuracy_score-2_X_test`.
        """
        state = self.run.state.setdefault("metrics", {})
        ways = tuple(v for v in self.arguments.values() if isinstance(v, str | bool))
        site = self.call.site
        place = (str(site), site.code if site is not None else None, ways)
        with datasets.of(self.run).lock:
            places = state.setdefault((name, self.data), {})
            number, count = places.get(place, (len(places) + 1, 0))
            places[place] = number, count + 1
        title = name if number == 1 else f"{name}-{number}"
        return (f"{title}_{self.data}" if self.data else title), count


@functools.lru_cache(maxsize=1024)
def _told(site: Site) -> dict[str, str | None]:
    """How a call stands in the source, read once for each place."""
    return {"call": site.call_text(), "site": str(site)}


def _arguments(call: Call) -> dict[str, Any]:
    """The arguments that say how the metric is computed, where they are not the defaults.

    Plain values as they are, functions by name, arrays (weights) by class.
    """
    found = {}
    for name, default in _settings(call.function):
        value = call.arg(name, default)
        if value is not default and (type(value) not in _PLAIN or value != default):
            known = type(value) in _PLAIN
            found[name] = value if known else getattr(value, "__name__", type(value).__name__)
    return found


_PLAIN = (bool, int, float, str, type(None))
_defaults: weakref.WeakKeyDictionary[Any, tuple[tuple[str, Any], ...]] = weakref.WeakKeyDictionary()


def _settings(function: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of a metric function beside the two that take the data, with defaults."""
    try:
        return _defaults[function]
    except (KeyError, TypeError):
        pass
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    found = tuple((p.name, p.default) for p in named if p.default is not p.empty)
    with contextlib.suppress(TypeError):
        _defaults[function] = found
    return found
