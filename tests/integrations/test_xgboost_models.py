"""Models load in xgboost, in `autolog.load_model` without trust and in real MLflow, all alike."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import xgboost

import autolog
from autolog.view import RunView

mlflow: Any = None
with contextlib.suppress(ImportError):
    import mlflow.pyfunc
    import mlflow.xgboost

TABLE = numpy.random.default_rng(0).normal(size=(150, 4))
TARGET = (TABLE[:, 0] + TABLE[:, 1] > 0).astype(int)
THREE = numpy.digitize(TABLE[:, 0], [-0.5, 0.5])
PARAMS = {"objective": "binary:logistic", "nthread": 1}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    autolog.autolog(tmp_path)
    return tmp_path


def saved(store: Path) -> tuple[RunView, Path]:
    """The newest run and the folder of its model."""
    run = autolog.get_run("@latest", backend=store)
    return run, run.artifact("model/MLmodel").path.parent


def loaded_from(folder: Path) -> list[Any]:
    """The model by `autolog.load_model` without trust and, where it is installed, by MLflow."""
    ours = [autolog.load_model(folder)]
    return ours if mlflow is None else [*ours, mlflow.xgboost.load_model(str(folder))]


def by_pyfunc(folder: Path) -> list[Any]:
    """The model as MLflow's generic one, where it is installed."""
    return [] if mlflow is None else [mlflow.pyfunc.load_model(str(folder))]


def estimators() -> list[Any]:
    return [
        xgboost.XGBClassifier(n_estimators=4, n_jobs=1),
        xgboost.XGBRegressor(n_estimators=4, n_jobs=1),
        xgboost.XGBRFClassifier(n_estimators=4, n_jobs=1),
        xgboost.XGBRFRegressor(n_estimators=4, n_jobs=1),
        xgboost.XGBClassifier(n_estimators=4, n_jobs=1, booster="gblinear"),
        xgboost.XGBClassifier(n_estimators=4, n_jobs=1, booster="dart", rate_drop=0.1),
    ]


def test_a_booster_loads_everywhere(store: Path) -> None:
    booster = xgboost.train(PARAMS, xgboost.DMatrix(TABLE, TARGET), 5)
    expected = booster.predict(xgboost.DMatrix(TABLE))
    run, folder = saved(store)
    autolog.disable()
    (file,) = folder.glob("model.ubj")
    assert file.read_bytes() == bytes(booster.save_raw())
    assert run.models["model"]["flavor"] == "xgboost"
    assert not list(folder.glob("*.pkl"))
    for loaded in (*loaded_from(folder), xgboost.Booster(model_file=file)):
        assert type(loaded) is xgboost.Booster
        assert numpy.array_equal(loaded.predict(xgboost.DMatrix(TABLE)), expected)
    for generic in by_pyfunc(folder):
        assert numpy.array_equal(generic.predict(pandas.DataFrame(TABLE)), expected)


