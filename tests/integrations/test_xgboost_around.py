"""XGBoost where things are not as usual: threads, Dask, one integration alone, interruptions."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import xgboost
from xgboost import train as taken_before

import autolog
from autolog.view import RunView

Runs = Callable[[], list[RunView]]

PARAMS = {"objective": "binary:logistic", "nthread": 1}
X = numpy.random.default_rng(0).normal(size=(120, 4))
y = (X[:, 0] > 0).astype(int)

ELSEWHERE = """
import sys
import numpy as np
import xgboost as xgb
import dask.array as da
from dask.distributed import Client, LocalCluster
from xgboost import dask as dxgb

if __name__ == "__main__":
    X = np.random.default_rng(0).normal(size=(200, 4)); y = (X[:, 0] > 0).astype(int)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes={processes}, dashboard_address=None
    ) as cluster:
        with Client(cluster) as client:
            Xd, yd = da.from_array(X, chunks=(100, 4)), da.from_array(y, chunks=100)
            matrix = dxgb.DaskDMatrix(client, Xd, yd)
            params = {{"objective": "binary:logistic", "max_depth": 3}}
            evals = [(matrix, "train")]
            told = dxgb.train(client, params, matrix, 4, evals=evals, verbose_eval=False)
            print(*told["history"]["train"]["logloss"])
            model = dxgb.DaskXGBClassifier(n_estimators=3)
            model.client = client
            model.fit(Xd, yd, eval_set=[(Xd, yd)], verbose=False)
            print(*model.evals_result()["validation_0"]["logloss"])
"""


def test_references_taken_before_are_met(runs: Runs) -> None:
    taken_before(PARAMS, xgboost.DMatrix(X, y), 2)
    assert [run.name for run in runs()] == ["xgboost.train"]


def test_trainings_in_threads_have_runs_of_their_own(runs: Runs) -> None:
    results: dict[int, Any] = {}

    def train(depth: int) -> None:
        matrix = xgboost.DMatrix(X, y)
        told: dict[str, Any] = {}
        xgboost.train(
            {**PARAMS, "max_depth": depth}, matrix, 5, evals=[(matrix, "train")],
            evals_result=told, verbose_eval=False,
        )  # fmt: skip
        results[depth] = told["train"]["logloss"]

    threads = [threading.Thread(target=train, args=(depth,)) for depth in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {run.params["max_depth"]: run for run in runs()}
    assert sorted(found) == [1, 2, 3, 4]
    for depth, run in found.items():
        assert [point.value for point in run.history("train-logloss")] == results[depth]


def test_ctrl_c_keeps_the_rounds_so_far(runs: Runs) -> None:
    class Interrupt(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if epoch == 3:
                raise KeyboardInterrupt
            return False

    matrix = xgboost.DMatrix(X, y)
    with pytest.raises(KeyboardInterrupt):
        xgboost.train(PARAMS, matrix, 9, evals=[(matrix, "train")], callbacks=[Interrupt()])
    (run,) = runs()
    assert run.status == "killed"
    assert [point.step for point in run.history("train-logloss")] == [0, 1, 2, 3]


def test_a_callback_that_stops_hides_no_round(runs: Runs) -> None:
    class Stop(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return epoch == 2

    matrix = xgboost.DMatrix(X, y)
    xgboost.train(PARAMS, matrix, 9, evals=[(matrix, "train")], callbacks=[Stop()])
    assert len(runs()[0].history("train-logloss")) == 3


def test_two_metrics_of_one_name_give_the_last(runs: Runs) -> None:
    def logloss(predicted: Any, matrix: Any) -> tuple[str, float]:
        return "logloss", 7.0

    matrix = xgboost.DMatrix(X, y)
    told: dict[str, Any] = {}
    xgboost.train(
        PARAMS, matrix, 3, evals=[(matrix, "train")], custom_metric=logloss, evals_result=told,
        verbose_eval=False,
    )  # fmt: skip
    assert len(told["train"]["logloss"]) == 6
    assert [p.value for p in runs()[0].history("train-logloss")] == told["train"]["logloss"][1::2]


def test_alone_it_records_the_sklearn_interface(tmp_path: Any) -> None:
    autolog.autolog(tmp_path, only=["xgboost"])
    state = numpy.random.RandomState(0)
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=2, random_state=state, n_jobs=1)
    model.fit(X[:90], y[:90], eval_set=[(X[90:], y[90:])], verbose=False)
    (run,) = autolog.search_runs(backend=tmp_path)
    assert run.name == "XGBClassifier"
    assert (run.params["max_depth"], run.params["learning_rate"]) == (2, 0.3)
    assert len(run.history("validation_0-logloss")) == 4
    assert run.datasets["X[:90]"]["role"] == "train"
    assert run.models["model"]["flavor"] == "xgboost"
    chosen = {name for name, fact in run.facts("param").items() if fact.set}
    assert {"n_estimators", "max_depth"} <= chosen
    assert "learning_rate" not in chosen


def test_random_states_are_not_drawn_from(runs: Runs) -> None:
    def drawn() -> float:
        state = numpy.random.RandomState(0)
        xgboost.XGBClassifier(n_estimators=2, random_state=state, n_jobs=1).fit(X, y)
        return float(state.random_sample())

    with autolog.paused():
        plain = drawn()
    assert drawn() == plain
    assert len(runs()) == 1


def test_candidates_of_a_search_stay_silent(runs: Runs) -> None:
    from sklearn.model_selection import GridSearchCV

    model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1)
    GridSearchCV(model, {"max_depth": [1, 2]}, cv=2).fit(X, y)
    (run,) = runs()
    assert run.params["best_max_depth"] in (1, 2)
    assert run.params["estimator__learning_rate"] == 0.3
    assert len(run.history("round_time")) == 3


def test_options_leave_out_what_they_say(tmp_path: Any) -> None:
    options = {"series": False, "round_time": False, "importance": (), "models": False}
    autolog.autolog(tmp_path, xgboost={**options, "datasets": False})
    matrix = xgboost.DMatrix(X, y)
    xgboost.train(PARAMS, matrix, 3, evals=[(matrix, "train")], verbose_eval=False)
    (run,) = autolog.search_runs(backend=tmp_path)
    assert set(run.metrics) == {"num_boosted_rounds"}
    assert not run.tables
    assert not run.models
    assert not run.datasets


@pytest.mark.skipif(sys.platform == "win32", reason="starts a cluster of processes")
@pytest.mark.parametrize("processes", [True, False])
def test_dask_is_one_run_on_the_driver(program: Any, processes: bool) -> None:
    pytest.importorskip("distributed")
    source = ELSEWHERE.format(processes=processes)
    done, found = program(source, "-m", "autolog", "run")
    first, second = ([float(part) for part in line.split()] for line in done.stdout.splitlines())
    one, two = found
    assert [point.value for point in one.history("train-logloss")] == first
    assert [point.value for point in two.history("validation_0-logloss")] == second
    assert (one.name, two.name) == ("xgboost.train", "DaskXGBClassifier")
    assert (one.params["max_depth"], two.params["learning_rate"]) == (3, 0.3)
    assert one.models["model"]["flavor"] == two.models["model"]["flavor"] == "xgboost"
    for run in found:
        assert type(run.load_model("model")).__module__ in ("xgboost.core", "xgboost.sklearn")
