"""What a search tried and found: its candidates, splits and failures, the best as child runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from autolog.live import Run

from . import paths, splits, watching
from .params import chosen_params, steps_of, title, told
from .results import is_number, parts

AXES = {
    "n_features": "feature",
    "alphas": "alpha",
    "alpha": "alpha",
    "C": "C",
    "thresholds": "threshold",
}
"""Columns of `cv_results_` that count the steps, where an estimator goes through one value."""


def search_in(estimator: Any) -> Any:
    """The `BaseSearchCV`, scikit-learn's or anybody's, that it is or ends in as a pipeline."""
    home = sys.modules.get("sklearn.model_selection._search")
    while home is not None and steps_of(estimator):
        estimator = steps_of(estimator)[-1]
    return estimator if home is not None and isinstance(estimator, home.BaseSearchCV) else None


def report(run: Run, estimator: Any) -> None:
    """The candidates as one table, the best one's params, the scores in the order tried."""
    for part in parts(estimator):
        held = vars(part)
        results = held.get("cv_results_")
        if isinstance(results, Mapping):
            table = {str(k): cells(v) for k, v in results.items() if k != "params"}
        else:
            table = paths.table_of(held)
        if table:
            run.log_table("cv_results", {**table, **_failures(run, table)})
            _report_splits(run)
            _report_best(run, held, table)
            _report_scores(run, table, search_in(part) is not None)
            break


def _report_best(run: Run, held: Mapping[str, Any], table: Mapping[str, list[Any]]) -> None:
    """What the best candidate was; where there are several metrics, the best of each."""
    for name, value in (held.get("best_params_") or {}).items():
        tried = _range(table.get(f"param_{name}", ()))
        note = {"note": f"best of {tried}"} if tried else None
        run.fact("param", f"best_{name}", told(value), note)
    if is_number(held.get("best_score_")):
        run.state["score"] = float(held["best_score_"])
    if held.get("multimetric_"):
        _report_bests(run, table)


def cells(column: Any) -> list[Any]:
    """A column of `cv_results_` as plain values; None where it is masked."""
    items = column.tolist() if getattr(column, "ndim", 0) == 1 else list(column)
    return [told(item) for item in items]


