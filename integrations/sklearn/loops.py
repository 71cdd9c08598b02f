"""Loops over `partial_fit`: one run for an instance, one step for a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autolog.following import matching
from autolog.following.inputs import data_of
from autolog.integration import Call
from autolog.live import Run

from . import plots, results
from .params import title

if TYPE_CHECKING:
    from . import Sklearn

PROGRESS = ("loss_", "best_loss_", "inertia_", "n_iter_", "error_")
"""Attributes that say how far such a training is."""


def run_of(integration: Sklearn, call: Call) -> Run:
    """The run of this instance's loop, opened by its first call."""
    estimator = call.instance
    found: Run | None = integration.standing.get(estimator)
    if found is not None:
        return found
    cls, remains = type(estimator), vars(estimator)

    def at_end(run: Run) -> None:
        # The instance may be gone; its `__dict__` is all that it was, and keeps nothing else.
        again = object.__new__(cls)
        vars(again).update(remains)
        results.report(run, again)
        plots.of_estimator(run, again, integration.options.plots)
        if integration.options.models:
            integration.save(run, again, None)

    run = integration.standing.open(estimator, call, title(estimator), "sklearn", at_end)
    integration.describe(run, estimator)
    integration.training_data(run, call)
    run.set_tag("method", "partial_fit")
    return run


def step(integration: Sklearn, run: Run, call: Call) -> Iterator[None]:
    """One call of the loop: its rows and what the estimator says of its progress."""
    number = run.state["step"] = run.state.get("step", -1) + 1
    try:
        yield
    except GeneratorExit:
        integration.standing.end(call.instance, call.error)
        raise
    rows = matching.rows(call.arg(data_of(call)))
    if rows is not None:
        run.state["rows"] = run.state.get("rows", 0) + rows
        run.log_metric("samples_seen", run.state["rows"], step=number, unit="partial_fit call")
    known = vars(call.instance)
    for name in PROGRESS:
        if results.is_number(known.get(name)):
            run.state.setdefault("progress", set()).add(name.rstrip("_"))
            run.log_metric(name.rstrip("_"), known[name], step=number, unit="partial_fit call")
