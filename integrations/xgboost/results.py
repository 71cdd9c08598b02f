"""What came of a training: its importances and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autolog import drawing
from autolog.live import Run
from autolog.reporting import guarded

from . import importance

if TYPE_CHECKING:
    from . import XgboostOptions


def report(run: Run, booster: Any, options: XgboostOptions) -> None:
    """Record how many rounds the booster has, and how much each feature matters to it."""
    with guarded("the number of rounds"):
        run.log_metric("num_boosted_rounds", booster.num_boosted_rounds())
    if run.light or not options.importance:
        return
    with guarded("feature importance"):
        table = importance.table(booster, options.importance)
        if table is not None:
            run.log_table("feature_importance", table)
            if options.plots:
                drawing.draw(run, "feature_importance", importance.first(table))


def save(
    run: Run, model: Any, options: XgboostOptions, data: Any = None, target: Any = None
) -> None:
    """Record the model; its signature is read off `data`."""
    run.log_model(
        "model",
        model,
        flavor="xgboost",
        format=options.model_format,
        save_redacted=options.save_redacted,
        data=data,
        target=target,
    )
