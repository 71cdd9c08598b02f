"""LightGBM: `train`, `cv` and the classes with `fit`, recorded in the library's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autolog.view import RunView

Only = Callable[[], RunView]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def data() -> tuple[Any, ...]:
    rng = np.random.RandomState(0)
    X = rng.rand(600, 5)
    y = (X[:, 0] + rng.rand(600) * 0.3 > 0.6).astype(int)
    return X[:400], X[400:], y[:400], y[400:]


def values(run: RunView, key: str) -> list[Any]:
    return [point.value for point in run.history(key)]


def steps(run: RunView, key: str) -> list[Any]:
    return [point.step for point in run.history(key)]


def test_train_leaves_one_run_with_params_as_spelled_and_by_main_name(
    data: tuple[Any, ...], run: Only
) -> None:
    X_train, _, y_train, _ = data
    params = {"objective": "binary", "eta": 0.2, "num_leaf": 7, "verbose": -1}
    lgb.train(params, lgb.Dataset(X_train, y_train), num_boost_round=5)
    found = run()
    assert found.name == "lightgbm.train"
    assert found.params["eta"] == found.params["learning_rate"] == 0.2
    assert found.params["num_leaf"] == found.params["num_leaves"] == 7
    assert found.params["num_boost_round"] == found.params["num_iterations"] == 5
    assert found.params["max_bin"] == 255
    assert found.params["metric"] == "binary_logloss"
    facts = found.facts("param")
    chosen = {name for name, fact in facts.items() if (fact.info or {}).get("set")}
    assert {"eta", "learning_rate", "num_leaves", "num_iterations", "objective"} <= chosen
    assert not {"max_bin", "metric", "bagging_fraction"} & chosen
    assert params == {"objective": "binary", "eta": 0.2, "num_leaf": 7, "verbose": -1}


def test_curves_are_what_lightgbm_recorded(data: tuple[Any, ...], run: Only) -> None:
    X_train, X_test, y_train, y_test = data
    history: dict[str, Any] = {}
    train_data = lgb.Dataset(X_train, y_train)
    booster = lgb.train(
        {"objective": "binary", "metric": ["auc", "binary_logloss"], "verbose": -1},
        train_data,
        30,
        valid_sets=[train_data, train_data.create_valid(X_test, y_test)],
        callbacks=[
            lgb.record_evaluation(history),
            lgb.early_stopping(3, verbose=False),
            lgb.reset_parameter(learning_rate=lambda i: 0.1 * 0.99**i),
        ],
    )
    found = run()
    for name, metrics in history.items():
        for metric, recorded in metrics.items():
            assert values(found, f"{name}-{metric}") == recorded
            assert steps(found, f"{name}-{metric}") == list(range(1, len(recorded) + 1))
            assert found.metrics[f"best_score_{name}-{metric}"] == booster.best_score[name][metric]
    rounds = len(history["training"]["auc"])
    assert rounds < 30
    assert values(found, "learning_rate") == [0.1 * 0.99**i for i in range(rounds)]
    assert found.series["valid_1-auc"].unit == "boosting round"
    assert found.series["round_time"].count == rounds
    assert found.metrics["best_iteration"] == booster.best_iteration
    assert found.metrics["stopped_iteration"] == rounds
    assert found.params["early_stopping_round"] == 3
    assert "early_stopping(stopping_rounds=3" in found.params["callbacks"][1]


def test_data_are_called_what_the_program_calls_them(data: tuple[Any, ...], run: Only) -> None:
    X_train, X_test, y_train, y_test = data
    train_data = lgb.Dataset(X_train, label=y_train)
    valid = train_data.create_valid(X_test, label=y_test)
    lgb.train({"verbose": -1}, train_data, 3, valid_sets=valid, valid_names="eval")
    found = run().datasets
    assert list(found) == ["X_train", "X_test"]
    assert found["X_train"]["role"] == "train"
    assert found["X_train"]["shape"] == [400, 5]
    assert found["X_train"]["target"]["name"] == "y_train"
    assert found["X_train"]["digest"].startswith("full-v2:")
    assert found["X_test"]["role"] == "validation"
    assert found["X_test"]["valid_name"] == "eval"
    assert found["X_test"]["target"]["name"] == "y_test"
    assert found["X_test"]["rows_shared"] == 0


def test_importances_and_the_model(data: tuple[Any, ...], run: Only) -> None:
    X_train, X_test, y_train, _ = data
    booster = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X_train, y_train), 5)
    table = run().tables["feature_importance"]["columns"]
    gain = dict(zip(booster.feature_name(), booster.feature_importance("gain"), strict=True))
    split = dict(zip(booster.feature_name(), booster.feature_importance(), strict=True))
    assert dict(zip(table["feature"], table["gain"], strict=True)) == gain
    assert dict(zip(table["feature"], table["split"], strict=True)) == split
    assert table["gain"] == sorted(table["gain"], reverse=True)
    loaded = run().load_model()
    assert (loaded.predict(X_test) == booster.predict(X_test)).all()
    assert run().models["model"]["format"] == "lightgbm"
    assert run().artifact("model/model.lgb").text().startswith("tree")


def test_metrics_of_predictions_join_the_run(data: tuple[Any, ...], run: Only) -> None:
    X_train, X_test, y_train, y_test = data
    booster = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X_train, y_train), 5)
    predicted = booster.predict(X_test)
    loss = log_loss(y_test, predicted)
    accuracy = accuracy_score(y_test, predicted > 0.5)
    found = run()
    assert found.metrics["log_loss_X_test"] == loss
    assert found.metrics["accuracy_score_X_test"] == accuracy
    assert found.datasets["X_test"]["role"] == "test"


def test_a_classifier_is_one_run_with_its_curves_once(data: tuple[Any, ...], run: Only) -> None:
    X_train, X_test, y_train, y_test = data
    names = np.array(["no", "yes"])
    model = lgb.LGBMClassifier(n_estimators=8, num_leaves=7, verbose=-1)
    model.fit(
        X_train,
        names[y_train],
        eval_set=[(X_train, names[y_train]), (X_test, names[y_test])],
        eval_metric="auc",
        callbacks=[lgb.early_stopping(4, verbose=False)],
    )
    found = run()
    assert found.name == "LGBMClassifier"
    assert found.params["n_estimators"] == found.params["num_iterations"] == 8
    assert found.params["objective"] == "binary"
    assert found.params["eval_metric"] == "auc"
    assert found.params["early_stopping_round"] == 4
    assert len(found.params["callbacks"]) == 1
    for name, metrics in model.evals_result_.items():
        for metric, recorded in metrics.items():
            assert values(found, f"{name}-{metric}") == recorded
    assert found.metrics["best_iteration"] == model.best_iteration_
    assert list(found.datasets) == ["X_train", "X_test"]
    assert found.datasets["X_test"]["valid_name"] == "valid_1"
    loaded = found.load_model()
    assert type(loaded) is lgb.LGBMClassifier
    assert (loaded.predict(X_test) == model.predict(X_test)).all()
    assert (loaded.predict_proba(X_test) == model.predict_proba(X_test)).all()
    assert loaded.evals_result_ == model.evals_result_


def test_cross_validation_has_means_and_folds_by_round(data: tuple[Any, ...], run: Only) -> None:
    X_train, _, y_train, _ = data
    params = {"objective": "binary", "metric": "auc", "verbose": -1}
    result = lgb.cv(
        params,
        lgb.Dataset(X_train, y_train),
        20,
        nfold=3,
        callbacks=[lgb.early_stopping(2, verbose=False)],
        return_cvbooster=True,
    )
    found, best = run(), result.pop("cvbooster").best_iteration
    assert found.name == "lightgbm.cv"
    assert found.params["nfold"] == 3
    for key, means in result.items():
        assert values(found, key.replace(" ", "-"))[:best] == means
    assert found.metrics["best_iteration"] == best
    table = found.tables["cv_results"]["columns"]
    assert table["valid-auc-mean"][:best] == result["valid auc-mean"]
    folds = np.array([table[f"valid-auc-fold{i}"][:best] for i in range(3)])
    assert folds.mean(axis=0) == pytest.approx(result["valid auc-mean"])
    assert found.series["valid-auc-mean"].count == found.metrics["stopped_iteration"]


def test_a_pipeline_and_a_search_are_one_run_each(
    data: tuple[Any, ...], runs: Callable[[], list[RunView]]
) -> None:
    X_train, _, y_train, _ = data
    model = lgb.LGBMClassifier(n_estimators=3, verbose=-1)
    make_pipeline(StandardScaler(), model).fit(X_train, y_train)
    GridSearchCV(model, {"num_leaves": [3, 7]}, cv=2).fit(X_train, y_train)
    pipeline, search = runs()
    assert pipeline.name == "Pipeline›LGBMClassifier"
    assert "feature_importance" in pipeline.tables
    assert search.name == "GridSearchCV›LGBMClassifier"
    assert search.series["round_time"].count == 3  # of the refitted model alone
    assert "feature_importance" in search.tables
