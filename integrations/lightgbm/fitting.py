"""The parts of one call of `train` or `cv`: what it was told, its data, and who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.following import datasets, naming
from autolog.integration import Call, parameter_names
from autolog.live import Run

from . import data, lineage, params, results
from .rounds import UNIT, Rounds, key_of

if TYPE_CHECKING:
    from . import Lightgbm

FIT_ARGUMENTS = ("eval_names", "eval_metric", "categorical_feature", "feature_name", "eval_at")

FIT = "lightgbm.fit"
"""The key of a run's state under which a `fit` of ours tells what the user chose."""


def describe(own: Lightgbm, run: Run, call: Call, callbacks: list[Any]) -> dict[str, bool]:
    """The params of a training; gives the main names that are told, and which of them were set."""
    given = call.arg("params")
    given = given if isinstance(given, dict) else {}
    fit = run.state.get(FIT)
    if fit is not None:  # told by the `fit` that this is a part of
        heard = params.callback_params(callbacks[:-1])  # the last is the class's own
        run.log_params(heard, chosen=heard)
        return {**fit, **dict.fromkeys(heard, True)}
    asked, chosen = params.arguments(call)
    before = lineage.named(call.arg("init_model"))
    if before is not None:
        asked["init_model"] = before
    if "num_boost_round" in chosen:
        chosen.add("num_iterations")
    told = {**params.told(given), **params.callback_params(callbacks)}
    chosen |= {*told, "init_model"}
    found = {**asked, "num_iterations": asked.get("num_boost_round"), **told}
    run.log_params(found, chosen=chosen)
    own.tags(run, "lightgbm.basic.Booster")
    return {params.main_name(name): name in chosen for name in found}


def describe_effective(run: Run, booster: Any, told: dict[str, bool]) -> None:
    """What was not told before: defaults, and what LightGBM has settled itself."""
    found = params.effective(booster)
    rest = {name: value for name, value in found.items() if name not in told}
    chosen = {params.main_name(name) for name, known in told.items() if known}
    run.log_params(rest, chosen=chosen)


def report(own: Lightgbm, run: Run, booster: Any, told: dict[str, bool], stopped: int) -> None:
    """What a trained booster says of itself."""
    describe_effective(run, booster, told)
    results.report_best(run, booster, stopped)
    own.follow(run, booster)
    if not run.light:
        results.report_importances(run, booster, own.options.plots)


def record_data(own: Lightgbm, run: Run, call: Call) -> None:
    """Training data and valid sets of a `train` or `cv` that is no part of a `fit`."""
    if run.state.get(FIT) is not None:
        return
    train_set = call.arg("train_set")
    if not _is_dataset(train_set):
        return
    data.trained_on(run, train_set, own.kept, naming.name_of(call, "train_set"))
    for one, name, named in data.valid_sets(call) if call.arg("valid_sets") is not None else ():
        if one is not train_set and _is_dataset(one):
            data.evaluated_on(run, one, own.kept, name, named, name)


def _is_dataset(value: Any) -> bool:
    return hasattr(value, "__dict__") and "used_indices" in vars(value)


def hear(call: Call, rounds: Rounds) -> None:
    """Put our callbacks before the user's, in a list of our own.

    Something that LightGBM would refuse as `callbacks` is left to it.
    """
    theirs = call.arg("callbacks")
    if theirs is not None and not isinstance(theirs, list | tuple | set | frozenset):
        return
    ours = [*rounds.callbacks(), *(theirs or ())]
    place = parameter_names(call.function).index("callbacks")
    if place < len(call.args):
        call.args = (*call.args[:place], ours, *call.args[place + 1 :])
    else:
        call.kwargs["callbacks"] = ours


# -- scikit-learn's classes ----------------------------------------------------------------------


def begin_fit(own: Lightgbm, run: Run, call: Call) -> None:
    """What a `fit` of the classes says; params and data only where its run is ours."""
    values, chosen = params.estimator_params(call.instance)
    kind = type(call.instance)
    own.tags(run, f"{kind.__module__}.{kind.__qualname__}")
    if call.owner is None:
        run.log_params(values, chosen=chosen)
        datasets.trained_with(run, call, own.kept)
    asked = {name: params.named(call.arg(name)) for name in FIT_ARGUMENTS}
    asked = {k: v for k, v in asked.items() if v is not None and not _is_auto(v)}
    for name in ("group", "init_score"):
        if call.arg(name) is not None:
            asked[name] = naming.name_of(call, name)
    if call.arg("init_model") is not None:
        asked["init_model"] = lineage.named(call.arg("init_model"))
    run.log_params(asked, chosen=asked)
    data.fit_data(run, call, own.kept)
    # An `objective` that was left open is told when LightGBM has settled it.
    told = {name: name in chosen for name, value in values.items() if value is not None}
    run.state[FIT] = {**told, **dict.fromkeys(asked, True)}


def begin_refit(own: Lightgbm, run: Run, call: Call) -> None:
    """What a `refit` is told, the model that it begins with, and its data."""
    own.tags(run, lineage.class_name(call.instance))
    run.set_tag("method", "refit")
    lineage.continued(run, call.instance)
    told = {"decay_rate": call.arg("decay_rate", 0.9), **(call.arg("dataset_params") or {})}
    run.log_params(told, chosen=[name for name in told if call.arg(name) is not None])
    datasets.trained_with(run, call, own.kept, data="data", target="label", weight="weight")


def end_fit(own: Lightgbm, run: Run, call: Call) -> None:
    """What is left to say of a `fit`: all, where workers have trained it (Dask)."""
    held = vars(call.instance)
    booster, evals = held.get("_Booster"), held.get("_evals_result")
    if "lightgbm.series" not in run.state and booster is not None:
        for dataset, metrics in (evals or {}).items():
            for metric, values in metrics.items():
                run.log_series(key_of(dataset, metric), values, unit=UNIT, first=1)
        rounds = max((len(v) for m in (evals or {}).values() for v in m.values()), default=0)
        report(own, run, booster, run.state[FIT], rounds)
    following.trained(call.instance, run)
    if call.owner is None:
        own.save(run, call.instance, call)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"
