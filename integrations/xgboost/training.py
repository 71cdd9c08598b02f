"""One training by `xgboost.train`, from its arguments to its model."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autolog.following import naming
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import arguments, config, fits, lineage, matrices, results, rounds, stopping
from .models import at_hand

if TYPE_CHECKING:
    from . import Xgboost


class Recorded:
    """A call of `train` or `cv`, with what both have in common.

    `fitted` is the model of the scikit-learn interface whose training it is. What the integration
    of scikit-learn records of such a model (params, data, the model itself) is not recorded again.
    """

    def __init__(self, integration: Xgboost, call: Call, run: Run, fitted: Any = None) -> None:
        self.integration = integration
        self.options = integration.options
        self.call = call
        self.run = run
        self.fitted = fitted
        self.told = arguments.arguments(call)
        self.params: dict[str, Any] = {}
        self.live: Any = None
        self.last: int | None = None
        self.known = False

    def begin(self) -> None:
        """Record what is known before the first round, and listen to the rounds."""
        self.run.set_tags(lineage.version())
        if self.fitted is None:
            self._say_params()
        self._say_stopping()
        self.say_data()
        self.listen()

    def _say_params(self) -> None:
        own = arguments.booster_params(self.told.get("params"))
        given, chosen = arguments.settings(self.call)
        self.params = {**own, **given}
        self.run.log_params(self.params, chosen={*own, *chosen})

    def _say_stopping(self) -> None:
        callbacks = _listed(self.told.get("callbacks"))
        if self.fitted is None and callbacks:
            self.run.log_params({"callbacks": stopping.listed(callbacks)}, chosen=["callbacks"])
        found = stopping.stopper(callbacks)
        if found is not None:
            params, chosen = stopping.settings(found)
            self.params |= params
            self.run.log_params(params, chosen=chosen)

    def say_data(self) -> None:
        """Record the data of the training and of the eval sets."""
        kept, train = self.integration.kept, self.told.get("dtrain")
        if matrices.is_matrix(train):
            matrices.trained_on(self.run, train, kept, self._variable("dtrain"))
        evals = _listed(self.told.get("evals"))
        for place, (item, name) in enumerate(zip(evals, self._variables(len(evals)), strict=True)):
            if isinstance(item, list | tuple) and len(item) == 2 and matrices.is_matrix(item[0]):
                matrices.evaluated(
                    self.run, item[0], kept,
                    name=str(item[1]), place=place, train=train, variable=name,
                )  # fmt: skip

    def _variable(self, name: str) -> str:
        if self.fitted is not None:
            return naming.UNKNOWN
        return self.call.variable(arguments.place_of(self.call, name))

    def _variables(self, count: int) -> list[str]:
        if self.fitted is not None or not count:
            return [naming.UNKNOWN] * count
        place = arguments.place_of(self.call, "evals")
        return [name for name, _ in naming.names_of_pairs(self.call, place, count)]

    def listen(self) -> None:
        """Have each round told as it ends."""
        theirs = self.told.get("callbacks")
        self.live = rounds.callback(self.run, self.options, self.configured)
        if theirs is None or isinstance(theirs, list | tuple):
            ours: Any = [self.live, *(theirs or ())]
        else:
            ours = itertools.chain([self.live], theirs)  # read by xgboost alone, once
        arguments.replace(self.call, "callbacks", ours)

    def configured(self, model: Any) -> None:
        """What the model in fact trains with, known once its first round has ended."""
        self.known = True
        found = config.effective(rounds.booster_of(model))
        rate = found.get("learning_rate")
        if self.live is not None and self.live.rate is None:
            self.live.rate = next((self.params[k] for k in rounds.RATES if k in self.params), rate)
        if self.fitted is not None:
            found = self._completed(found)
        told = {name: value for name, value in found.items() if name not in self.params}
        self.run.log_params(told, chosen=())

    def _completed(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """What was left open in a model of the scikit-learn interface, under its names."""
        held = {**vars(self.fitted), **(vars(self.fitted).get("kwargs") or {})}
        number = {"n_estimators": self.told.get("num_boost_round")}
        changed = {"objective"} if isinstance(held.get("objective"), str) else set()
        outer = self.call.owner.call.instance if self.call.owner is not None else None
        before = fits.prefix(outer, self.fitted) or ""
        return {
            before + name: value
            for name, value in {**found, **number}.items()
            if held.get(name) is None or name in changed
        }

    def say_best(self, best: Mapping[str, float]) -> None:
        """Record where early stopping found the best round, and where it ended, if it was asked."""
        stops = self.told.get("early_stopping_rounds") is not None
        if not stops and stopping.stopper(_listed(self.told.get("callbacks"))) is None:
            return
        self.run.log_metrics(best)
        last = self.last if self.live is None else self.live.last
        if last is not None:
            self.run.log_metric("stopped_iteration", last)


class Training(Recorded):
    """A call of `train`, alone or as that of a model of the scikit-learn interface."""

    def begin(self) -> None:
        """Record what is known before, also what the training goes on from."""
        super().begin()
        with guarded("the model that is trained on"):
            lineage.continued(self.run, self.told.get("xgb_model"))

    def end(self) -> None:
        """Record what came of it."""
        booster = self.call.result
        with guarded("early stopping"):
            self.say_best(rounds.best_of(booster))
        if not self.known:  # not a single round
            with guarded("the effective configuration"):
                self.configured(booster)
        results.report(self.run, booster, self.options)
        with guarded("the model"), at_hand(booster):
            self._keep(booster)

    def _keep(self, booster: Any) -> None:
        lineage.trained(booster, self.run)
        if self.call.owner is None and self.options.models:
            known = matrices.of(self.told.get("dtrain"))
            results.save(self.run, booster, self.options, None if known is None else known.data())


def _listed(callbacks: Any) -> Any:
    return callbacks if isinstance(callbacks, list | tuple) else ()
