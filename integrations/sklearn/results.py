"""What an estimator says of itself after `fit`: read off its instance, nothing is called."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from autolog.live import Run

from .params import inner_of, steps_of, told

SERIES = {
    "loss_curve_": ("loss", "epoch"),
    "validation_scores_": ("validation_score", "epoch"),
    "train_score_": ("train_score", "boosting round"),
    "validation_score_": ("validation_score", "boosting round"),
    "oob_scores_": ("oob_score", "boosting round"),
    "oob_improvement_": ("oob_improvement", "boosting round"),
    "estimator_errors_": ("estimator_error", "boosting round"),
    "estimator_weights_": ("estimator_weight", "boosting round"),
    "scores_": ("score", "iteration"),
    "criterion_": ("criterion", "alpha"),
    "explained_variance_ratio_": ("explained_variance_ratio", "component"),
    "singular_values_": ("singular_value", "component"),
}
"""Attributes that are a course of numbers: the series' name and what its steps count."""

NOT_RESULTS = frozenset(
    (
        "n_features_in_",
        "n_outputs_",
        "n_classes_",
        "n_samples_fit_",
        "n_samples_seen_",
        "n_layers_",
        "n_splits_",
        "best_index_",
        "multimetric_",
        "fit_status_",
        "fitted_",
        "max_features_",
        "max_samples_",
        "n_trees_per_iteration_",
        "outputs_2d_",
        "sparse_output_",
        "t_",
    )
)
"""What repeats what the data and the params say already, or only count inside."""

MOST_ROWS = 10_000
"""Features of a table of coefficients or importances, the weightiest first beyond that."""


def report(run: Run, estimator: Any) -> None:
    """Everything that the fitted estimator, or the one it ends in, knows of its training."""
    seen: set[str] = set()
    for part in parts(estimator):
        held = {**vars(part), **_computed(part)}
        facts = {k: v for k, v in held.items() if _is_result(k) and k not in seen}
        seen.update(facts)
        _report_numbers(run, facts, type(part).__qualname__)
        _report_clusters(run, part)
        if not run.light:
            for name, table in weight_tables(estimator, part):
                run.log_table(name, table)


def parts(estimator: Any) -> list[Any]:
    """The estimator, and the fitted ones that speak for it: a pipeline's last, a search's best.

    Also the one that `TransformedTargetRegressor` fits to the target's transform.
    """
    found = [estimator]
    while len(found) < 5:
        last = found[-1]
        held = (vars(last).get(name) for name in ("best_estimator_", "regressor_"))
        best = next((one for one in held if one is not None), None)
        inner = best if best is not None else _last_step(last)
        if inner is None or not hasattr(inner, "__dict__"):
            break
        found.append(inner)
    return found


def _computed(part: Any) -> dict[str, Any]:
    """Counts that scikit-learn's own boosting computes when asked, at no cost."""
    if not type(part).__module__.startswith("sklearn.ensemble._hist_gradient_boosting"):
        return {}
    return {"n_iter_": getattr(part, "n_iter_", None)}


def _report_clusters(run: Run, part: Any) -> None:
    """How many clusters scikit-learn's own labels tell of, where no param says it (`DBSCAN`)."""
    labels = vars(part).get("labels_")
    ours = type(part).__module__.startswith("sklearn.cluster.")
    if not ours or hasattr(part, "n_clusters") or getattr(labels, "ndim", 0) != 1:
        return
    found = set(labels.tolist())
    counts = {"n_clusters": sum(label >= 0 for label in found)}
    if any(label < 0 for label in found):
        counts["n_noise"] = int((labels < 0).sum())
    for name, count in counts.items():
        run.point(name, count, None, {"call": f"counted in {type(part).__qualname__}.labels_"})


def _last_step(estimator: Any) -> Any:
    return inner_of(estimator) if steps_of(estimator) else None