def _failures(run: Run, table: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """How many folds of each candidate failed, and how the first did; nothing if none did."""
    watch = watching.watch_of(run)
    rows = max(map(len, table.values()), default=0)
    if watch is None or not any(watch.errors) or watch.drafts.rows != rows:
        return {}
    folds = len(watch.errors) // rows
    each = [watch.errors[row * folds : (row + 1) * folds] for row in range(rows)]
    return {
        "failed_fits": [sum(error is not None for error in errors) for errors in each],
        "fit_error": [next(filter(None, errors), None) for errors in each],
    }


def _report_splits(run: Run) -> None:
    """Every split once; with the number of its round where rounds differ in theirs."""
    watch = watching.watch_of(run)
    if watch is None or not watch.rounds:
        return
    every = [split for _, own in watch.rounds for split in own]
    table: dict[str, list[Any]] = {"split": [i for _, own in watch.rounds for i in range(len(own))]}
    if len(watch.rounds) > 1:
        table = {"round": [number for number, own in watch.rounds for _ in own], **table}
    run.log_table("splits", {**table, **splits.columns(every)})


def _report_scores(run: Run, table: Mapping[str, list[Any]], searched: bool) -> None:
    single = not searched and "l1_ratio" not in table and "class" not in table
    axis = next((name for name in AXES if name in table), None) if single else None
    for name, values in table.items():
        if not (name.startswith(("mean_test_", "mean_train_")) or name == "scores"):
            continue
        numbers = [float(value) for value in values]
        if axis is None:
            watching.series(run, name, numbers, unit="candidate")
            continue
        for step, value in zip(table[axis], numbers, strict=True):
            run.log_metric(name, value, step=step, unit=AXES[axis])


def _report_bests(run: Run, table: Mapping[str, list[Any]]) -> None:
    """The highest score of each metric, of whichever candidate, where a search has several."""
    for name, values in table.items():
        scores = [float(v) for v in values] if name.startswith("mean_test_") else []
        known = [score for score in scores if score == score]
        if known:
            key = name.removeprefix("mean_test_")
            run.point(f"best_{key}", max(known), None, {"call": f"max(cv_results_[{name!r}])"})


FEW = 5
"""Values of a param, no two of them numbers, that are named one by one."""


def _range(tried: Sequence[Any]) -> str | None:
    """`0.01 … 100` for the values that a search went through, or the few there are: `None, 5`."""
    values = {v for v in tried if is_number(v) and not isinstance(v, bool)}
    if len(values) > 1:
        return f"{min(values):g} … {max(values):g}"
    words = dict.fromkeys(map(str, tried))
    return ", ".join(words) if 1 < len(words) <= FEW else None


# -- children ---------------------------------------------------------------------------------


def open_children(run: Run, estimator: Any, most: int) -> None:
    """The best `most` candidates (below 0: all) as runs below the search's, without models."""
    search = search_in(estimator) if most and not run.light else None
    held = {} if search is None else vars(search)
    results, base = held.get("cv_results_"), held.get("estimator")
    if not isinstance(results, Mapping) or "params" not in results or base is None:
        return
    table = {str(k): cells(v) for k, v in results.items() if k != "params"}
    params, best = results["params"], held.get("best_index_")
    order = _ranked(table, len(params), best)
    for index in order if most < 0 else order[:most]:
        child = run.child(_name(base, params[index]), light=True)
        _tell(child, base, params[index], index, table)
        if index == best:
            run.set_tag("best_child", child.id)
        child.end()


def _name(base: Any, candidate: Mapping[str, Any]) -> str:
    """`Pipeline›SVC` also where it is the candidate that brings the SVC."""
    last = candidate.get(vars(base)["steps"][-1][0]) if steps_of(base) else None
    name = title(base)
    return f"{name.partition('›')[0]}›{title(last)}" if hasattr(last, "get_params") else name


def _ranked(table: Mapping[str, list[Any]], count: int, best: Any) -> list[int]:
    """Indices of the candidates, the chosen one first, then by the first rank that there is."""
    ranks = next((ranks for name, ranks in table.items() if name.startswith("rank_test_")), None)
    return sorted(range(count), key=lambda i: (i != best, ranks[i] if ranks else 0, i))


def _tell(
    child: Run, base: Any, candidate: Mapping[str, Any], index: int, table: Mapping[str, list[Any]]
) -> None:
    """One candidate: params, MLflow's metrics of it, and its folds' scores as series."""
    params, chosen = _params_of(base, candidate)
    child.log_params({name: told(value) for name, value in params.items()}, chosen=chosen)
    kind = type(base)
    child.set_tags(
        {
            "estimator_name": kind.__qualname__,
            "estimator_class": f"{kind.__module__}.{kind.__qualname__}",
            "candidate": index,
        }
    )
    folds: dict[str, list[float]] = {}
    for name, column in table.items():
        value = column[index]
        part, _, score = name.partition("_")
        if part.startswith("split") and part[5:].isdigit() and is_number(value):
            folds.setdefault(score, []).append(value)
        elif not name.startswith("param_") and is_number(value) and not isinstance(value, bool):
            child.log_metric(name, value)
    for score, values in folds.items():
        child.log_series(score, values, unit="fold")


def _params_of(base: Any, candidate: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The estimator's params under those of the candidate, and which of them somebody chose.

    A part that the candidate exchanges for another brings that one's params with it.
    """
    params, chosen = chosen_params(base)
    for name, value in candidate.items():
        below = f"{name}__"
        if any(known.startswith(below) for known in params) or hasattr(value, "get_params"):
            params = {k: v for k, v in params.items() if not k.startswith(below)}
            chosen = {k for k in chosen if not k.startswith(below)}
            if hasattr(value, "get_params") and not isinstance(value, type):
                inner, picked = chosen_params(value)
                params |= {below + k: v for k, v in inner.items()}
                chosen |= {below + k for k in picked}
    return {**params, **candidate}, chosen | set(candidate)
