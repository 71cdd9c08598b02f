"""Pictures of what a model's predictions are worth, each of a table with the columns it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autolog.drawing.figures import (
    COLOURS,
    FAINT,
    INK,
    guide,
    labelled,
    legend,
    line,
    logarithmic,
    named,
    shortened,
)

Columns = Mapping[str, list[Any]]

MOST_CLASSES = 10
"""Classes that are told apart by colour; of more the worst are, and the others are grey."""
WORST = 4


def confusion_matrix(figure: Any, columns: Columns) -> None:
    """Cells shaded by their share of the true class; with the figures, where there is room."""
    labels, values = columns["true"], _numbers(columns, *list(columns)[1:])
    matrix = np.nan_to_num(np.stack(values, axis=1))
    axes = figure.add_subplot()
    axes.set_gid("framed")
    shares = _shares(matrix)
    image = axes.imshow(
        shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", origin="upper",
        aspect="auto",
    )  # fmt: skip
    labelled(axes.xaxis, labels)
    labelled(axes.yaxis, labels)
    named(axes, "predicted", "true")
    if len(labels) <= MOST_CLASSES:
        _write_cells(axes, matrix, shares)
    else:
        bar = figure.colorbar(image, ax=axes, label="", aspect=30)
        bar.outline.set(edgecolor=FAINT, linewidth=0.8)
        bar.ax.set_ylabel("share of the true class", fontsize=9, color=INK)


def _shares(matrix: Any) -> Any:
    """Each row's shares; values that are shares already stay as they are."""
    for sums in (matrix.sum(), matrix.sum(axis=0), matrix.sum(axis=1)):
        if (np.isclose(sums, 0) | np.isclose(sums, 1)).all():
            return matrix
    rows = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, rows, out=np.zeros_like(matrix), where=rows > 0)


def _write_cells(axes: Any, matrix: Any, shares: Any) -> None:
    size = 10 if len(matrix) <= 4 else 8 if len(matrix) <= 7 else 7
    known = shares is matrix
    for (row, column), value in np.ndenumerate(matrix):
        share = shares[row, column]
        text = f"{value:.3g}" if known else _count(value)
        if not known and len(matrix) <= 7:
            text += f"\n{share:.0%}"
        colour = "white" if share > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


# -- curves ------------------------------------------------------------------------------------


def roc_curve(figure: Any, columns: Columns) -> None:
    """True against false positives, with the area under the curve."""
    axes = _square(figure)
    guide(axes, [0, 1], [0, 1])
    _curves(axes, columns, ("fpr", "tpr"), "AUC", _area)
    named(axes, "false positive rate", "true positive rate")


def precision_recall_curve(figure: Any, columns: Columns) -> None:
    """Precision against recall, with the average precision."""
    axes = _square(figure)
    _curves(axes, columns, ("recall", "precision"), "AP", _average_precision, steps=True)
    named(axes, "recall", "precision")


def det_curve(figure: Any, columns: Columns) -> None:
    """Missed against false alarms, by decades where they span some."""
    axes = figure.add_subplot()
    _curves(axes, columns, ("fpr", "fnr"), "", None)
    for axis, name in ((axes.xaxis, "fpr"), (axes.yaxis, "fnr")):
        (values,) = _numbers(columns, name)
        logarithmic(axis, values[values > 0])
    named(axes, "false positive rate", "false negative rate")


def calibration_curve(figure: Any, columns: Columns) -> None:
    """How often what was predicted with a probability came true."""
    axes = _square(figure)
    guide(axes, [0, 1], [0, 1])
    _curves(axes, columns, ("prob_pred", "prob_true"), "", None, marker="o")
    named(axes, "mean predicted probability", "share of positives")


def _square(figure: Any) -> Any:
    axes = figure.add_subplot()
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.04)
    return axes


def _curves(
    axes: Any, columns: Columns, names: tuple[str, str], measure: str, worth: Any,
    *, steps: bool = False, **more: Any,
) -> None:  # fmt: skip
    """One line for each class; with more than ten only those of the least worth are told apart."""
    found = [(name, *_numbers(part, *names)) for name, part in by_class(columns)]
    values = [worth(x, y) if worth else 0.0 for _, x, y in found]
    shown = range(len(found))
    if len(found) > MOST_CLASSES:
        shown = range(0) if worth is None else np.argsort(values)[:WORST].tolist()
    style = {"drawstyle": "steps-post" if steps else "default", "marker": "", **more}
    for i, (_, x, y) in enumerate(found):
        if i not in shown:
            axes.plot(x, y, color=FAINT, linestyle="-", linewidth=0.8, marker="", zorder=1)
    for number, i in enumerate(shown):
        name, x, y = found[i]
        told = f"{measure} {values[i]:.3f}" if measure else ""
        text = "  ".join(part for part in (shortened(name) if name else "", told) if part)
        line(axes, x, y, number, label=text or "_", zorder=2, **style)
    if any(text and not text.startswith("_") for text in axes.get_legend_handles_labels()[1]):
        legend(axes, "lower right" if names[0] == "fpr" else "best")


def by_class(columns: Columns) -> Iterator[tuple[str, Columns]]:
    """The rows of each class, in the order in which they come; one part without a class column."""
    if "class" not in columns:
        yield "", columns
        return
    for name in dict.fromkeys(columns["class"]):
        rows = [i for i, other in enumerate(columns["class"]) if other == name]
        yield str(name), {k: [values[i] for i in rows] for k, values in columns.items()}


def _area(x: Any, y: Any) -> float:
    return float(abs(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)))


def _average_precision(recall: Any, precision: Any) -> float:
    return float(-np.sum(np.diff(recall) * precision[:-1]))


def _numbers(columns: Columns, *names: str) -> list[Any]:
    """Columns as arrays of floats; what is missing is NaN."""
    return [np.array(columns[name], dtype=float) for name in names]


# -- regressions -------------------------------------------------------------------------------


def predicted_vs_actual(figure: Any, columns: Columns) -> None:
    """Predicted values against the true ones; on the line they agree."""
    actual, predicted = _numbers(columns, "actual", "predicted")
    axes = figure.add_subplot()
    ends = [np.nanmin([actual, predicted]), np.nanmax([actual, predicted])]
    guide(axes, ends, ends)
    _points(axes, actual, predicted)
    named(axes, "actual", "predicted")


def residuals(figure: Any, columns: Columns) -> None:
    """What the predictions fall short of, against the predictions."""
    actual, predicted = _numbers(columns, "actual", "predicted")
    axes = figure.add_subplot()
    guide(axes, [np.nanmin(predicted), np.nanmax(predicted)], [0, 0])
    _points(axes, predicted, actual - predicted)
    named(axes, "predicted", "residual (actual − predicted)")


def _points(axes: Any, x: Any, y: Any) -> None:
    alpha = 0.8 if len(x) <= 100 else 0.45
    axes.plot(
        x, y, linestyle="", marker="o", markersize=4, color=COLOURS[0], markeredgecolor="none",
        alpha=alpha, zorder=2,
    )  # fmt: skip
