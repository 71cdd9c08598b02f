"""What estimators with a cross-validation of their own (`LassoCV`, …) keep of its folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table_of(held: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The scores of each fold by what was tried, in the columns of a search; {} if none are kept.

    `held` is what lies on the fitted estimator. Squared errors of `LassoCV`, `ElasticNetCV`,
    `LassoLarsCV`; of `RidgeCV` with `store_cv_results` their means; scores of
    `LogisticRegressionCV`. The means are ours.
    """
    if getattr(held.get("mse_path_"), "ndim", 0) in (2, 3):
        return _errors(held)
    if "Cs_" in held and "scores_" in held:
        return _scores(held)
    values = held.get("cv_results_", held.get("cv_values_"))
    if getattr(values, "ndim", 0) >= 2 and held.get("scoring") is None and "alphas" in held:
        means = values.mean(axis=tuple(range(values.ndim - 1)))
        return {"alpha": _row(held["alphas"]), "mean_test_mse": _row(means)}
    return {}


def _errors(held: Mapping[str, Any]) -> dict[str, list[Any]]:
    """`mse_path_`: ([ratios,] alphas, folds)."""
    errors, alphas = held["mse_path_"], _row(held.get("cv_alphas_", held.get("alphas_")))
    table: dict[str, list[Any]] = {"alpha": alphas}
    if errors.ndim == 3:
        ratios = [ratio for ratio in held["l1_ratio"] for _ in range(errors.shape[1])]
        shared = len(alphas) < len(ratios)
        table = {"alpha": alphas * len(held["l1_ratio"]) if shared else alphas, "l1_ratio": ratios}
    return {**table, **_by_fold("mse", errors.reshape(-1, errors.shape[-1]))}


def _scores(held: Mapping[str, Any]) -> dict[str, list[Any]]:
    """`scores_`: for each class, or once for all, (folds, Cs[, ratios])."""
    found, ratios = held["scores_"], _row(held.get("l1_ratios_"))
    if not isinstance(found, Mapping):
        found = {None: found.swapaxes(1, 2) if found.ndim == 3 else found}
    arrays = {str(label): scores for label, scores in found.items()}
    first = next(iter(arrays.values()))
    if all((scores == first).all() for scores in arrays.values()):
        arrays = {"": first}
    table: dict[str, list[Any]] = {}
    for label, scores in arrays.items():
        each = scores.shape[2] if scores.ndim == 3 else 1
        part = {"C": [c for c in _row(held["Cs_"]) for _ in range(each)]}
        if each > 1:
            part["l1_ratio"] = ratios * len(held["Cs_"])
        rows = scores.reshape(len(scores), -1).T
        if label:
            part["class"] = [label] * len(rows)
        for name, column in {**part, **_by_fold("score", rows)}.items():
            table.setdefault(name, []).extend(column)
    return table


def _by_fold(name: str, rows: Any) -> dict[str, list[Any]]:
    folds = {f"split{i}_test_{name}": rows[:, i].tolist() for i in range(rows.shape[1])}
    return {**folds, f"mean_test_{name}": rows.mean(axis=1).tolist()}


def _row(values: Any) -> list[Any]:
    """`values` in one row; a single number (`RidgeCV(alphas=1)`) is a row of its own."""
    if isinstance(values, int | float):
        return [values]
    return values.ravel().tolist() if hasattr(values, "ravel") else list(values or ())
