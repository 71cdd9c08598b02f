"""How much each feature weighs: bars for one measure or output, points for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .figures import COLOURS, FAINT, labelled, legend, named, shortened

Columns = Mapping[str, list[Any]]

MOST_FEATURES = 20
"""Features in a picture, the weightiest of all."""
MOST_OUTPUTS = 7
"""Outputs whose weights are told apart; of more only the span is drawn."""


def weights(figure: Any, columns: Columns) -> None:
    """Coefficients or importances of the weightiest features: bars, or a point for each output."""
    names, outputs = columns["feature"], list(columns)[1:]
    table = np.array([columns[name] for name in outputs], dtype=float)
    order = np.argsort(-np.abs(np.nan_to_num(table)).max(axis=0), kind="stable")[:MOST_FEATURES]
    axes = figure.add_subplot()
    axes.axvline(0, color=FAINT, linewidth=0.8, linestyle="-", zorder=1)
    rows = np.arange(len(order))
    if len(outputs) == 1:
        axes.barh(rows, table[0, order], height=0.7, color=COLOURS[0], linewidth=0, zorder=2)
    else:
        _spread(axes, rows, table[:, order], outputs)
    what = outputs[0] if len(outputs) == 1 else outputs[0].partition("_")[0]
    name_features(axes, [names[i] for i in order], len(names), what)


def _spread(axes: Any, rows: Any, table: Any, outputs: Sequence[str]) -> None:
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    axes.hlines(rows, low, high, color=FAINT, linewidth=2.0, linestyle="-", zorder=1)
    for i, name in enumerate(outputs[:MOST_OUTPUTS] if len(outputs) <= MOST_OUTPUTS else ()):
        axes.plot(
            table[i], rows, linestyle="", marker="o", markersize=5, color=COLOURS[i],
            markeredgecolor="none", label=shortened(name.partition("_")[2] or name), zorder=2,
        )  # fmt: skip
    if len(outputs) > MOST_OUTPUTS:
        axes.plot([], [], color=FAINT, linewidth=2.0, label=f"span over {len(outputs)} outputs")
    legend(axes)


def name_features(axes: Any, names: Sequence[Any], total: int, what: str) -> None:
    """Rows for `names`, which are some of `total`; `what` the bars show."""
    labelled(axes.yaxis, names, most=MOST_FEATURES)
    axes.set_ylim(len(names) - 0.4, -0.6)
    some = f" ({len(names)} of {total:,} features)" if total > len(names) else ""
    named(axes, what + some, "")
