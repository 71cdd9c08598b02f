"""LightGBM's models: safe to load for us, loadable by MLflow, with equal predictions."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

import autolog

pytestmark = pytest.mark.filterwarnings("ignore")

rng = np.random.RandomState(0)
X = pd.DataFrame(rng.rand(300, 4), columns=list("abcd"))
y = (X["a"] > 0.5).astype(int)
WORDS = np.array(["no", "yes"])[y]
QUICK = {"n_estimators": 5, "verbose": -1, "n_jobs": 1}
STATE = np.random.RandomState(3)


def logistic(target: Any, raw: Any) -> Any:
    p = 1 / (1 + np.exp(-raw))
    return p - target, p * (1 - p)


class Own(lgb.LGBMClassifier):
    """A class of the program's own."""


def booster(**more: Any) -> Any:
    data = lgb.Dataset(X, y)
    told = {"objective": "binary", "metric": "auc", "verbose": -1}
    return lgb.train(told, data, 12, valid_sets=[lgb.Dataset(X, y)], **more)


MAKERS = {
    "booster": booster,
    "stopped": lambda: booster(callbacks=[lgb.early_stopping(2, verbose=False)]),
    "kept": lambda: booster(
        callbacks=[lgb.early_stopping(2, verbose=False)], keep_training_booster=True
    ),
    "classifier": lambda: lgb.LGBMClassifier(**QUICK).fit(X, WORDS, eval_set=[(X, WORDS)]),
    "three classes": lambda: lgb.LGBMClassifier(**QUICK).fit(X, rng.choice([3, 5, 9], 300)),
    "regressor": lambda: lgb.LGBMRegressor(**QUICK, random_state=np.random.RandomState(3)).fit(
        X, y
    ),
    "ranker": lambda: lgb.LGBMRanker(**QUICK).fit(X, y, group=[100, 200]),
    "own objective": lambda: lgb.LGBMClassifier(**QUICK, objective=logistic).fit(X, y),
    "linear": lambda: lgb.LGBMRegressor(**QUICK, linear_tree=True).fit(X, y),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    autolog.autolog(tmp_path / "store")
    return tmp_path / "store"


def saved(store: Path) -> tuple[Any, Path]:
    (run,) = autolog.search_runs(backend=store)
    (found,) = store.rglob("MLmodel")
    return run, found.parent


@pytest.mark.parametrize("kind", MAKERS)
def test_loads_without_trust_and_in_mlflow(kind: str, store: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    model = MAKERS[kind]()
    run, folder = saved(store)
    assert run.models["model"]["format"] == "lightgbm"
    ours, theirs = autolog.load_model(folder), mlflow.lightgbm.load_model(str(folder))
    for loaded in (ours, theirs):
        assert type(loaded) is type(model)
        assert np.array_equal(loaded.predict(X), model.predict(X))
        if hasattr(model, "predict_proba"):
            assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    pyfunc = mlflow.pyfunc.load_model(str(folder))
    assert np.array_equal(pyfunc.predict(X), model.predict(X))


@pytest.mark.parametrize("kind", ["classifier", "three classes", "regressor", "ranker"])
def test_an_estimator_has_all_that_fit_left(kind: str, store: Path) -> None:
    model = MAKERS[kind]()
    loaded = autolog.load_model(saved(store)[1])
    names = ("best_iteration_", "best_score_", "evals_result_", "n_features_in_", "n_iter_",
             "feature_name_", "objective_", "n_features_", "n_estimators_")  # fmt: skip
    for name in names:
        assert getattr(loaded, name) == getattr(model, name), name
    if hasattr(model, "feature_names_in_"):  # from 4.4 on
        assert list(loaded.feature_names_in_) == list(model.feature_names_in_)
    assert (loaded.feature_importances_ == model.feature_importances_).all()
    if hasattr(model, "classes_"):
        assert loaded.classes_.dtype == model.classes_.dtype
        assert list(loaded.classes_) == list(model.classes_)
    params = {k: v for k, v in model.get_params().items() if k != "random_state"}
    assert {k: v for k, v in loaded.get_params().items() if k != "random_state"} == params
    group = {"group": [300]} if kind == "ranker" else {}
    assert loaded.fit(X, y, **group).n_iter_ == 5


def test_the_pickle_is_not_read_where_the_text_will_do(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MAKERS["classifier"]()
    folder = saved(store)[1]
    (folder / "model.pkl").write_bytes(b"not a pickle")
    assert np.array_equal(autolog.load_model(folder).predict(X), model.predict(X))


@pytest.mark.parametrize("kind", ["classifier", "three classes", "ranker", "linear"])
def test_the_pickle_is_that_of_the_model(kind: str, store: Path) -> None:
    model = MAKERS[kind]()
    folder = saved(store)[1]
    assert (folder / "model.pkl").read_bytes() == pickle.dumps(model, protocol=5)
    assert model.booster_.model_to_string() == (folder / "model.lgb").read_text("utf-8")


def test_a_class_of_ones_own_needs_trust(store: Path) -> None:
    model = Own(**QUICK).fit(X, y)
    run, folder = saved(store)
    assert run.models["model"]["format"] in ("pickle", "cloudpickle")
    (folder / "signature.json").unlink()
    with pytest.raises(autolog.errors.UntrustedModel):
        autolog.load_model(folder)
    loaded = autolog.load_model(folder, trust=True)
    assert type(loaded) is Own
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_a_lost_objective_says_so(store: Path) -> None:
    MAKERS["own objective"]()
    loaded = autolog.load_model(saved(store)[1])
    with pytest.raises(RuntimeError, match="logistic"):
        loaded.objective_(y, y)


def test_model_too_large_or_unwanted(tmp_path: Path) -> None:
    autolog.autolog(tmp_path / "store", lightgbm={"models": False})
    booster()
    (run,) = autolog.search_runs(backend=tmp_path / "store")
    assert not run.models
    assert "feature_importance" in run.tables
