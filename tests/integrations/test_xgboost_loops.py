"""Cross-validation, loops by hand, and trainings that go on from a model."""

from __future__ import annotations

import gc
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import xgboost
from sklearn.metrics import accuracy_score

import autolog
from autolog.view import RunView

Runs = Callable[[], list[RunView]]

PARAMS = {"objective": "binary:logistic", "nthread": 1}
X, y = numpy.random.default_rng(0).normal(size=(200, 4)), numpy.arange(200) % 2
X[:, 0] += y
X_test, y_test = X[150:] + 0.01, y[150:]


def values(run: RunView, name: str) -> list[float]:
    return [point.value for point in run.history(name)]


def steps(run: RunView, name: str) -> list[Any]:
    return [point.step for point in run.history(name)]


# -- cross-validation ----------------------------------------------------------------------------


def test_cv_by_round_and_by_fold(run: Callable[[], RunView]) -> None:
    dtrain = xgboost.DMatrix(X, y)
    result = xgboost.cv(PARAMS, dtrain, 5, nfold=3, metrics=("auc", "error"), seed=3)
    found = run()
    assert found.name == "xgboost.cv"
    assert found.params["nfold"] == 3
    assert found.params["metrics"] == ["auc", "error"]
    for name in result.columns:
        assert values(found, name) == list(result[name])
        assert steps(found, name) == list(range(5))
        assert found.tables["cv_results"]["columns"][name] == list(result[name])
    folds = found.tables["folds"]["columns"]
    assert folds["round"] == [number for number in range(5) for _ in range(3)]
    assert folds["fold"] == [0, 1, 2] * 5
    last = [v for v, n in zip(folds["test-auc"], folds["round"], strict=True) if n == 4]
    assert numpy.mean(last) == result["test-auc-mean"].iloc[-1]
    assert found.datasets["X"]["role"] == "train"


def test_cv_that_stops_early(run: Callable[[], RunView]) -> None:
    result = xgboost.cv(
        PARAMS, xgboost.DMatrix(X, y), 60, nfold=3, early_stopping_rounds=2, as_pandas=False
    )
    found = run()
    best = len(result["test-logloss-mean"]) - 1
    assert found.metrics["best_iteration"] == best
    assert found.metrics["best_score"] == result["test-logloss-mean"][-1]
    assert found.metrics["stopped_iteration"] == best + 2
    assert found.tables["cv_results"]["columns"]["round"] == list(range(best + 1))


# -- loops by hand -------------------------------------------------------------------------------


def test_a_loop_is_one_run(runs: Runs) -> None:
    dtrain, dtest = xgboost.DMatrix(X, y), xgboost.DMatrix(X_test, y_test)
    booster = xgboost.Booster({**PARAMS, "max_depth": 2}, [dtrain])
    printed = []
    for number in range(4):
        booster.update(dtrain, number)
        printed.append(booster.eval(dtest, "test", number))
    accuracy = accuracy_score(y_test, booster.predict(dtest) > 0.5)
    raw = bytes(booster.save_raw())
    assert [run.status for run in runs()] == ["running"]
    del booster
    (found,) = runs()
    assert found.status == "finished"
    assert found.name == "Booster"
    assert found.params["max_depth"] == 2
    assert found.params["eta"] == 0.3
    assert values(found, "test-logloss") == [float(line.split(":")[1]) for line in printed]
    assert steps(found, "round_time") == [0, 1, 2, 3]
    assert found.metrics["accuracy_score_X_test"] == accuracy
    assert found.datasets["X"]["role"] == "train"
    digest = found.models["model"]["sha256"]["model.ubj"]
    assert digest == hashlib.sha256(raw).hexdigest()
    assert len(found.tables["feature_importance"]["columns"]["feature"]) > 0


def test_a_loop_in_a_circle_of_references_keeps_its_model(runs: Runs) -> None:
    dtrain = xgboost.DMatrix(X, y)
    holder: list[Any] = [xgboost.Booster(PARAMS, [dtrain])]
    holder.append(holder)
    holder[0].update(dtrain, 0)
    del holder
    gc.collect()
    assert runs()[0].status == "finished"
    assert runs()[0].models["model"]["format"] == "ubj"


def test_evaluations_without_a_number_count_the_rounds(runs: Runs) -> None:
    dtrain, dtest = xgboost.DMatrix(X, y), xgboost.DMatrix(X_test, y_test)
    booster = xgboost.Booster(PARAMS, [dtrain])
    for number in range(3):
        booster.update(dtrain, number)
        booster.eval(dtest)
    assert steps(runs()[0], "eval-logloss") == [0, 1, 2]


def test_gradients_and_objectives_of_ones_own(runs: Runs) -> None:
    def squared(predicted: Any, matrix: Any) -> Any:
        return predicted - matrix.get_label(), numpy.ones_like(predicted)

    dtrain = xgboost.DMatrix(X, y)
    one, two = xgboost.Booster({"nthread": 1}, [dtrain]), xgboost.Booster({"nthread": 1}, [dtrain])
    for number in range(2):
        one.update(dtrain, number, fobj=squared)
        gradient = two.predict(dtrain, output_margin=True) - y
        two.boost(dtrain, number, grad=gradient, hess=numpy.ones(len(y)))
    first, second = runs()
    assert first.params["obj"] == "squared"
    assert (first.tags["method"], second.tags["method"]) == ("update", "boost")
    assert steps(first, "round_time") == steps(second, "round_time") == [0, 1]


