"""What XGBoost and LightGBM have in common: pictures of importances, what was chosen, eval sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autolog
from autolog.view import RunView

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]

X = np.random.default_rng(0).normal(size=(160, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
X_train, X_test, y_train, y_test = X[:120].copy(), X[120:].copy(), y[:120].copy(), y[120:].copy()


def fitted(library: str) -> Any:
    if library == "xgboost":
        model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1)
        return model.fit(X_train, y_train, eval_set=[(X_test, y_test)], verbose=False)
    model = lightgbm.LGBMClassifier(n_estimators=3, max_depth=2, n_jobs=1, verbose=-1)
    return model.fit(X_train, y_train, eval_set=[(X_test, y_test)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_importances_are_drawn_on_request_alone(library: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for drawn in (False, True):
        store = tmp_path / str(drawn)
        options: dict[str, Any] = {library: {"plots": drawn}}
        autolog.autolog(store, **options)
        fitted(library)
        (run,) = autolog.search_runs(backend=store)
        assert "feature_importance" in run.tables
        assert ("feature_importance.png" in run.artifacts) is drawn
    assert run.artifact("feature_importance.png").read().startswith(b"\x89PNG")


def test_importances_of_a_linear_model_of_several_classes_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    autolog.autolog(tmp_path, xgboost={"plots": True})
    params = {"booster": "gblinear", "objective": "multi:softprob", "num_class": 3, "nthread": 1}
    xgboost.train(params, xgboost.DMatrix(X, label=np.arange(160) % 3), 3)
    (run,) = autolog.search_runs(backend=tmp_path)
    assert run.artifact("feature_importance.png").read().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["XGBClassifier", "XGBRFClassifier", "XGBRegressor"])
def test_defaults_of_a_base_are_not_chosen(kind: str, run: Only) -> None:
    getattr(xgboost, kind)(n_estimators=3, max_depth=2, n_jobs=1).fit(X_train, y_train)
    found = run()
    chosen = {name for name, fact in found.facts("param").items() if fact.set}
    assert chosen == {"n_estimators", "max_depth", "n_jobs"}
    assert np.isnan(found.params["missing"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_eval_sets_have_their_targets(library: str, run: Only) -> None:
    fitted(library)
    found = run().datasets
    assert set(found) == {"X_train", "X_test"}
    assert found["X_test"]["target"]["name"] == "y_test"
    assert found["X_test"]["target"]["classes"] == [
        [int(label), int((y_test == label).sum())] for label in (0, 1)
    ]
    assert found["X_test"]["rows_shared"] == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_each_round_is_in_the_store_when_it_has_ended(library: str, tmp_path: Path) -> None:
    autolog.autolog(tmp_path)
    seen: list[list[Any]] = []

    def look() -> None:
        (run,) = autolog.search_runs(backend=tmp_path)
        seen.append([point.step for point in run.history("train-auc")])

    if library == "xgboost":

        class Look(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                look()
                return False

        data = xgboost.DMatrix(X, y)
        params = {"objective": "binary:logistic", "eval_metric": "auc", "nthread": 1}
        xgboost.train(params, data, 4, [(data, "train")], callbacks=[Look()], verbose_eval=False)
        first = 0
    else:
        data = lightgbm.Dataset(X, y)
        params = {"objective": "binary", "metric": "auc", "verbose": -1, "num_threads": 1}
        lightgbm.train(params, data, 4, [data], ["train"], callbacks=[lambda env: look()])
        first = 1
    assert seen == [list(range(first, first + count)) for count in range(1, 5)]


def test_a_ranker_tells_its_groups_and_a_file_its_name(runs: Runs, tmp_path: Path) -> None:
    model = xgboost.XGBRanker(n_estimators=2, n_jobs=1)
    model.fit(X_train, y_train, qid=np.repeat(np.arange(12), 10))
    path = tmp_path / "rows.csv"
    np.savetxt(path, np.column_stack([y, X]), delimiter=",", fmt="%.4f")
    matrix = xgboost.DMatrix(f"{path}?format=csv&label_column=0")
    xgboost.train({"nthread": 1}, matrix, 2)
    ranked, read = runs()
    assert ranked.datasets["X_train"]["groups"] == 12
    assert ranked.datasets["X_train"]["target"]["name"] == "y_train"
    assert read.datasets["rows.csv"]["shape"] == [160, 4]


def test_our_callback_is_the_first_whatever_keeps_them() -> None:
    from autolog.integrations.xgboost import rounds

    for _ in range(50):
        ours = rounds.callback(None, None, print)  # type: ignore[arg-type]
        others = [xgboost.callback.EvaluationMonitor() for _ in range(9)]
        assert next(iter({ours, *others})) is ours


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_what_a_pickled_copy_predicts_probably_belongs_to_its_run(library: str, run: Only) -> None:
    import pickle

    from sklearn.metrics import accuracy_score

    model = fitted(library)
    again = pickle.loads(pickle.dumps(model))
    del model
    accuracy = accuracy_score(y_test, again.predict(X_test))
    found = run()
    assert found.metrics["accuracy_score_X_test"] == accuracy
    assert (found.series["accuracy_score_X_test"].info or {})["link"] == "probable"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_eval_sets_that_a_pipeline_hands_on_keep_their_names(library: str, run: Only) -> None:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X_train)
    model: Any = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1)
    if library == "xgboost":
        model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
    pipeline.fit(X_train, y_train, model__eval_set=[(scaler.transform(X_test), y_test)])
    (name,) = {*run().datasets} - {"X_train"}
    assert name == "scaler.transform(X_test)"
    assert run().datasets[name]["target"]["name"] == "y_test"
