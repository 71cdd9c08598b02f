"""What the program computes of predictions: `sklearn.metrics` and `score`, on the right run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import note

from . import matching, predictions
from .predictions import Link, Prediction

METRICS = (
    "accuracy_score", "adjusted_mutual_info_score", "adjusted_rand_score", "auc",
    "average_precision_score", "balanced_accuracy_score", "brier_score_loss",
    "calinski_harabasz_score", "class_likelihood_ratios", "classification_report",
    "cohen_kappa_score", "completeness_score", "confusion_matrix", "consensus_score",
    "coverage_error", "d2_absolute_error_score", "d2_brier_score", "d2_log_loss_score",
    "d2_pinball_score", "d2_tweedie_score", "davies_bouldin_score", "dcg_score", "det_curve",
    "explained_variance_score", "f1_score", "fbeta_score", "fowlkes_mallows_score",
    "hamming_loss", "hinge_loss", "homogeneity_completeness_v_measure", "homogeneity_score",
    "jaccard_score", "label_ranking_average_precision_score", "label_ranking_loss", "log_loss",
    "matthews_corrcoef", "max_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_gamma_deviance", "mean_pinball_loss", "mean_poisson_deviance", "mean_squared_error",
    "mean_squared_log_error", "mean_tweedie_deviance", "median_absolute_error",
    "multilabel_confusion_matrix", "mutual_info_score", "ndcg_score",
    "normalized_mutual_info_score", "precision_recall_curve", "precision_recall_fscore_support",
    "precision_score", "r2_score", "rand_score", "recall_score", "roc_auc_score", "roc_curve",
    "root_mean_squared_error", "root_mean_squared_log_error", "silhouette_score",
    "top_k_accuracy_score", "v_measure_score", "zero_one_loss",
)  # fmt: skip
"""Functions of `sklearn.metrics` (1.4 to 1.9) that judge a prediction."""

PREDICTED = (
    "y_pred", "y_score", "y_prob", "y_proba", "probas_pred", "pred_decision", "labels_pred",
    "labels",
)  # fmt: skip
"""Parameters of those functions that take a prediction, in the order in which they are tried."""

COLUMNS = {
    "roc_curve": ("fpr", "tpr", "threshold"),
    "det_curve": ("fpr", "fnr", "threshold"),
    "precision_recall_curve": ("precision", "recall", "threshold"),
    "precision_recall_fscore_support": ("precision", "recall", "fscore", "support"),
    "homogeneity_completeness_v_measure": ("homogeneity", "completeness", "v_measure"),
    "class_likelihood_ratios": ("positive", "negative"),
}
"""Names of what functions return in a tuple."""


def report_metric(call: Call, within: Run | None, *, statistics: bool) -> None:
    """Record the result of a metric function on the run whose prediction it judges."""
    name = str(call.function.__name__)
    found = _linked(call)
    if found is None and within is not None:
        within.point(_key(within, name, "unknown", call), *_valued(call.result, within, call, None))
        return
    if found is None:
        note("sklearn.metrics", f"{name} at {call.site}: no prediction of a recorded model")
        return
    prediction, link = found
    run = prediction.run
    key = _key(run, name, prediction.data_name, call)
    _record(run, key, name, call, prediction, link)
    _describe(prediction, statistics)


def report_score(call: Call, *, statistics: bool) -> None:
    """Record what `estimator.score(X, y)` gave, on the run that trained the estimator."""
    run = predictions.run_of(call.instance)
    if run is None:
        return
    data = call.arg("X")
    name = f"{type(call.instance).__qualname__}_score"
    prediction = Prediction(run, None, data, call.variable("X"), None)
    key = _key(run, name, prediction.data_name, call)
    _record(run, key, name, call, prediction, "exact")
    _describe(prediction, statistics)


def _linked(call: Call) -> tuple[Prediction, Link] | None:
    given = [call.arg(name) for name in PREDICTED]
    values = [value for value in given if value is not None and not isinstance(value, str)]
    for value in values:
        found = predictions.find(value)
        if found is not None:
            return found
    return predictions.newest(matching.rows(values[0])) if values else None


def _key(run: Run, name: str, data: str, call: Call) -> str:
    """`accuracy_score_X_test`; another call of it is `accuracy_score-2_X_test`.

    The same call again (a loop) is the next point of its series.
    """
    known: dict[Any, str] = run.state.setdefault("metric_keys", {})
    place = (name, data, call.site.code if call.site is not None else None)
    if place not in known:
        count = 1 + sum(1 for other in known if other[:2] == place[:2])
        known[place] = f"{name}_{data}" if count == 1 else f"{name}-{count}_{data}"
    return known[place]


def _record(run: Run, key: str, name: str, call: Call, prediction: Prediction, link: Link) -> None:
    result = call.result
    if is_scalar(result):
        value, step, info = _valued(result, run, call, link, key)
        run.point(key, value, step, info)
    elif isinstance(result, str):
        run.log_artifact(result.encode(), f"{key}.txt")
    else:
        table = _table(name, result, prediction)
        if table:
            run.log_table(key, table)


def _valued(
    result: Any, run: Run, call: Call, link: Link | None, key: str = ""
) -> tuple[Any, int | None, dict[str, Any]]:
    """The number, its step (None for the first point) and how it is known."""
    counts: dict[str, int] = run.state.setdefault("metric_counts", {})
    step = counts[key] = counts.get(key, -1) + 1
    text = call.site.call_text() if call.site is not None else None
    facts = {"call": text, "site": str(call.site) if call.site else None, "link": link}
    return result, step or None, {k: v for k, v in facts.items() if v is not None}


def is_scalar(value: Any) -> bool:
    """Whether a metric can be recorded as one number."""
    if isinstance(value, int | float):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype is not None and getattr(value, "shape", None) == () and dtype.kind in "biuf"


def _table(name: str, result: Any, prediction: Prediction) -> dict[str, Any] | None:
    if isinstance(result, tuple):
        return _tuple_table(COLUMNS.get(name, ()), result)
    if isinstance(result, Mapping):
        return _report_table(result)
    if not hasattr(result, "tolist") or not hasattr(result, "ndim"):
        return None
    classes = prediction.classes
    labels = [str(c) for c in classes] if classes is not None else []
    if result.ndim == 1:
        return {"class": _labels(labels, len(result)), "value": result.tolist()}
    if result.ndim == 2 and name == "confusion_matrix":
        labels = _labels(labels, len(result))
        columns = {f"predicted {c}": result[:, i].tolist() for i, c in enumerate(labels)}
        return {"true": labels, **columns}
    return {"value": result.tolist()}


def _labels(labels: list[str], count: int) -> list[str]:
    return labels if len(labels) == count else [str(i) for i in range(count)]


def _tuple_table(names: tuple[str, ...], result: tuple[Any, ...]) -> dict[str, Any]:
    parts = [part.tolist() if hasattr(part, "tolist") else part for part in result]
    columns = [part if isinstance(part, list) else [part] for part in parts]
    longest = max(map(len, columns), default=0)
    named = [names[i] if i < len(names) else str(i) for i in range(len(columns))]
    return {n: c + [None] * (longest - len(c)) for n, c in zip(named, columns, strict=True)}


def _report_table(result: Mapping[str, Any]) -> dict[str, Any]:
    """`classification_report(output_dict=True)`: a row for each class and average."""
    rows = {k: v if isinstance(v, Mapping) else {"f1-score": v} for k, v in result.items()}
    names = dict.fromkeys(column for row in rows.values() for column in row)
    return {"": list(rows), **{n: [row.get(n) for row in rows.values()] for n in names}}


def _describe(prediction: Prediction, statistics: bool) -> None:
    """Record, once, the data that were predicted from, if the program still has them."""
    data = prediction.data() if prediction.data is not None else None
    run = prediction.run
    seen: set[int] = run.state.setdefault("predicted_from", set())
    if data is None or id(data) in seen or run.light:
        return
    seen.add(id(data))
    if run.state.get("trained_on") == id(data):
        return
    name = prediction.data_name
    role = "validation" if "val" in name.lower() else "test"
    run.log_dataset(role, data, name=name, statistics=statistics)
