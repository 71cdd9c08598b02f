"""Which pictures of a run are drawn, on request alone, and of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

from autolog import drawing
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import results, tables
from .params import title

Kind = Literal[
    "confusion_matrix", "roc_curve", "precision_recall_curve", "det_curve", "calibration_curve",
    "residuals", "predicted_vs_actual", "feature_importances", "coef", "permutation_importance",
    "partial_dependence", "training_curve", "learning_curve", "validation_curve", "cv_results",
    "folds",
]  # fmt: skip
Plots = bool | tuple[Kind, ...]
"""All kinds, none, or those that are named."""


class Look(NamedTuple):
    """How a kind of table is drawn: module and function, what stands above, inches."""

    module: str
    function: str
    heading: str
    size: tuple[float, float] = (6.4, 4.8)


LOOKS: Mapping[str, Look] = {
    "confusion_matrix": Look("charts", "confusion_matrix", "Confusion matrix", (5.8, 5.2)),
    "roc_curve": Look("charts", "roc_curve", "ROC curve", (5.8, 5.2)),
    "precision_recall_curve": Look(
        "charts", "precision_recall_curve", "Precision-recall curve", (5.8, 5.2)
    ),
    "det_curve": Look("charts", "det_curve", "DET curve", (5.8, 5.2)),
    "calibration_curve": Look("charts", "calibration_curve", "Calibration curve", (5.8, 5.2)),
    "residuals": Look("charts", "residuals", "Residuals"),
    "predicted_vs_actual": Look(
        "charts", "predicted_vs_actual", "Predicted against actual", (5.8, 5.2)
    ),
    "feature_importances": Look(*drawing.WEIGHTS, "Feature importances", (6.4, 5.2)),
    "coef": Look(*drawing.WEIGHTS, "Coefficients", (6.4, 5.2)),
    "permutation_importance": Look("courses", "importances", "Permutation importances", (6.4, 5.2)),
    "partial_dependence": Look("courses", "dependence", "Partial dependence"),
    "training_curve": Look("courses", "series", "Course of the training", (7.2, 4.4)),
    "learning_curve": Look("courses", "curve", "Learning curve"),
    "validation_curve": Look("courses", "curve", "Validation curve"),
    "cv_results": Look("courses", "candidates", "Candidates of the search", (8.0, 4.4)),
    "folds": Look("courses", "folds", "Scores by fold"),
}


def wanted(plots: Plots, kind: str) -> bool:
    """Whether the option asks for this kind."""
    return plots is True or (plots is not False and kind in plots)


def draw(
    run: Run, plots: Plots, kind: str, name: str, columns: Mapping[str, Any], below: str = ""
) -> None:
    """Draw a table as the file `<name>.png`, if the option asks for its kind.

    What cannot be drawn is told, and nothing else is lost. A light run has no files.
    """
    if kind not in LOOKS or run.light or not wanted(plots, kind):
        return
    look = LOOKS[kind]
    place = look.module if "." in look.module else f"{__package__}.{look.module}"
    drawing.draw(
        run, name, columns, (place, look.function), look.heading, below=below, size=look.size
    )


# -- of what a fitted estimator holds ------------------------------------------------------------


def of_estimator(run: Run, estimator: Any, plots: Plots) -> None:
    """Its weights, the course of its training, the candidates of a search; nothing is called."""
    if not plots or run.light:
        return
    with guarded("plots of the model"):
        _draw_weights(run, estimator, plots)
        _draw_course(run, estimator, plots)
        found = vars(estimator).get("cv_results_")
        if isinstance(found, Mapping):
            draw(run, plots, "cv_results", "cv_results", _candidates(estimator, found))


def _draw_weights(run: Run, estimator: Any, plots: Plots) -> None:
    for part in results.parts(estimator):
        for name, table in results.weight_tables(estimator, part):
            draw(run, plots, name, name, table)


def _draw_course(run: Run, estimator: Any, plots: Plots) -> None:
    """All courses of numbers that its parts hold, in one picture."""
    columns: dict[str, list[Any]] = {"series": [], "unit": [], "value": []}
    for part in results.parts(estimator):
        for attribute, (name, unit) in results.SERIES.items():
            values = results.numbers_of(vars(part).get(attribute))
            if len(values) > 1 and name not in columns["series"]:
                thin = tables.thinned({"value": values})["value"]
                columns["series"] += [name] * len(thin)
                columns["unit"] += [unit] * len(thin)
                columns["value"] += thin
    if columns["value"]:
        draw(run, plots, "training_curve", "training_curve", columns)


def _candidates(search: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    """A search's table with the score that it goes by in front."""
    refit = vars(search).get("refit")
    first = f"mean_test_{refit}" if isinstance(refit, str) else "mean_test_score"
    names: Iterable[str] = (name for name in found if name != "params")
    order = sorted(names, key=lambda name: name != first)
    return {name: list(found[name]) for name in order}


# -- of what the program's own calls gave ----------------------------------------------------------


def of_validation(run: Run, call: Call, table: Mapping[str, Any], plots: Plots) -> None:
    """The folds of a cross-validation, or the curve of a learning or validation curve."""
    function = call.function.__name__
    kind = function if function.endswith("_curve") else "folds"
    name = "curve" if function.endswith("_curve") else "folds"
    if table:
        draw(run, plots, kind, name, table, title(call.arg("estimator")))


def of_result(
    run: Run, plots: Plots, kind: str, name: str, columns: Mapping[str, Any], data: str, again: bool
) -> None:
    """The table of one call; of a loop's later ones the last alone is drawn, when one looks."""
    if not again:
        draw(run, plots, kind, name, columns, data)
    elif kind in LOOKS and not run.light and wanted(plots, kind):
        run.later(name, partial(draw, run, plots, kind, name, columns, data))
