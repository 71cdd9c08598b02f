"""Loops of `Booster.update` by hand: one run for a booster, one step for a round."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.following.judging import Judgement
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import arguments, config, lineage, matrices, results, rounds
from .rounds import UNIT

if TYPE_CHECKING:
    from . import Xgboost

_made: weakref.WeakKeyDictionary[Any, tuple[Any, Any]] = weakref.WeakKeyDictionary()
"""The params and the model file that a booster was made with."""


def forget() -> None:
    """Forget all boosters, when the recording is switched off."""
    _made.clear()


def made(call: Call) -> None:
    """Note what a booster was made with, for the loop that may train it."""
    _made[call.instance] = call.arg("params"), call.arg("model_file")


def step(integration: Xgboost, call: Call, outer: Run | None) -> Iterator[None]:
    """One round of a loop, whose run stands below the one that is open here, if any."""
    booster = call.instance
    run = integration.standing.get(booster)
    first = run is None
    if run is None:
        run = _open(integration, call, outer)
    began = time.perf_counter()
    try:
        yield
    except GeneratorExit:
        integration.standing.end(booster, call.error)
        raise
    seconds = time.perf_counter() - began
    if first:
        told = run.state["params"]
        found = config.effective(booster)
        run.log_params({k: v for k, v in found.items() if k not in told}, chosen=())
        following.trained(booster, run)
    number = run.state["round"] = int(call.arg("iteration"))
    if integration.options.round_time:
        run.log_metric("round_time", seconds, step=number, unit=UNIT)


def evaluated(integration: Xgboost, call: Call) -> None:
    """What a booster was judged by: a round of its loop, or its training that is over."""
    booster, whole = call.instance, call.function.__name__ == "eval_set"
    evals = call.arg("evals") if whole else [(call.arg("data"), call.arg("name", "eval"))]
    if not isinstance(evals, list | tuple):
        return
    said = rounds.parsed(str(call.result).split()[1:])
    run = integration.standing.get(booster)
    if run is not None:
        number = call.arg("iteration", run.state.get("round"))
        if integration.options.series:
            run.log_metrics(said, step=int(number), unit=UNIT)
        for place, (matrix, name) in enumerate(evals):
            matrices.evaluated(run, matrix, integration.kept, name=name, place=place, train=None)
        return
    run, link = following.maker(booster, lineage.likeness)
    if run is None:
        return
    for matrix, name in evals:
        given = matrices.given_of(matrix, name)
        judged = Judgement(call, integration.kept, run, given, link)
        for metric, value in said.items():
            if metric.startswith(f"{name}-"):
                judged.number(metric.removeprefix(f"{name}-"), value)


def _open(integration: Xgboost, call: Call, outer: Run | None) -> Run:
    booster = call.instance
    cls, remains, options = type(booster), vars(booster), integration.options

    def at_end(run: Run) -> None:
        # Called before the booster gives up its memory; its `__dict__` is all that it is.
        if remains.get("handle") is None:
            return
        again = object.__new__(cls)
        vars(again).update(remains)
        try:
            with guarded("following the model"):
                lineage.trained(again, run)
            results.report(run, again, options)
            if options.models:
                results.save(run, again, options)
        finally:
            vars(again)["handle"] = None  # which is not its own to free

    run = integration.standing.open(booster, call, "Booster", "xgboost", at_end, outer)
    _describe(integration, run, call)
    return run


def _describe(integration: Xgboost, run: Run, call: Call) -> None:
    params, parent = _made.get(call.instance, (None, None))
    own = arguments.booster_params(params)
    objective = call.arg("fobj")
    if objective is not None:
        own["obj"] = arguments.name_of(objective)
    run.state["params"] = own
    run.log_params(own, chosen=own)
    run.set_tags({"method": call.function.__name__, **lineage.version()})
    with guarded("the model that is trained on"):
        known = following.maker(call.instance)[0] is not None
        lineage.continued(run, call.instance if known else parent)
    train = call.arg("dtrain")
    if matrices.is_matrix(train):
        matrices.trained_on(
            run, train, integration.kept, call.variable(arguments.place_of(call, "dtrain"))
        )