def test_a_loop_below_a_run_opened_by_hand(runs: Runs) -> None:
    dtrain = xgboost.DMatrix(X, y)
    with autolog.start_run("mine") as outer:
        booster = xgboost.Booster(PARAMS, [dtrain])
        booster.update(dtrain, 0)
        del booster
    assert [run.parent for run in runs() if run.name == "Booster"] == [outer.id]


def test_a_loop_that_fails(runs: Runs) -> None:
    dtrain = xgboost.DMatrix(X, y)
    booster = xgboost.Booster(PARAMS, [dtrain])
    booster.update(dtrain, 0)
    with pytest.raises(TypeError):
        booster.update(X, 1)
    assert runs()[0].status == "failed"
    assert bytes(booster.save_raw())


def test_at_the_end_of_a_program_loops_are_saved(program: Callable[..., Any]) -> None:
    done, (found,) = program(
        "import numpy, xgboost\n"
        "X = numpy.arange(80.0).reshape(20, 4); y = numpy.arange(20) % 2\n"
        "d = xgboost.DMatrix(X, y)\n"
        "booster = xgboost.Booster({'max_depth': 1}, [d])\n"
        "for i in range(3):\n"
        "    booster.update(d, i)\n",
        "-m", "autolog", "run",
    )  # fmt: skip
    assert done.stderr == ""
    assert found.status == "finished"
    assert found.models["model"]["flavor"] == "xgboost"


# -- going on ------------------------------------------------------------------------------------


def test_rounds_go_on_counting(runs: Runs) -> None:
    dtrain = xgboost.DMatrix(X, y)
    first = xgboost.train(PARAMS, dtrain, 3)
    again: dict[str, Any] = {}
    xgboost.train(
        PARAMS, dtrain, 2, xgb_model=first, evals=[(dtrain, "train")], evals_result=again,
        verbose_eval=False,
    )  # fmt: skip
    one, two = runs()
    assert steps(two, "train-logloss") == [3, 4]
    assert values(two, "train-logloss") == again["train"]["logloss"]
    assert two.tags["continued_from"] == one.id
    assert two.tags["continued_from_model"] == one.models["model"]["sha256"]["model.ubj"]
    assert two.metrics["num_boosted_rounds"] == 5


@pytest.mark.parametrize("way", ["path", "Path", "bytes", "loaded", "copy", "pickle"])
def test_from_what_became_of_a_model(runs: Runs, tmp_path: Path, way: str) -> None:
    dtrain = xgboost.DMatrix(X, y)
    first = xgboost.train(PARAMS, dtrain, 3)
    file = tmp_path / "model.ubj"
    first.save_model(file)
    given = {
        "path": lambda: str(file),
        "Path": lambda: file,
        "bytes": lambda: first.save_raw(),
        "loaded": lambda: xgboost.Booster(model_file=file),
        "copy": lambda: first.copy(),
        "pickle": lambda: pickle.loads(pickle.dumps(first)),
    }[way]()
    xgboost.train(PARAMS, dtrain, 2, xgb_model=given)
    one, two = runs()
    assert two.tags["continued_from"] == one.id
    assert two.tags["continued_from_model"] == one.models["model"]["sha256"]["model.ubj"]
    if way in ("path", "Path"):
        assert two.params["xgb_model"] == str(file)


def test_through_the_sklearn_interface(runs: Runs) -> None:
    first = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, y)
    second = xgboost.XGBClassifier(n_estimators=2, n_jobs=1)
    second.fit(X, y, xgb_model=first, eval_set=[(X, y)], verbose=False)
    one, two = runs()
    assert steps(two, "validation_0-logloss") == [3, 4]
    assert two.tags["continued_from"] == one.id


def test_a_loop_goes_on_from_a_training(runs: Runs) -> None:
    dtrain = xgboost.DMatrix(X, y)
    booster = xgboost.train(PARAMS, dtrain, 2)
    booster.update(dtrain, 2)
    del booster
    one, two = runs()
    assert (one.name, two.name) == ("xgboost.train", "Booster")
    assert two.tags["continued_from"] == one.id
    assert two.metrics["num_boosted_rounds"] == 3


def test_a_loaded_copys_predictions_are_probably_the_runs(runs: Runs, tmp_path: Path) -> None:
    first = xgboost.train(PARAMS, xgboost.DMatrix(X, y), 3)
    first.save_model(tmp_path / "model.json")
    loaded = xgboost.Booster(model_file=tmp_path / "model.json")
    accuracy = accuracy_score(y_test, loaded.predict(xgboost.DMatrix(X_test)) > 0.5)
    (found,) = runs()
    assert found.metrics["accuracy_score_X_test"] == accuracy
    assert found.series["accuracy_score_X_test"].info["link"] == "probable"
