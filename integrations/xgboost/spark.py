"""xgboost on Spark: the driver's call is one run; all else comes home with the fitted model.

Nothing here asks Spark for data: a frame's schema, which xgboost itself looks at, is all that is
read of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from autolog.following import naming
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded

from . import arguments, config, distributed, lineage, results, rounds, stopping

if TYPE_CHECKING:
    from . import Xgboost

WRITTEN = ((2, ()), (1, ("params",)), (0, ("dataset", "params")), (1, ()), (0, ("dataset",)))
"""How many arguments a `fit` may be written with, and which keywords: the most first."""
COLUMNS = {"labelCol": "target", "weightCol": "weight"}
EXTRA = {"validationIndicatorCol": "validation_indicator", "qid_col": "group"}
"""Params that name a column, and what of a dataset it is."""
MOST_COLUMNS = 200


def estimators(part: Any) -> Iterator[Any]:
    """xgboost's estimators in one of Spark's, however deep: in a pipeline, in a search."""
    yield from _within(part, "_SparkXGBEstimator", _inside)


def models(part: Any) -> Iterator[Any]:
    """xgboost's models in one of Spark's: in a pipeline's, in the best of a search."""
    yield from _within(part, "_SparkXGBModel", _fitted_inside)


def _within(part: Any, base: str, inside: Callable[[Any], Iterable[Any]]) -> Iterator[Any]:
    kind = getattr(sys.modules.get("xgboost.spark.core"), base, ())
    if isinstance(part, kind):
        yield part
        return
    for one in inside(part):
        yield from _within(one, base, inside)


def _inside(part: Any) -> list[Any]:
    params, _ = params_of(part)
    found = [*(params.get("stages") or ()), params.get("estimator")]
    return [one for one in found if one is not None]


def _fitted_inside(part: Any) -> list[Any]:
    held = getattr(part, "__dict__", {})
    found = [*(held.get("stages") or ()), held.get("bestModel")]
    return [one for one in found if one is not None]


def params_of(part: Any) -> tuple[dict[str, Any], set[str]]:
    """All params of a part of Spark's, and which of them were set.

    Spark (3.4 to 4.3) keeps them by objects that have a name, the defaults apart.
    """
    held = getattr(part, "__dict__", {})
    defaults, given = (
        {param.name: value for param, value in (held.get(name) or {}).items()}
        for name in ("_defaultParamMap", "_paramMap")
    )
    return {**defaults, **given}, set(given)


class Fit:
    """A `fit` of one of xgboost's estimators, or of a pipeline or search that ends in one."""

    def __init__(self, integration: Xgboost, call: Call, run: Run) -> None:
        self.integration = integration
        self.call = call
        self.run = run

    def begin(self) -> None:
        """Record what is known before: params, and what columns are trained on."""
        outer = self.call.instance
        estimator = next(estimators(outer))
        kind = type(outer)
        names = {
            "estimator_name": kind.__qualname__,
            "estimator_class": f"{kind.__module__}.{kind.__qualname__}",
            "pyspark_version": getattr(sys.modules.get("pyspark"), "__version__", ""),
        }
        self.run.set_tags({**names, **lineage.version()})
        if outer is not estimator:
            _say_around(self.run, outer)
        _say_params(self.run, estimator)
        with guarded("the data"):
            self._say_data(estimator)

    def _say_data(self, estimator: Any) -> None:
        if not self.integration.options.datasets:
            return
        frame, (params, _) = self.call.arg("dataset"), params_of(estimator)
        facts = {
            "name": self._name(),
            "role": "train",
            "kind": type(frame).__name__,
            **features(frame.schema, self._columns(estimator)),
        }
        for table in (COLUMNS, EXTRA):
            for param, part in table.items():
                if params.get(param):
                    facts[part] = {"name": params[param]}
        self.run.dataset(facts)

    def _columns(self, estimator: Any) -> dict[str, Any]:
        """The params that name the columns; of a vector that a stage makes what it is made of."""
        params, _ = params_of(estimator)
        for part in _parts(self.call.instance):
            made, _ = params_of(part)
            if made.get("outputCol") == params.get("featuresCol") and made.get("inputCols"):
                return {**params, "features_cols": made["inputCols"]}
        return params

    def _name(self) -> str:
        """How the program calls the frame: its `fit` comes here through Spark's own."""
        site = self.call.site
        for count, keywords in WRITTEN:
            if site is None:
                break
            names = site.argument_names("fit", count, keywords, through=True)
            found = names.get(0) or names.get("dataset")
            if found:
                return found
        return naming.UNKNOWN

    def end(self) -> None:
        """Record what came home with the fitted model; of a search, with the best one."""
        outer, result = self.call.instance, self.call.result
        model = next(models(result), None)
        if model is None:
            return
        if outer is not model:
            _say_params(self.run, model)
        with guarded("the search"):
            _say_candidates(self.run, outer, result, model)
        local = vars(model).get("_xgb_sklearn_model")
        booster = vars(local or model).get("_Booster")
        if booster is None:
            return
        with guarded("the rounds"):
            self._say_rounds(model, booster)
        with guarded("the effective configuration"):
            params, _ = params_of(model)
            found = config.effective(booster)
            open_yet = {k: v for k, v in found.items() if params.get(k) is None}
            self.run.log_params(open_yet, chosen=())
        results.report(self.run, booster, self.integration.options)
        with guarded("following the model"):
            lineage.trained(booster, self.run)
        if self.integration.options.models:
            results.save(self.run, local, self.integration.options)

    def _say_rounds(self, model: Any, booster: Any) -> None:
        summary = getattr(model, "training_summary", None)  # from 3.0 on
        history = {
            name: getattr(summary, f"{part}_objective_history", None) or {}
            for name, part in (("training", "train"), ("validation", "validation"))
        }
        series = history if self.integration.options.series else {}
        last = distributed.said(self.run, booster, series)
        if params_of(model)[0].get("early_stopping_rounds") is not None:
            self.run.log_metrics(rounds.best_of(booster))
            if any(history.values()):
                self.run.log_metric("stopped_iteration", last)


