"""What the runs of the small trainings in `conftest` must hold."""

from __future__ import annotations

from typing import Any


def alphas(runs: list[Any]) -> list[float]:
    """The one param and metric of each."""
    return [run.metrics["alpha"] for run in runs]


def whole(runs: list[Any]) -> bool:
    """Whether each has its params, its end, its sources and a model that loads."""
    return all(
        run.status == "finished"
        and run.params["alpha"] == run.metrics["alpha"]
        and run.artifact("code/train.py")
        and run.load_model().alpha == run.metrics["alpha"]
        for run in runs
    )