@pytest.mark.parametrize("number", range(6))
def test_a_model_of_the_sklearn_interface_loads_everywhere(store: Path, number: int) -> None:
    estimator = estimators()[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(TABLE, TARGET)
    expected = estimator.predict(TABLE)
    run, folder = saved(store)
    autolog.disable()
    assert run.models["model"]["flavor"] == "xgboost"
    for loaded in loaded_from(folder):
        assert type(loaded) is type(estimator)
        assert numpy.array_equal(loaded.predict(TABLE), expected)
    for generic in by_pyfunc(folder):
        assert numpy.array_equal(generic.predict(TABLE), expected)


def test_several_classes_and_probabilities(store: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=4, n_jobs=1).fit(TABLE, THREE)
    expected = model.predict_proba(TABLE)
    _, folder = saved(store)
    for loaded in loaded_from(folder):
        assert numpy.array_equal(loaded.predict_proba(TABLE), expected)


def test_a_ranker(store: Path) -> None:
    groups = numpy.repeat(numpy.arange(15), 10)
    model = xgboost.XGBRanker(n_estimators=4, n_jobs=1).fit(TABLE, TARGET, qid=groups)
    expected = model.predict(TABLE)
    _, folder = saved(store)
    for loaded in loaded_from(folder):
        assert type(loaded) is xgboost.XGBRanker
        assert numpy.array_equal(loaded.predict(TABLE), expected)


def test_what_xgboosts_file_does_not_hold_comes_back_by_us(store: Path) -> None:
    model = xgboost.XGBRegressor(n_estimators=4, missing=0.0, n_jobs=1)
    table = numpy.where(TABLE > 0, TABLE, 0.0)
    model.fit(table, TARGET)
    _, folder = saved(store)
    loaded = autolog.load_model(folder)
    assert loaded.missing == 0.0
    assert loaded.get_params()["n_estimators"] == 4
    assert numpy.array_equal(loaded.predict(table), model.predict(table))


def test_stopped_early_it_predicts_with_its_best_rounds(store: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=40, early_stopping_rounds=2, n_jobs=1)
    model.fit(TABLE[:100], TARGET[:100], eval_set=[(TABLE[100:], TARGET[100:])], verbose=False)
    run, folder = saved(store)
    assert run.metrics["best_iteration"] == model.best_iteration
    assert run.metrics["best_score"] == model.best_score
    loaded = autolog.load_model(folder)
    assert loaded.best_iteration == model.best_iteration
    assert numpy.array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))


def test_a_class_of_the_programs_own_loads_as_xgboosts(store: Path) -> None:
    class Mine(xgboost.XGBClassifier):  # type: ignore[misc]
        pass

    model = Mine(n_estimators=3, n_jobs=1).fit(TABLE, TARGET)
    run, folder = saved(store)
    assert run.tags["estimator_name"].endswith("Mine")
    loaded = autolog.load_model(folder)
    assert type(loaded) is xgboost.XGBClassifier
    assert numpy.array_equal(loaded.predict(TABLE), model.predict(TABLE))


def test_a_foreign_class_in_the_file_is_not_loaded(store: Path) -> None:
    xgboost.train(PARAMS, xgboost.DMatrix(TABLE, TARGET), 2)
    _, folder = saved(store)
    path = folder / "MLmodel"
    path.write_text(path.read_text().replace("xgboost.core.Booster", "os.system"))
    (folder / "signature.json").unlink()
    with pytest.raises(autolog.errors.AutologError, match=r"os\.system"):
        autolog.load_model(folder)


def test_as_json_on_request(tmp_path: Path) -> None:
    autolog.autolog(tmp_path, xgboost={"model_format": "json"})
    booster = xgboost.train(PARAMS, xgboost.DMatrix(TABLE, TARGET), 2)
    _, folder = saved(tmp_path)
    assert (folder / "model.json").read_bytes() == bytes(booster.save_raw("json"))
    expected = booster.predict(xgboost.DMatrix(TABLE))
    for loaded in loaded_from(folder):
        assert numpy.array_equal(loaded.predict(xgboost.DMatrix(TABLE)), expected)


def test_in_a_pipeline_it_is_a_part_of_scikit_learns_model(store: Path) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=3, n_jobs=1))
    model.fit(TABLE, TARGET)
    run, folder = saved(store)
    assert run.models["model"]["flavor"] == "sklearn"
    loaded = autolog.load_model(folder, trust=True)
    assert numpy.array_equal(loaded.predict(TABLE), model.predict(TABLE))


def test_the_signature_is_of_the_programs_data(store: Path) -> None:
    frame = pandas.DataFrame(TABLE, columns=["one", "two", "three", "four"])
    xgboost.train(PARAMS, xgboost.DMatrix(frame, TARGET), 2)
    _, folder = saved(store)
    if mlflow is None:
        pytest.skip("needs mlflow")
    signature = mlflow.pyfunc.load_model(str(folder)).metadata.signature
    assert signature.inputs.input_names() == ["one", "two", "three", "four"]