def _is_result(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_") and name not in NOT_RESULTS


def _report_numbers(run: Run, facts: Mapping[str, Any], owner: str) -> None:
    known = run.state.get("progress", ())
    for name, value in facts.items():
        key = SERIES[name][0] if name in SERIES else name.rstrip("_")
        if key in known:  # a loop has told it, call by call
            continue
        if name in SERIES:
            series, unit = SERIES[name]
            numbers = numbers_of(value)
            if numbers:
                run.log_series(series, numbers, unit=unit)
        elif name == "loss_" and "loss_curve_" in facts:
            continue
        elif isinstance(value, bool) or type(value).__name__ == "bool_":
            run.set_tag(key, bool(value))
        elif is_number(value):
            run.point(key, value, None, {"call": f"{owner}.{name}"})
        elif name == "n_iter_" and len(numbers_of(value)) >= 1:
            run.log_metric(key, max(numbers_of(value)))
        elif name == "kernel_":
            run.set_tag(key, told(value))


def is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype is not None and getattr(value, "shape", None) == () and dtype.kind in "iuf"


def numbers_of(value: Any) -> list[float]:
    """A one-dimensional row of numbers as a list; empty for anything else."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and dtype.kind in "iuf" and getattr(value, "ndim", 0) == 1:
        return list(value.tolist())
    if isinstance(value, list) and all(is_number(item) for item in value):
        return [item if isinstance(item, int) else float(item) for item in value]
    return []


# -- weights ---------------------------------------------------------------------------------


def _feature_names(estimator: Any, part: Any) -> list[str] | None:
    """Names of the features that `part` saw, where they are certain."""
    names = vars(part).get("feature_names_in_")
    if names is None and _one_to_one(estimator):
        names = vars(estimator).get("feature_names_in_")
        first = next(iter(steps_of(estimator)), None)
        if names is None and hasattr(first, "__dict__"):
            names = vars(first).get("feature_names_in_")
    return None if names is None else [str(name) for name in names]


def _one_to_one(estimator: Any) -> bool:
    """Whether all steps before a pipeline's last keep the features as they are."""
    mixin = getattr(sys.modules["sklearn.base"], "OneToOneFeatureMixin", ())
    before = steps_of(estimator)[:-1]
    return all(isinstance(step, mixin) or step in (None, "passthrough") for step in before)


def weight_tables(estimator: Any, part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and tables of the coefficients and importances that a part of the estimator holds."""
    names = _feature_names(estimator, part)
    for attribute in ("coef_", "feature_importances_"):
        weights, name = _weights(part, attribute), attribute.rstrip("_")
        table = None if weights is None else _weight_table(weights, names, _classes(part), name)
        if table is not None:
            yield name, table


def _weights(part: Any, attribute: str) -> Any:
    """The array, if it lies on the instance or is a cheap property of scikit-learn's own trees."""
    if attribute in vars(part):
        return vars(part)[attribute]
    home = type(part).__module__
    if attribute == "feature_importances_" and home.startswith(
        ("sklearn.tree", "sklearn.ensemble")
    ):
        return getattr(part, attribute, None)
    return None


def _classes(part: Any) -> list[str]:
    classes = vars(part).get("classes_")
    return [] if classes is None or isinstance(classes, list) else [str(c) for c in classes]


def _weight_table(
    weights: Any, names: list[str] | None, classes: list[str], title: str
) -> dict[str, Any] | None:
    """Columns `feature` and one for each output; None for what is no dense array."""
    if not hasattr(weights, "ndim") or not hasattr(weights, "tolist") or weights.ndim > 2:
        return None
    rows = weights.reshape(1, -1) if weights.ndim == 1 else weights
    count = rows.shape[1]
    if names is None or len(names) != count:
        names = [f"x{i}" for i in range(count)]
    order = list(range(count))
    if count > MOST_ROWS:
        order = (-abs(rows).max(axis=0)).argsort()[:MOST_ROWS].tolist()
    labels = (
        [title]
        if len(rows) == 1
        else [f"{title}_{classes[i] if len(classes) == len(rows) else i}" for i in range(len(rows))]
    )
    table: dict[str, Any] = {"feature": [names[i] for i in order]}
    table.update({label: rows[i][order].tolist() for i, label in enumerate(labels)})
    return table
