"""Pictures of a training's course and of what was learned, each of a table with its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autolog.drawing.figures import (
    COLOURS,
    FAINT,
    INK,
    MUTED,
    band,
    labelled,
    legend,
    line,
    logarithmic,
    named,
    shortened,
)
from autolog.drawing.weights import MOST_FEATURES, MOST_OUTPUTS, name_features

from .charts import Columns, by_class

MOST_PANELS = 4


def importances(figure: Any, columns: Columns) -> None:
    """What the score loses where a feature is shuffled, with its deviation."""
    mean, deviation = (np.array(columns[f"importance_{part}"], float) for part in ("mean", "std"))
    order = np.argsort(-np.nan_to_num(mean), kind="stable")[:MOST_FEATURES]
    axes = figure.add_subplot()
    axes.axvline(0, color=FAINT, linewidth=0.8, linestyle="-", zorder=1)
    rows = np.arange(len(order))
    axes.barh(
        rows, mean[order], xerr=deviation[order], height=0.7, color=COLOURS[0], linewidth=0,
        error_kw={"ecolor": MUTED, "elinewidth": 1.2, "capsize": 0}, zorder=2,
    )  # fmt: skip
    names = [columns["feature"][i] for i in order]
    name_features(axes, names, len(mean), "loss of score (mean, deviation)")


# -- along an axis -----------------------------------------------------------------------------


def curve(figure: Any, columns: Columns) -> None:
    """A learning or validation curve: mean scores, and their deviation over the folds."""
    axis, *_ = columns
    axes = figure.add_subplot()
    places = _places(axes.xaxis, columns[axis])
    for number, name in enumerate(("train_score", "test_score")):
        mean, deviation = (np.array(columns[f"{part}_{name}"], float) for part in ("mean", "std"))
        band(axes, places, mean, deviation, number)
        line(axes, places, mean, number, label=name.replace("_", " "))
    legend(axes)
    named(
        axes, axis.replace("_", " ") if axis == "train_size" else axis, "score (mean ± deviation)"
    )


def series(figure: Any, columns: Columns) -> None:
    """Losses and scores by epoch, round or iteration: a panel for each kind of number."""
    found = list(by_class({"class": columns["series"], **columns}))
    kinds: dict[str, list[Any]] = {}
    for name, part in found:
        kinds.setdefault("score" if "score" in name else name, []).append((name, part))
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    number = 0
    for axes, parts in zip(panels, kinds.values(), strict=True):
        for name, part in parts:
            y = np.array(part["value"], float)
            line(axes, np.arange(1, len(y) + 1), y, number, label=name.replace("_", " "))
            number += 1
        axes.xaxis.set_gid("whole")
        named(axes, str(parts[0][1]["unit"][0]), parts[0][0] if len(parts) == 1 else "score")
        if len(parts) > 1:
            legend(axes)


def folds(figure: Any, columns: Columns) -> None:
    """The scores of each fold, with their mean."""
    names = [name for name in columns if name.startswith(("test_", "train_"))]
    axes = figure.add_subplot()
    for number, name in enumerate(names):
        scores = np.array(columns[name], float)
        x = np.arange(len(scores))
        line(axes, x, scores, number, linestyle="", marker="o", markersize=5, label=name)
        axes.axhline(
            np.nanmean(scores), color=COLOURS[number % len(COLOURS)], linewidth=1.0,
            linestyle="--", alpha=0.6,
        )  # fmt: skip
    labelled(axes.xaxis, [str(i) for i in range(len(columns[names[0]]))])
    if len(names) > 1:
        legend(axes)
    named(axes, "fold (dashed: mean)", names[0] if len(names) == 1 else "score")


def candidates(figure: Any, columns: Columns) -> None:
    """A search's scores in the order of its candidates, and by the params that it varied."""
    score = next(name for name in columns if name.startswith("mean_test_"))
    values = np.array(columns[score], float)
    deviation = np.array(columns.get(score.replace("mean_", "std_", 1), 0 * values), float)
    params = [name for name in columns if name.startswith("param_")]
    varied = [name for name in params if len(set(map(str, columns[name]))) > 1]
    panels = ["", *varied[: MOST_PANELS - 1]]
    best = int(np.nanargmax(values)) if np.isfinite(values).any() else None
    for i, name in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), i + 1)
        places = np.arange(len(values)) if not name else _places(axes.xaxis, columns[name])
        if not name:
            axes.xaxis.set_gid("whole")
        _scored(axes, places, values, deviation if not name else None, best)
        named(axes, name.removeprefix("param_") or "candidate (★ best)", "" if i else score)


def _scored(axes: Any, x: Any, y: Any, deviation: Any, best: int | None) -> None:
    if deviation is not None and len(y) <= 60:
        axes.vlines(x, y - deviation, y + deviation, color=FAINT, linewidth=1.5, linestyle="-")
    axes.plot(
        x, y, linestyle="", marker="o", markersize=4, color=COLOURS[0], markeredgecolor="none",
        alpha=0.7,
    )  # fmt: skip
    if best is not None:
        axes.plot(
            x[best : best + 1], y[best : best + 1], linestyle="", marker="*", markersize=13,
            color=COLOURS[1], markeredgecolor="white", markeredgewidth=0.8,
        )  # fmt: skip


def dependence(figure: Any, columns: Columns) -> None:
    """What a model predicts on average, along one feature or over two."""
    features = [name for name in columns if not name.startswith("average")]
    outputs = [name for name in columns if name.startswith("average")]
    axes = figure.add_subplot()
    places = _places(axes.xaxis, columns[features[0]])
    if len(features) == 1:
        for number, name in enumerate(outputs[:MOST_OUTPUTS]):
            line(axes, places, np.array(columns[name], float), number, label=shortened(name))
        if len(outputs) > 1:
            legend(axes)
        named(axes, features[0], "average prediction")
        return
    axes.set_gid("framed")
    rows = len(dict.fromkeys(map(str, columns[features[0]])))
    grid = [
        part.reshape(rows, -1)
        for part in (places, _places(axes.yaxis, columns[features[1]]),
                     np.array(columns[outputs[0]], float))
    ]  # fmt: skip
    cells = axes.pcolormesh(*grid, cmap="cividis", shading="nearest", linewidth=0)
    bar = figure.colorbar(cells, ax=axes, aspect=30)
    bar.outline.set(edgecolor=FAINT, linewidth=0.8)
    bar.ax.set_ylabel("average prediction", fontsize=9, color=INK)
    named(axes, features[0], features[1])


def _places(axis: Any, values: Sequence[Any]) -> Any:
    """Where values stand on an axis: numbers by value or decade, others by their order."""
    kinds = (int, float)
    if all(isinstance(value, kinds) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, float)
        if np.isfinite(numbers).all():
            logarithmic(axis, numbers)
            return numbers
    names = list(dict.fromkeys(map(str, values)))
    labelled(axis, names)
    return np.array([names.index(str(value)) for value in values], float)
