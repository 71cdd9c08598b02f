"""Trainings inside a study of Optuna: what its trials come to is what their runs say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autolog.view import RunView

optuna = pytest.importorskip("optuna", reason="optuna is not installed")
xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")


class Pruning(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """As people write it: report each round, stop the trial when the study says so."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.trial.report(evals_log["valid"]["rmse"][-1], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"pruned at {epoch}")
        if self.trial.params["eta"] > 0.9:
            raise ValueError("too bold")
        return False


def test_a_pruned_trial_is_no_failed_run(runs: Callable[[], list[RunView]]) -> None:
    import numpy

    rng = numpy.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    train, valid = (xgboost.DMatrix(X[part], X[part].sum(1)) for part in (slice(40), slice(40, 60)))

    def objective(trial: Any) -> float:
        params = {"eta": trial.suggest_float("eta", 0.0, 1.0), "eval_metric": "rmse", "nthread": 1}
        found: dict[str, Any] = {}
        call = {"evals": [(valid, "valid")], "evals_result": found, "verbose_eval": False}
        xgboost.train(params, train, 4, callbacks=[Pruning(trial)], **call)
        return float(found["valid"]["rmse"][-1])

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.PercentilePruner(1.0, n_startup_trials=1)
    study = optuna.create_study(direction="minimize", pruner=pruner)
    for eta in (0.7, 0.1, 0.95):
        study.enqueue_trial({"eta": eta})
    study.optimize(objective, n_trials=3, catch=(ValueError,))
    ends = {"COMPLETE": "finished", "PRUNED": "killed", "FAIL": "failed"}
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL"]
    assert [run.status for run in runs()] == [ends[state] for state in states]
    assert str(runs()[1].error) == "TrialPruned: pruned at 0"
    assert [run.params["eta"] for run in runs()] == [0.7, 0.1, 0.95]
