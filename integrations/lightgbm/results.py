"""What a trained booster says of itself: best round and scores, importances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog import drawing
from autolog.live import Run

MOST_ROWS = 10_000
"""Features of the table of importances, the weightiest first."""


def report_best(run: Run, booster: Any, stopped: int) -> None:
    """`best_iteration` and scores in LightGBM's own sense, without a step."""
    best = getattr(booster, "best_iteration", 0)
    if isinstance(best, int) and best > 0:
        run.point("best_iteration", best, None, {"call": "Booster.best_iteration"})
        if stopped:
            run.point("stopped_iteration", stopped, None, {"call": "rounds trained"})
    report_scores(run, getattr(booster, "best_score", None))


def report_scores(run: Run, scores: Any) -> None:
    """`best_score_valid_0-auc` for each set and metric; `best_score` where there is only one."""
    if not isinstance(scores, Mapping):
        return
    found = {
        f"{dataset}-{metric}": value
        for dataset, metrics in scores.items()
        for metric, value in metrics.items()
    }
    for key, value in found.items():
        run.point(f"best_score_{key}", value, None, {"call": "Booster.best_score"})
    if len(found) == 1:
        run.point("best_score", next(iter(found.values())), None, {"call": "Booster.best_score"})


def report_importances(run: Run, booster: Any, drawn: bool) -> None:
    """The table, and a picture of it where one is wanted."""
    table = importances(booster)
    run.log_table("feature_importance", table)
    if drawn:
        shown = {name: table[name] for name in ("feature", "gain")}
        drawing.draw(run, "feature_importance", shown)


def importances(booster: Any) -> dict[str, list[Any]]:
    """Features with how often they split and what they gained, the greatest gain first."""
    names = booster.feature_name()
    split = booster.feature_importance("split").tolist()
    gain = booster.feature_importance("gain").tolist()
    order = sorted(range(len(names)), key=lambda i: -gain[i])[:MOST_ROWS]
    return {
        "feature": [names[i] for i in order],
        "split": [split[i] for i in order],
        "gain": [gain[i] for i in order],
    }