def _say_params(run: Run, part: Any) -> None:
    """An estimator's params by the names that a program writes, `features_col`."""
    values, given = params_of(part)
    core = sys.modules["xgboost.spark.core"]
    written = {**getattr(core, "_inverse_pyspark_param_alias_map", {})}
    more = values.pop("arbitrary_params_dict", None) or {}
    callbacks, before = values.pop("callbacks", None), values.pop("xgb_model", None)
    if values.pop("features_cols", None):
        values["featuresCol"] = params_of(part)[0]["features_cols"]
        given.add("featuresCol")
    named = {written.get(name, name): arguments.told(value) for name, value in values.items()}
    chosen = {written.get(name, name) for name in given}
    told = {**named, **more}
    run.log_params({k: v for k, v in told.items() if v is not None}, chosen={*chosen, *more})
    if callbacks:
        run.log_params({"callbacks": stopping.listed(callbacks)}, chosen=["callbacks"])
    with guarded("the model that is trained on"):
        lineage.continued(run, before)


def _say_around(run: Run, outer: Any) -> None:
    """What was set of the stages of a pipeline and of a search: `VectorAssembler.inputCols`."""
    for part in _parts(outer):
        values, given = params_of(part)
        told = {name: _brief(values[name]) for name in given if values[name] is not None}
        own = type(part).__qualname__
        named = told if part is outer else {f"{own}.{k}": v for k, v in told.items()}
        run.log_params(named, chosen=named)


def _parts(outer: Any) -> Iterator[Any]:
    """A pipeline or search and all in it, but for xgboost's estimators."""
    if any(one is outer for one in estimators(outer)):
        return
    yield outer
    for one in (*_inside(outer), params_of(outer)[0].get("evaluator")):
        if one is not None:
            yield from _parts(one)


def _brief(value: Any) -> Any:
    """Parts of Spark's by class; candidates by the names of what they set."""
    if isinstance(value, list | tuple):
        return [_brief(one) for one in value]
    if isinstance(value, Mapping):
        return {getattr(key, "name", str(key)): _brief(one) for key, one in value.items()}
    return type(value).__qualname__ if hasattr(value, "_paramMap") else arguments.told(value)


def _say_candidates(run: Run, outer: Any, result: Any, best: Any) -> None:
    """Each candidate of a search, with the means and deviations that the search found."""
    params, _ = params_of(outer)
    held = getattr(result, "__dict__", {})
    means = held.get("avgMetrics") or held.get("validationMetrics")
    rows = [_brief(one) for one in params.get("estimatorParamMaps") or ()]
    if not means or len(means) != len(rows):
        return
    metric = params_of(params.get("evaluator"))[0].get("metricName") or "score"
    table = {name: [row.get(name) for row in rows] for name in dict.fromkeys(chain(*rows))}
    table[f"mean_{metric}"] = list(means)
    if held.get("stdMetrics"):
        table[f"std_{metric}"] = list(held["stdMetrics"])
    run.log_table("cv_results", table)
    run.log_series(f"mean_{metric}", means, unit="candidate")
    own, _ = params_of(best)
    chosen = [i for i, row in enumerate(rows) if all(own.get(k) == v for k, v in row.items())]
    if len(chosen) == 1:
        run.log_metrics({"best_index": chosen[0], "best_score": means[chosen[0]]})


def features(schema: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are trained on: by themselves, or those in a vector, if it names them."""
    fields = {field.name: field for field in schema.fields}
    several = params.get("features_cols")
    picked = [fields[name] for name in several or [params.get("featuresCol")] if name in fields]
    columns = [{"name": one.name, "dtype": one.dataType.simpleString()} for one in picked]
    if several or not picked:
        return _columns(columns, len(columns))
    inside = (picked[0].metadata or {}).get("ml_attr") or {}
    named = [one.get("name") for kind in (inside.get("attrs") or {}).values() for one in kind]
    within = [{"name": name, "dtype": columns[0]["dtype"]} for name in named]
    return _columns(within or columns, inside.get("num_attrs", len(named)))


def _columns(columns: list[dict[str, Any]], total: int) -> dict[str, Any]:
    """Their number where it is known; how many rows there are is not, until they are counted."""
    known = {"columns_total": total, "shape": [None, total]} if total else {}
    return {"columns": columns[:MOST_COLUMNS], **known}
