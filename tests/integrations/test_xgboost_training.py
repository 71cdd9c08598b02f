"""What a run of `xgboost.train` holds: the framework's own numbers, params as they took effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
import xgboost
from sklearn.metrics import accuracy_score

from autolog.view import RunView

Runs = Callable[[], list[RunView]]

PARAMS = {"objective": "binary:logistic", "eta": 0.1, "nthread": 1}


def made(rows: int = 200, columns: int = 4, seed: int = 0) -> tuple[Any, Any]:
    table = numpy.random.default_rng(seed).normal(size=(rows, columns))
    return table, (table[:, 0] + 0.5 * table[:, 1] > 0).astype(int)


X_train, y_train = made(seed=0)
X_test, y_test = made(seed=1)


def values(run: RunView, name: str) -> list[float]:
    return [point.value for point in run.history(name)]


def steps(run: RunView, name: str) -> list[Any]:
    return [point.step for point in run.history(name)]


def test_curves_are_xgboosts_own(run: Callable[[], RunView]) -> None:
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, y_test)
    results: dict[str, Any] = {}
    xgboost.train(
        {**PARAMS, "eval_metric": ["auc", "logloss", "error@0.7"]}, dtrain, 7,
        evals=[(dtrain, "train"), (dtest, "eval")], evals_result=results, verbose_eval=False,
    )  # fmt: skip
    found = run()
    assert found.status == "finished"
    assert found.name == "xgboost.train"
    for data, metrics in results.items():
        for name, expected in metrics.items():
            assert values(found, f"{data}-{name}") == expected
            assert steps(found, f"{data}-{name}") == list(range(7))
            assert found.series[f"{data}-{name}"].unit == "boosting round"
    assert len(results["eval"]) == 3
    assert steps(found, "round_time") == list(range(7))
    assert all(0 < seconds < 60 for seconds in values(found, "round_time"))


def test_params_as_told_and_as_they_took_effect(run: Callable[[], RunView]) -> None:
    def flat(predt: Any, dtrain: Any) -> tuple[str, float]:
        return "flat", 1.0

    dtrain = xgboost.DMatrix(X_train, y_train)
    xgboost.train(PARAMS, dtrain, 2, evals=[(dtrain, "train")], custom_metric=flat, verbose_eval=0)
    found = run()
    expected = {
        "objective": "binary:logistic", "eta": 0.1, "num_boost_round": 2, "custom_metric": "flat",
        "learning_rate": 0.1, "max_depth": 6, "lambda": 1, "subsample": 1, "tree_method": "auto",
        "booster": "gbtree", "eval_metric": "logloss", "scale_pos_weight": 1, "nthread": 1,
    }  # fmt: skip
    assert {name: found.params.get(name) for name in expected} == expected
    assert values(found, "train-flat") == [1.0, 1.0]
    chosen = {name for name, fact in found.facts("param").items() if fact.set}
    given = {"num_boost_round", "custom_metric", "verbose_eval"}
    assert chosen == {*PARAMS, *given}


def test_arguments_by_position_in_the_old_manner(run: Callable[[], RunView]) -> None:
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, y_test)
    with pytest.warns(FutureWarning, match="keyword args"):
        xgboost.train(PARAMS, dtrain, 3, [(dtest, "test")])
    assert steps(run(), "test-logloss") == [0, 1, 2]
    assert run().datasets["X_test"]["role"] == "test"


def test_params_as_pairs(run: Callable[[], RunView]) -> None:
    pairs = [*PARAMS.items(), ("eval_metric", "auc"), ("eval_metric", "logloss")]
    dtrain = xgboost.DMatrix(X_train, y_train)
    xgboost.train(pairs, dtrain, 2, evals=[(dtrain, "train")], verbose_eval=False)
    assert run().params["eval_metric"] == ["auc", "logloss"]
    assert {"train-auc", "train-logloss"} <= run().metrics.keys()


def test_early_stopping_by_argument(run: Callable[[], RunView]) -> None:
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, 1 - y_test)
    booster = xgboost.train(
        PARAMS, dtrain, 50, evals=[(dtest, "eval")], early_stopping_rounds=3, verbose_eval=False
    )
    found = run()
    assert found.params["early_stopping_rounds"] == 3
    assert found.metrics["best_iteration"] == booster.best_iteration == 0
    assert found.metrics["best_score"] == booster.best_score
    assert found.metrics["stopped_iteration"] == booster.num_boosted_rounds() - 1 == 3
    assert steps(found, "best_iteration") == [None]
    assert len(found.history("eval-logloss")) == 4


def test_early_stopping_by_object(run: Callable[[], RunView]) -> None:
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, 1 - y_test)
    callbacks = [
        xgboost.callback.EarlyStopping(
            rounds=2, metric_name="logloss", save_best=True, min_delta=0.001
        )
    ]
    kept = list(callbacks)
    booster = xgboost.train(
        PARAMS, dtrain, 50, evals=[(dtest, "eval")], callbacks=callbacks, verbose_eval=False
    )
    assert callbacks == kept
    found = run()
    settings = {
        "early_stopping_rounds": 2, "early_stopping_metric_name": "logloss",
        "early_stopping_data_name": None, "early_stopping_save_best": True,
        "early_stopping_min_delta": 0.001,
    }  # fmt: skip
    assert {name: found.params.get(name) for name in settings} == settings
    assert found.metrics["best_iteration"] == booster.best_iteration == 0
    assert found.metrics["stopped_iteration"] == 2
    (told,) = found.params["callbacks"]
    assert told.startswith("EarlyStopping(")
    assert "rounds=2" in told


def test_a_schedule_of_learning_rates_is_a_series(run: Callable[[], RunView]) -> None:
    rates = [0.3, 0.2, 0.05]
    schedule = xgboost.callback.LearningRateScheduler(lambda epoch: rates[epoch])
    dtrain = xgboost.DMatrix(X_train, y_train)
    xgboost.train(PARAMS, dtrain, 3, callbacks=[schedule])
    assert values(run(), "learning_rate") == [0.1, 0.3, 0.2]


def test_data_have_the_programs_names(run: Callable[[], RunView]) -> None:
    weights = numpy.linspace(0.5, 1, len(y_train))
    dtrain = xgboost.DMatrix(X_train, label=y_train, weight=weights)
    dvalid = xgboost.DMatrix(X_test, label=y_test)
    xgboost.train(PARAMS, dtrain, 2, evals=[(dtrain, "train"), (dvalid, "valid")])
    data = run().datasets
    assert set(data) == {"X_train", "X_test"}
    assert data["X_train"]["role"] == "train"
    assert data["X_train"]["shape"] == [200, 4]
    assert data["X_train"]["target"]["name"] == "y_train"
    assert data["X_train"]["weight"]["name"] == "weights"
    assert data["X_test"]["role"] == "validation"
    assert (data["X_test"]["eval_name"], data["X_test"]["position"]) == ("valid", 1)
    assert data["X_test"]["rows_shared"] == 0


def test_data_that_are_gone_are_still_told(run: Callable[[], RunView]) -> None:
    def loaded() -> Any:
        table, target = made(60)
        return xgboost.DMatrix(table, label=target)

    matrix = loaded()
    xgboost.train(PARAMS, matrix, 2)
    (facts,) = run().datasets.values()
    assert facts["name"] == "table"
    assert facts["shape"] == [60, 4]
    assert facts["digest"].startswith("full-")
    assert facts["target"]["name"] == "target"


def test_metrics_of_predictions_join_the_run(run: Callable[[], RunView]) -> None:
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, y_test)
    booster = xgboost.train(PARAMS, dtrain, 5)
    accuracy = accuracy_score(y_test, booster.predict(dtest) > 0.5)
    in_place = accuracy_score(y_test, booster.inplace_predict(X_test) > 0.5)
    found = run()
    assert found.metrics["accuracy_score_X_test"] == accuracy
    assert found.metrics["accuracy_score-2_X_test"] == in_place
    assert found.datasets["X_test"]["role"] == "test"


def test_importance_by_every_measure(run: Callable[[], RunView]) -> None:
    dtrain = xgboost.DMatrix(X_train, y_train, feature_names=["one", "two", "three", "four"])
    booster = xgboost.train(PARAMS, dtrain, 5)
    columns = run().tables["feature_importance"]["columns"]
    for kind in ("weight", "gain", "cover", "total_gain", "total_cover"):
        expected = booster.get_score(importance_type=kind)
        assert dict(zip(columns["feature"], columns[kind], strict=True)) == expected
    assert columns["gain"] == sorted(columns["gain"], reverse=True)
    assert columns["feature"][0] == "one"


def test_a_run_without_a_single_round(run: Callable[[], RunView]) -> None:
    xgboost.train(PARAMS, xgboost.DMatrix(X_train, y_train), 0)
    found = run()
    assert found.status == "finished"
    assert found.params["max_depth"] == 6


def test_a_failed_training_keeps_what_was_known(runs: Runs) -> None:
    class Stop(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if epoch == 2:
                raise RuntimeError("enough")
            return False

    dtrain = xgboost.DMatrix(X_train, y_train)
    with pytest.raises(RuntimeError, match="enough"):
        xgboost.train(PARAMS, dtrain, 9, evals=[(dtrain, "train")], callbacks=[Stop()])
    (found,) = runs()
    assert found.status == "failed"
    assert len(found.history("train-logloss")) == 3
    assert found.params["max_depth"] == 6
