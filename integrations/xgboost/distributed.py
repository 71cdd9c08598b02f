"""xgboost on many machines: the driver's call is one run, whose workers stay silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import arguments, config, lineage, results, rounds
from .training import Recorded

if TYPE_CHECKING:
    from . import Xgboost


class Distributed(Recorded):
    """A call of `xgboost.dask.train`, whose rounds come home when all are over."""

    def listen(self) -> None:
        """The callbacks go to the workers: nothing of ours goes with them."""

    def say_data(self) -> None:
        """The matrix is in pieces elsewhere; what it is called here is known."""
        name = self.call.variable(arguments.place_of(self.call, "dtrain"))
        columns = getattr(self.told.get("dtrain"), "feature_names", None)
        facts: dict[str, Any] = {
            "name": name,
            "role": "train",
            "kind": type(self.told.get("dtrain")).__name__,
        }
        if columns:
            facts["columns_total"] = len(columns)
        if self.integration.options.datasets:
            self.run.dataset(facts)

    def end(self) -> None:
        """Record what came home; of an asynchronous client nothing has yet."""
        result = self.call.result
        if not isinstance(result, Mapping) or "booster" not in result:
            return
        booster = result["booster"]
        self.last = said(self.run, booster, result.get("history") or {})
        with guarded("early stopping"):
            self.say_best(rounds.best_of(booster))
        with guarded("the effective configuration"):
            self.configured(booster)
        results.report(self.run, booster, self.options)
        with guarded("the model"):
            lineage.trained(booster, self.run)
        if self.call.owner is None and self.options.models:
            results.save(self.run, booster, self.options)


def said(run: Run, booster: Any, history: Mapping[str, Mapping[str, list[float]]]) -> int:
    """Record all rounds of a history; gives the number of the last one."""
    counts = [len(values) for metrics in history.values() for values in metrics.values()]
    rounds_now: int = booster.num_boosted_rounds()
    first = max(rounds_now - max(counts, default=0), 0)
    for data, metrics in history.items():
        for name, values in metrics.items():
            run.log_series(f"{data}-{name}", values, unit=rounds.UNIT, first=first)
    return first + max(counts, default=0) - 1


def fitted(integration: Xgboost, call: Call, run: Run) -> None:
    """What a model of the scikit-learn interface has brought home, whose `fit` trains elsewhere."""
    model = call.instance
    held = vars(model)
    booster = held.get("_Booster")
    if booster is None or call.result is not model:  # an asynchronous client's: not yet
        return
    with guarded("the rounds"):
        last = said(run, booster, held.get("evals_result_") or {})
        if held.get("early_stopping_rounds") is not None:
            run.log_metrics({**rounds.best_of(booster), "stopped_iteration": last})
    with guarded("the effective configuration"):
        told = {k: v for k, v in config.effective(booster).items() if held.get(k) is None}
        number = {"n_estimators": model.get_num_boosting_rounds()}
        run.log_params({**told, **({} if held.get("n_estimators") else number)}, chosen=())
    run.set_tags(lineage.version())
    results.report(run, booster, integration.options)
    with guarded("following the model"):
        lineage.trained(booster, run)
