"""One training by `xgboost.train`, from its arguments to its model."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.following import naming
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import arguments, config, importance, matrices, rounds, stopping

if TYPE_CHECKING:
    from . import Xgboost


class Training:
    """A call of `train`, alone or as that of a model of the scikit-learn interface.

    What the integration of scikit-learn records of such a model (params, data, the model itself)
    is not recorded again.
    """

    def __init__(self, integration: Xgboost, call: Call, run: Run, fitted: Any) -> None:
        self.integration = integration
        self.options = integration.options
        self.call = call
        self.run = run
        self.fitted = fitted
        self.told = arguments.arguments(call)
        self.params: dict[str, Any] = {}
        self.live: Any = None
        self.known = False

    # -- before ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Record what is known before the first round, and listen to the rounds."""
        self.run.set_tags({"xgboost_version": sys.modules["xgboost"].__version__})
        if self.fitted is None:
            self._say_params()
        self._say_stopping()
        self._say_data()
        self._listen()

    def _say_params(self) -> None:
        own = arguments.booster_params(self.told.get("params"))
        given, chosen = arguments.settings(self.call)
        self.params = {**own, **given}
        self.run.log_params(self.params, chosen={*own, *chosen})

    def _say_stopping(self) -> None:
        callbacks = self.told.get("callbacks")
        if not isinstance(callbacks, list | tuple) or not callbacks:
            return
        if self.fitted is None:
            self.run.log_params({"callbacks": stopping.listed(callbacks)}, chosen=["callbacks"])
        found = stopping.stopper(callbacks)
        if found is not None:
            params, chosen = stopping.settings(found)
            self.params |= params
            self.run.log_params(params, chosen=chosen)

    def _say_data(self) -> None:
        kept, train = self.integration.kept, self.told.get("dtrain")
        if matrices.is_matrix(train):
            matrices.trained_on(self.run, train, kept, self._variable("dtrain"))
        evals = self.told.get("evals")
        if not isinstance(evals, list | tuple):
            return
        for place, item in enumerate(evals):
            if isinstance(item, list | tuple) and len(item) == 2 and matrices.is_matrix(item[0]):
                matrices.evaluated(
                    self.run, item[0], kept,
                    name=str(item[1]), place=place, train=train, variable=str(item[1]),
                )  # fmt: skip

    def _variable(self, name: str) -> str:
        return arguments.text_of(self.call, name) if self.fitted is None else naming.UNKNOWN

    def _listen(self) -> None:
        theirs = self.told.get("callbacks")
        scheduled = rounds.schedules(theirs)
        self.live = rounds.callback(self.run, self.options, self._configured, scheduled)
        if theirs is None or isinstance(theirs, list | tuple):
            ours: Any = [self.live, *(theirs or ())]
        else:
            ours = itertools.chain([self.live], theirs)  # read by xgboost alone, once
        arguments.replace(self.call, "callbacks", ours)

    # -- while it trains and after -----------------------------------------------------------

    def _configured(self, model: Any) -> None:
        """What the model in fact trains with, known once its first round has ended."""
        self.known = True
        found = config.effective(rounds.booster_of(model))
        if self.fitted is not None:
            found = self._completed(found)
        told = {name: value for name, value in found.items() if name not in self.params}
        self.run.log_params(told, chosen=())

    def _completed(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """What was left open in a model of the scikit-learn interface, under its names."""
        held = {**vars(self.fitted), **(vars(self.fitted).get("kwargs") or {})}
        number = {"n_estimators": self.told.get("num_boost_round")}
        changed = {"objective"} if isinstance(held.get("objective"), str) else set()
        return {
            name: value
            for name, value in {**found, **number}.items()
            if held.get(name) is None or name in changed
        }

    def end(self) -> None:
        """Record what came of it."""
        booster = self.call.result
        with guarded("early stopping"):
            self._say_best(booster)
        if not self.known:  # not a single round
            with guarded("the effective configuration"):
                self._configured(booster)
        following.trained(booster, self.run)
        if self.options.importance and not self.run.light:
            with guarded("feature importance"):
                self._say_importance(booster)
        if self.call.owner is None and self.options.models:
            self._save(booster)

    def _say_best(self, booster: Any) -> None:
        stops = self.told.get("early_stopping_rounds") is not None
        if not stops and stopping.stopper(_listed(self.told.get("callbacks"))) is None:
            return
        self.run.log_metrics(rounds.best_of(booster))
        if self.live.last is not None:
            self.run.log_metric("stopped_iteration", self.live.last)

    def _say_importance(self, booster: Any) -> None:
        table = importance.table(booster, self.options.importance)
        if table is not None:
            self.run.log_table("feature_importance", table)

    def _save(self, booster: Any) -> None:
        known = matrices.of(self.told.get("dtrain"))
        self.run.log_model(
            "model",
            booster,
            flavor="xgboost",
            format=self.options.model_format,
            save_redacted=self.options.save_redacted,
            data=known.data() if known is not None else None,
        )


def _listed(callbacks: Any) -> Any:
    return callbacks if isinstance(callbacks, list | tuple) else ()


# -- the scikit-learn interface ------------------------------------------------------------------


def name_eval_sets(call: Call) -> None:
    """Give the data of `eval_set=[(X_valid, y_valid)]` the names that stand there."""
    given = call.arg("eval_set")
    if not isinstance(given, list | tuple):
        return
    names = _names(call.variable("eval_set"), len(given))
    for pair, name in zip(given, names, strict=True):
        if isinstance(pair, list | tuple) and len(pair) == 2:
            naming.noted(pair[0], name)


def _names(text: str, count: int) -> list[str]:
    unknown = [naming.UNKNOWN] * count
    try:
        written = ast.parse(text, mode="eval").body
    except SyntaxError:
        return unknown
    if not isinstance(written, ast.List | ast.Tuple) or len(written.elts) != count:
        return unknown
    return [_first(item) for item in written.elts]


def _first(item: ast.expr) -> str:
    if isinstance(item, ast.Tuple | ast.List) and item.elts:
        return ast.unparse(item.elts[0])
    return naming.UNKNOWN
