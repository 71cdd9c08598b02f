"""Cross-validations and curves: what their functions were told, and what they found."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from autolog.integration import Call
from autolog.live import Run

from . import splits
from . import watching as watch
from .params import told
from .results import is_number, numbers_of

TOLD = ("cv", "scoring", "param_name", "param_range", "train_sizes", "n_permutations", "method")
"""Arguments of the functions that say how the estimator is judged."""


def describe(run: Run, call: Call, params: Mapping[str, Any]) -> None:
    """The function's own arguments, as far as they were given.

    Where the estimator has a param of the same name (a grid search in a cross-validation), the
    function's argument is called `cross_val_score__cv`.
    """
    function = call.function.__name__
    run.set_tag("function", function)
    defaults = inspect.signature(call.function).parameters
    given = {k: call.arg(k) for k in TOLD if k in defaults}
    named = {
        f"{function}__{key}" if key in params else key: told(value)
        for key, value in given.items()
        if value is not None and value is not defaults[key].default
    }
    run.log_params(named, chosen=named)


def watching(run: Run, call: Call) -> AbstractContextManager[None]:
    """Watch the fits of the call; how many there will be is said where `cv` tells it unasked."""
    function, cv = call.function.__name__, call.arg("cv")
    folds = 5 if cv is None else _count(cv)
    times: Any = {
        "validation_curve": call.arg("param_range"),
        "learning_curve": None,
    }.get(function, (0,))
    total = folds * len(times) if folds and hasattr(times, "__len__") else None
    if function == "permutation_test_score":
        total = _count(call.arg("n_permutations"))
    by_fold = function in ("cross_validate", "cross_val_score")
    return watch.watching(run, total=total, by_fold=by_fold)


def _count(cv: Any) -> int | None:
    """How many splits `cv` makes, by what it is or holds; none of its methods is called."""
    if isinstance(cv, list | tuple):
        return len(cv)
    if type(cv).__module__ == "sklearn.model_selection._split":
        cv = vars(cv).get("n_splits")
    return cv if isinstance(cv, int) and not isinstance(cv, bool) else None


def report(run: Run, call: Call) -> dict[str, Any]:
    """Scores by fold or by the values gone through, and their means, as the function gave them.

    Gives the table that it wrote, empty if none.
    """
    function, result = call.function.__name__, call.result
    if isinstance(result, Mapping):
        return _report_folds(run, {k: v for k, v in result.items() if numbers_of(v)})
    elif function == "cross_val_score":
        return _report_folds(run, {"test_score": result})
    elif function == "cross_val_predict":
        return _report_folds(run, {})
    elif function == "permutation_test_score":
        run.log_metrics({"score": float(result[0]), "pvalue": float(result[2])})
        run.log_series("permutation_score", numbers_of(result[1]), unit="permutation")
    elif function == "learning_curve":
        sizes, train, test, *times = result
        return _report_curve(run, "train_size", sizes.tolist(), train, test, times)
    elif function == "validation_curve":
        train, test = result
        tried = list(call.arg("param_range"))
        return _report_curve(run, str(call.arg("param_name")), tried, train, test, [])
    return {}


def _report_folds(run: Run, columns: Mapping[str, Any]) -> dict[str, Any]:
    table = {name: numbers_of(values) for name, values in columns.items()}
    run.log_table("folds", {**table, **_of_folds(run)})
    for name, values in columns.items():
        if name.startswith(("test_", "train_")):
            watch.series(run, name, numbers_of(values), unit="fold")
            run.log_metric(f"mean_{name}", float(values.mean()))
            run.log_metric(f"std_{name}", float(values.std()))
    return table


def _of_folds(run: Run) -> dict[str, list[Any]]:
    """Which rows each fold trained on and tested on, and why it failed if it did."""
    watched = watch.watch_of(run)
    if watched is None:
        return {}
    own = splits.columns([split for _, each in watched.rounds for split in each])
    return {**own, "fit_error": watched.errors} if any(watched.errors) else own


def _report_splits(run: Run) -> None:
    """The splits of a curve, each once: a split comes anew for each value that is gone through."""
    watched = watch.watch_of(run)
    if watched is not None and watched.rounds:
        every = [split for _, each in watched.rounds for split in each]
        run.log_table("splits", splits.columns(list(dict.fromkeys(every))))


def _report_curve(
    run: Run, axis: str, places: list[Any], train: Any, test: Any, times: list[Any]
) -> dict[str, Any]:
    """Means over the folds as series along `axis`; all of it as the table `curve`."""
    timed = zip(("fit_time", "score_time"), times, strict=False)
    table: dict[str, Any] = {axis: places}
    for name, scores in {"train_score": train, "test_score": test, **dict(timed)}.items():
        table[f"mean_{name}"] = scores.mean(axis=1).tolist()
        table[f"std_{name}"] = scores.std(axis=1).tolist()
    run.log_table("curve", table)
    _report_splits(run)
    steps = places if all(map(is_number, places)) else range(len(places))
    for name in ("train_score", "test_score"):
        for step, value in zip(steps, table[f"mean_{name}"], strict=True):
            run.log_metric(name, value, step=step, unit=axis.replace("_", " "))
    return table
