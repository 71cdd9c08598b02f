"""What metric functions return beside single numbers, as columns of a table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from autolog.integration import Call

MOST_POINTS = 1000
"""Points of a curve, or values of an array, that are kept: evenly taken, the ends among them."""

COLUMNS = {
    "roc_curve": ("fpr", "tpr", "threshold"),
    "det_curve": ("fpr", "fnr", "threshold"),
    "precision_recall_curve": ("precision", "recall", "threshold"),
    "calibration_curve": ("prob_true", "prob_pred"),
    "precision_recall_fscore_support": ("precision", "recall", "fscore", "support"),
    "homogeneity_completeness_v_measure": ("homogeneity", "completeness", "v_measure"),
    "class_likelihood_ratios": ("positive_likelihood_ratio", "negative_likelihood_ratio"),
    "confusion_matrix_at_thresholds": ("tn", "fp", "fn", "tp", "threshold"),
    "metric_at_thresholds": ("value", "threshold"),
}
"""Names of what functions return in a tuple."""

BY_CLASS = (
    "average_precision_score", "confusion_matrix", "f1_score", "fbeta_score", "jaccard_score",
    "multilabel_confusion_matrix", "precision_recall_fscore_support", "precision_score",
    "recall_score", "roc_auc_score",
)  # fmt: skip
"""Functions whose arrays have an entry for each class."""


def numbers(name: str, result: Any) -> dict[str, Any] | None:
    """A tuple of single numbers by their names (`precision`, `recall`, …); None for all else."""
    if not isinstance(result, tuple) or not any(is_scalar(part) for part in result):
        return None
    if not all(part is None or is_scalar(part) for part in result):
        return None
    names = _names(name, len(result))
    return {key: part for key, part in zip(names, result, strict=True) if part is not None}


def is_scalar(value: Any) -> bool:
    """Whether it is one number."""
    if isinstance(value, int | float):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype is not None and getattr(value, "shape", None) == () and dtype.kind in "biuf"


def table(name: str, result: Any, call: Call) -> dict[str, Any] | None:
    """The columns that tell the result; None for what is no result of numbers."""
    if isinstance(result, tuple):
        return _of_tuple(name, result, call)
    if isinstance(result, Mapping):
        return _of_report(result)
    if not hasattr(result, "tolist") or not hasattr(result, "ndim"):
        return None
    if result.ndim == 1:
        first = "class" if name in BY_CLASS else "output"
        return thinned({first: labels(call, len(result)) if first == "class" else
                         list(range(len(result))), "value": result.tolist()})  # fmt: skip
    if result.ndim == 3 and name == "multilabel_confusion_matrix":
        parts = {"tn": (0, 0), "fp": (0, 1), "fn": (1, 0), "tp": (1, 1)}
        columns = {part: result[:, i, j].tolist() for part, (i, j) in parts.items()}
        return {"class": labels(call, len(result)), **columns}
    return _of_matrix(name, result, call) if result.ndim == 2 else None


def _of_matrix(name: str, result: Any, call: Call) -> dict[str, Any]:
    if name != "confusion_matrix":
        return {str(i): result[:, i].tolist() for i in range(result.shape[1])}
    return confusion(result, labels(call, len(result)))


def confusion(matrix: Any, labels: list[str]) -> dict[str, Any]:
    """A row for each true class, a column for each predicted one."""
    columns = {f"predicted {label}": matrix[:, i].tolist() for i, label in enumerate(labels)}
    return {"true": labels, **columns}


def _of_tuple(name: str, result: tuple[Any, ...], call: Call) -> dict[str, Any]:
    padded = of_tuple(name, result)
    longest = max(map(len, padded.values()), default=0)
    return {"class": labels(call, longest), **padded} if name in BY_CLASS else thinned(padded)


def of_tuple(name: str, result: tuple[Any, ...]) -> dict[str, list[Any]]:
    """A column for each part of what the function `name` gave, all of one length."""
    parts = [part.tolist() if hasattr(part, "tolist") else part for part in result]
    columns = [part if isinstance(part, list) else [part] for part in parts]
    longest = max(map(len, columns), default=0)
    named = dict(zip(_names(name, len(columns)), columns, strict=True))
    return {key: column + [None] * (longest - len(column)) for key, column in named.items()}


def _names(name: str, count: int) -> list[str]:
    names = COLUMNS.get(name, ())
    return [names[i] if i < len(names) else str(i) for i in range(count)]


def _of_report(result: Mapping[str, Any]) -> dict[str, Any]:
    """`classification_report(output_dict=True)`: a row for each class and average."""
    rows = {k: v if isinstance(v, Mapping) else {"f1-score": v} for k, v in result.items()}
    names = dict.fromkeys(column for row in rows.values() for column in row)
    return {"class": list(rows), **{n: [row.get(n) for row in rows.values()] for n in names}}


def averages(result: Any) -> dict[str, float]:
    """The averages of such a report as numbers: `macro_avg_f1_score`, …, `accuracy`."""
    found = {}
    for row, values in result.items() if isinstance(result, Mapping) else ():
        if row == "accuracy" and is_scalar(values):
            found[row] = values
        elif row.endswith(" avg") and isinstance(values, Mapping):
            prefix = row.replace(" ", "_")
            numbers = {k: v for k, v in values.items() if k != "support" and is_scalar(v)}
            found.update({f"{prefix}_{k.replace('-', '_')}": v for k, v in numbers.items()})
    return found


def importances(result: Any, names: Any) -> dict[str, Any]:
    """A row for each feature, `names` being what the data call them."""
    mean, deviation = result["importances_mean"].tolist(), result["importances_std"].tolist()
    known = [str(name) for name in names] if names is not None else []
    if len(known) != len(mean):
        known = [f"x{i}" for i in range(len(mean))]
    return {"feature": known, "importance_mean": mean, "importance_std": deviation}


def dependence(result: Any, features: list[str]) -> dict[str, Any]:
    """What `partial_dependence` averaged: a row for each point of its grid, a column an output."""
    grid = [
        getattr(axis, "tolist", lambda axis=axis: list(axis))() for axis in result["grid_values"]
    ]
    points = list(itertools.product(*grid))
    columns: dict[str, Any] = {
        name: [point[i] for point in points] for i, name in enumerate(features)
    }
    averages = result["average"].reshape(len(result["average"]), -1).tolist()
    for i, values in enumerate(averages):
        columns["average" if len(averages) == 1 else f"average {i}"] = values
    return columns


def labels(call: Call, count: int) -> list[str]:
    """Names of the classes in a result, in its order; numbers where they cannot be told."""
    given = call.arg("labels")
    if given is None:
        given = _present(call.arg("y_true"), call.arg("y_pred"))
    names = [str(label) for label in given] if given is not None else []
    return names if len(names) == count else [str(i) for i in range(count)]


def _present(*arrays: Any) -> Any:
    """The labels that occur, in order, as scikit-learn finds them; None where it finds others."""
    import numpy

    from autolog.following import matching

    found = [matching.comparable(array) for array in arrays]
    if any(array is None or array.ndim != 1 for array in found):
        return None
    try:
        return numpy.unique(numpy.concatenate([numpy.unique(array) for array in found])).tolist()
    except TypeError:  # labels of several types have no order
        return None


def thinned(columns: dict[str, list[Any]], most: int = MOST_POINTS) -> dict[str, list[Any]]:
    """At most so many rows, evenly taken, the ends among them."""
    count = max(map(len, columns.values()), default=0)
    if count <= most:
        return columns
    places = [round(i * (count - 1) / (most - 1)) for i in range(most)]
    return {name: [column[i] for i in places] for name, column in columns.items()}
