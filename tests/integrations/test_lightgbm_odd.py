"""LightGBM in odd circumstances: early references, callbacks, errors, threads, forks, workers."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from lightgbm import cv as early_cv
from lightgbm import train as early_train
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import autolog
from autolog.view import RunView

Only = Callable[[], RunView]
All = Callable[[], list[RunView]]

pytestmark = pytest.mark.filterwarnings("ignore")

rng = np.random.RandomState(0)
X = rng.rand(200, 4)
y = (X[:, 0] > 0.5).astype(int)
TOLD = {"objective": "binary", "verbose": -1, "num_threads": 1}
QUICK = {"n_estimators": 3, "verbose": -1, "n_jobs": 1}


def test_references_taken_before_enabling(runs: All) -> None:
    early_train(TOLD, lgb.Dataset(X, y), 2)
    early_cv(TOLD, lgb.Dataset(X, y), 2, nfold=2)
    assert [run.name for run in runs()] == ["lightgbm.train", "lightgbm.cv"]


def test_callbacks_are_left_as_they_would_be(run: Only) -> None:
    seen: list[int] = []

    def own(env: Any) -> None:
        seen.append(env.iteration)

    def other(env: Any) -> None:
        env.model.reset_parameter({"learning_rate": 0.5 if env.iteration > 1 else 0.1})

    other.before_iteration = True  # type: ignore[attr-defined]
    callbacks, params = [own, other], {**TOLD, "metric": "auc"}
    before = list(callbacks), copy.deepcopy(params)
    lgb.train(params, lgb.Dataset(X, y), 4, callbacks=callbacks)
    assert (callbacks, params) == before
    assert (own.__dict__["order"], other.__dict__["order"]) == (-2, -1)
    assert seen == [0, 1, 2, 3]
    assert run().params["callbacks"] == ["own", "other"]
    assert [p.value for p in run().history("learning_rate")] == [0.1, 0.1, 0.5, 0.5]


@pytest.mark.parametrize("kind", [tuple, set, list])
def test_callbacks_of_any_kind(kind: Any, run: Only) -> None:
    history: dict[str, Any] = {}
    callbacks = kind([lgb.record_evaluation(history)])
    data = lgb.Dataset(X, y)
    lgb.train(TOLD, data, 3, [data], callbacks=callbacks)
    found = [p.value for p in run().history("training-binary_logloss")]
    assert found == history["training"]["binary_logloss"]


def test_a_callback_that_raises_ends_the_run_as_failed(run: Only) -> None:
    def own(env: Any) -> None:
        if env.iteration == 2:
            raise ZeroDivisionError("on purpose")

    data = lgb.Dataset(X, y)
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        lgb.train(TOLD, data, 9, valid_sets=[data], callbacks=[own])
    assert run().status == "failed"
    assert run().error is not None
    assert run().series["training-binary_logloss"].count == 3


def test_ctrl_c_keeps_the_rounds_so_far(run: Only) -> None:
    def own(env: Any) -> None:
        if env.iteration == 1:
            raise KeyboardInterrupt

    data = lgb.Dataset(X, y)
    with pytest.raises(KeyboardInterrupt):
        lgb.train(TOLD, data, 9, valid_sets=[data], callbacks=[own])
    assert run().status == "killed"
    assert run().series["round_time"].count == 2


def test_an_early_stop_of_ones_own(run: Only) -> None:
    def own(env: Any) -> None:
        if env.iteration == 4:
            raise lgb.EarlyStopException(2, env.evaluation_result_list)

    data = lgb.Dataset(X, y)
    booster = lgb.train(TOLD, data, 9, valid_sets=[data], callbacks=[own])
    assert run().metrics["best_iteration"] == booster.best_iteration == 3
    assert run().metrics["stopped_iteration"] == 5


@pytest.mark.parametrize("early", ["early_stopping_rounds", "n_iter_no_change"])
def test_early_stopping_by_params(early: str, run: Only) -> None:
    data, held_out = lgb.Dataset(X[:120], y[:120]), lgb.Dataset(X[120:], y[120:])
    booster = lgb.train({**TOLD, early: 2}, data, 40, valid_sets=[held_out])
    assert run().params[early] == run().params["early_stopping_round"] == 2
    assert run().metrics["best_iteration"] == booster.best_iteration > 0


def test_odd_forms_of_calls(runs: All) -> None:
    data = lgb.Dataset(data=X, label=y)
    lgb.train(train_set=data, params=TOLD, valid_sets=data, valid_names="mine", num_boost_round=2)
    lgb.train(TOLD, data, 2, [data], ["mine"], None, None)
    for run in runs():
        assert list(run.datasets) == ["X"]
        assert run.series["mine-binary_logloss"].count == 2
        assert run.params["num_iterations"] == 2


@pytest.mark.parametrize("given", [list, np.asfortranarray, np.float32])
def test_other_kinds_of_data(given: Any, run: Only) -> None:
    table = [X[:100], X[100:]] if given is list else given(X)
    data = lgb.Dataset(table, y.tolist(), weight=[1.0] * 200)
    booster = lgb.train(TOLD, data, 2)
    assert booster.num_trees() == 2
    assert run().datasets["table"]["shape"] == [200, 4]


def test_sparse_and_tiny_data(runs: All) -> None:
    scipy = pytest.importorskip("scipy.sparse")
    matrix = scipy.csr_matrix(X)
    lgb.train(TOLD, lgb.Dataset(matrix, y), 2)
    one = np.ones((1, 1))
    lgb.train({"verbose": -1, "min_data_in_bin": 1}, lgb.Dataset(one, [1.0]), 1)
    assert [list(run.datasets) for run in runs()] == [["matrix"], ["one"]]
    assert {run.status for run in runs()} == {"finished"}


def test_data_that_nobody_holds(run: Only) -> None:
    data = lgb.Dataset(np.random.RandomState(0).rand(50, 3), np.arange(50.0)).construct()
    assert data.data is None
    lgb.train({"verbose": -1}, data, 2)
    (facts,) = run().datasets.values()
    assert facts["shape"] == [50, 3]


def test_threads_leave_a_run_each(runs: All) -> None:
    def work(rounds: int) -> int:
        return int(lgb.train(TOLD, lgb.Dataset(X, y), rounds).num_trees())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(1, 9))) == list(range(1, 9))
        pool.submit(lgb.train, TOLD, lgb.Dataset(X, y), 9).result()
    found = sorted(run.params["num_iterations"] for run in runs())
    assert found == list(range(1, 10))
    assert all(run.series["round_time"].count == run.params["num_iterations"] for run in runs())


def test_a_search_in_threads_is_one_run(run: Only) -> None:
    from joblib import parallel_config

    with parallel_config("threading"):
        GridSearchCV(lgb.LGBMClassifier(**QUICK), {"num_leaves": [3, 5]}, cv=2, n_jobs=2).fit(X, y)
    assert run().series["round_time"].count == 3


def test_folds_stay_silent(run: Only) -> None:
    cross_val_score(lgb.LGBMClassifier(**QUICK), X, y, cv=2)
    assert run().name == "cross_val_score"
    assert "round_time" not in run().metrics


def test_under_a_run_opened_by_hand_all_are_children(runs: All) -> None:
    with autolog.start_run("mine") as mine:
        lgb.train(TOLD, lgb.Dataset(X, y), 2)
        lgb.LGBMClassifier(**QUICK).fit(X, y)
    found = {run.name: run.parent for run in runs()}
    assert found["lightgbm.train"] == found["LGBMClassifier"] == mine.id


def test_a_loop_ends_with_its_booster_or_an_error(runs: All) -> None:
    booster = lgb.Booster(TOLD, lgb.Dataset(X, y))
    booster.update()
    del booster
    (first,) = runs()
    assert first.status == "finished"
    assert first.metrics["rounds"] == 1
    assert first.models["model"]["format"] == "lightgbm"

    def broken(preds: Any, data: Any) -> Any:
        raise ZeroDivisionError("on purpose")

    booster = lgb.Booster(TOLD, lgb.Dataset(X, y))
    with pytest.raises(ZeroDivisionError):
        booster.update(fobj=broken)
    assert runs()[1].status == "failed"


def test_a_loop_after_a_training_names_it(runs: All) -> None:
    data = lgb.Dataset(X, y)
    booster = lgb.train(TOLD, data, 3, valid_sets=[data], keep_training_booster=True)
    booster.eval_train()
    booster.update()
    score = booster.eval_train()[0][2]
    del booster
    first, second = runs()
    assert first.series["training-binary_logloss"].count == 3
    assert second.tags["continued_from"] == first.id
    assert [(p.step, p.value) for p in second.history("training-binary_logloss")] == [(4, score)]


def test_going_on_names_the_run_and_the_digest(runs: All, tmp_path: Path) -> None:
    booster = lgb.train(TOLD, lgb.Dataset(X, y), 3)
    booster.save_model(tmp_path / "model.txt")
    lgb.train(TOLD, lgb.Dataset(X, y), 2, init_model=booster)
    lgb.train(TOLD, lgb.Dataset(X, y), 2, init_model=str(tmp_path / "model.txt"))
    first, *others = runs()
    for run in others:
        assert run.tags["continued_from"] == first.id
        digest = first.models["model"]["sha256"]["model.lgb"]
        assert run.tags["continued_from_model"] == digest
        assert [p.step for p in run.history("round_time")] == [4, 5]


def test_a_copied_model_is_probably_the_same(run: Only) -> None:
    booster = lgb.train(TOLD, lgb.Dataset(X, y), 3)
    again = pickle.loads(pickle.dumps(booster))
    score = roc_auc_score(y, again.predict(X))
    assert run().metrics["roc_auc_score_X"] == score
    assert run().series["roc_auc_score_X"].probable


def test_a_stranger_is_nobody(run: Only) -> None:
    with autolog.paused():
        stranger = lgb.train({**TOLD, "num_leaves": 3}, lgb.Dataset(X, y), 2)
    lgb.train(TOLD, lgb.Dataset(X, y), 5)
    roc_auc_score(y, stranger.predict(X))
    assert "roc_auc_score_X" not in run().metrics


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_records_runs_of_its_own(tmp_path: Path) -> None:
    autolog.autolog(tmp_path / "store")
    booster = lgb.Booster(TOLD, lgb.Dataset(X, y))
    booster.update()
    child = os.fork()
    if not child:
        lgb.train(TOLD, lgb.Dataset(X, y), 2)
        del booster
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    booster.update()
    del booster
    found = {run.name: run for run in autolog.search_runs(backend=tmp_path / "store")}
    assert found["Booster"].metrics["rounds"] == 2
    assert found["Booster"].status == "finished"
    assert found["lightgbm.train"].status == "finished"


def test_alone_without_the_integration_of_sklearn(tmp_path: Path) -> None:
    autolog.autolog(f"memory:{tmp_path}", only=["lightgbm"])

    class Own(lgb.LGBMClassifier):  # type: ignore[misc]
        def fit(self, X: Any, y: Any, **more: Any) -> Any:
            return super().fit(X, y, **more)

    X_test, y_test = X[:50], y[:50]
    model = Own(**QUICK).fit(X, y, eval_set=[(X_test, y_test)])
    (run,) = autolog.search_runs(backend=f"memory:{tmp_path}")
    assert run.name.endswith("Own")
    assert run.params["n_estimators"] == run.params["num_iterations"] == 3
    assert list(run.datasets) == ["X", "X_test"]
    found = [p.value for p in run.history("valid_0-binary_logloss")]
    assert found == model.evals_result_["valid_0"]["binary_logloss"]
    assert run.models["model"]["class"].endswith("Own")


def test_pictures_on_request(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    autolog.autolog(f"memory:{tmp_path}", lightgbm={"plots": True})
    lgb.train(TOLD, lgb.Dataset(X, y), 2)
    (run,) = autolog.search_runs(backend=f"memory:{tmp_path}")
    assert run.artifact("feature_importance.png").read()[:4] == b"\x89PNG"


DASK = """
import numpy as np
if __name__ == "__main__":
    import dask.array as da
    import lightgbm as lgb
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                      dashboard_address=None) as cluster, Client(cluster) as client:
        rows = np.random.RandomState(0).rand(200, 3)
        X = da.from_array(rows, chunks=(100, 3))
        y = da.from_array((rows[:, 0] > 0.5).astype(int), chunks=100)
        model = lgb.DaskLGBMClassifier(n_estimators=3, verbose=-1, client=client)
        model.fit(X, y, eval_set=[(X, y)])
        print([float(v) for v in model.evals_result_["valid_0"]["binary_logloss"]])
"""


def test_dask_is_one_run_of_the_driver(program: Any) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("dask.dataframe")
    done, found = program(DASK, "-m", "autolog", "run")
    (run,) = found
    assert run.name == "DaskLGBMClassifier"
    printed = done.stdout.strip().splitlines()[-1]
    assert str([p.value for p in run.history("valid_0-binary_logloss")]) == printed
    assert run.models["model"]["format"] == "lightgbm"
    assert "feature_importance" in run.tables
