"""What data and metrics are called, and which data a run describes."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn import cluster, linear_model
from sklearn import metrics as shorter
from sklearn.metrics import accuracy_score, silhouette_score
from sklearn.utils._response import _get_response_values
from sklearn_small import Only, Runs, X_test, X_train, model, told, y_test, y_train

pytestmark = pytest.mark.filterwarnings("ignore")


# -- names -------------------------------------------------------------------------------------


def evaluate(fitted: Any, X: Any, y: Any) -> float:
    return float(accuracy_score(y, fitted.predict(X)))


def test_a_functions_parameter_has_the_callers_name(run: Only) -> None:
    fitted = model()
    evaluate(fitted, X_train, y_train)
    evaluate(fitted, X_test, y_test)
    evaluate(fitted, y=y_test[:40], X=X_test[:40])
    found = run()
    assert {*found.metrics} >= {
        "accuracy_score_X_train", "accuracy_score_X_test", "accuracy_score_X_test[:40]",
    }  # fmt: skip
    assert found.datasets["X_test"]["role"] == "test"
    assert [name for name in found.datasets if name != "X_test[:40]"] == ["X_train", "X_test"]


def test_training_data_in_a_function_too(run: Only) -> None:
    def train(X: Any, y: Any) -> Any:
        return linear_model.LogisticRegression(solver="liblinear").fit(X, y)

    train(X_train, y_train).score(X_test, y_test)
    assert [*run().datasets] == ["X_train", "X_test"]
    assert run().datasets["X_train"]["target"]["name"] == "y_train"


def test_names_that_the_function_binds_anew_are_its_own(run: Only) -> None:
    def judge(fitted: Any, X: Any) -> None:
        X = X * 1.0
        accuracy_score(y_test, fitted.predict(X))

    judge(model(), X_test)
    assert "accuracy_score_X" in run().metrics


def test_methods_comprehensions_and_defaults(run: Only) -> None:
    class Judge:
        def judge(self, fitted: Any, X: Any, y: Any = y_test) -> list[float]:
            return [accuracy_score(y, f.predict(X)) for f in (fitted,)]

    held = Judge()
    held.judge(model(), X_test)
    assert "accuracy_score_X_test" in run().metrics


def test_one_object_keeps_its_name_in_all_runs(runs: Runs) -> None:
    for C in (1.0, 2.0):
        evaluate(model(C=C), X_test, y_test)
    held_out = X_test
    accuracy_score(y_test, model(C=3.0).predict(held_out))
    assert all("accuracy_score_X_test" in run.metrics for run in runs())


def test_two_of_one_name_are_told_apart(run: Only) -> None:
    fitted = model()
    both = [(X_test[:70], y_test[:70]), (X_test[70:], y_test[70:])]
    for data, labels in both:
        accuracy_score(labels, fitted.predict(data))
    assert {*run().metrics} >= {"accuracy_score_data", "accuracy_score_data-2"}
    assert run().datasets["data"]["shape"] == [70, 30]
    assert run().datasets["data-2"]["shape"] == [73, 30]


def test_batches_of_a_loop_are_one_series(run: Only) -> None:
    fitted = model()
    for start in range(0, 140, 10):
        batch = X_test[start : start + 10].copy()
        accuracy_score(y_test[start : start + 10], fitted.predict(batch))
    assert len(run().history("accuracy_score_batch")) == 14
    assert [*run().datasets] == ["X_train", "batch"]


def test_a_copy_of_the_training_data_is_the_training_data(run: Only) -> None:
    fitted = model()
    again = X_train.copy()
    accuracy_score(y_train, fitted.predict(again))
    assert "accuracy_score_X_train" in run().metrics
    assert [*run().datasets] == ["X_train"]


def test_a_loop_at_one_place_is_a_series_and_another_place_another(run: Only) -> None:
    p = model().predict_proba(X_test)[:, 1]
    values = [accuracy_score(y_test, p > at) for at in (0.2, 0.5, 0.8)]
    accuracy_score(y_test, p > 0.5)
    accuracy_score(y_test, p > 0.6)
    points = run().history("accuracy_score_X_test")
    assert [point.value for point in points] == values
    assert [point.step for point in points] == [None, 1, 2]
    assert {"accuracy_score-2_X_test", "accuracy_score-3_X_test"} <= {*run().metrics}


def test_another_average_is_another_metric(run: Only) -> None:
    p = model().predict(X_test)
    values = [shorter.f1_score(y_test, p, average=way) for way in ("micro", "macro", "micro")]
    assert [point.value for point in run().history("f1_score_X_test")] == values[::2]
    assert run().metrics["f1_score-2_X_test"] == values[1]


def test_what_a_library_hands_on_has_the_callers_name(run: Only) -> None:
    fitted = model()

    def judge(data: Any) -> None:
        values, *_ = _get_response_values(fitted, data, response_method="predict")
        accuracy_score(y_test, values)

    judge(X_test)
    assert told(run(), "accuracy_score_X_test")["link"] == "exact"


def test_scorers_in_functions(run: Only) -> None:
    def judge(data: Any, *more: Any) -> None:
        shorter.get_scorer("accuracy")(more[0], data, y_test)
        shorter.get_scorer("roc_auc")(*more, data, y_test)
        shorter.get_scorer("roc_auc")(*more, data * 2, y_test)

    judge(X_test, model())
    names = {"accuracy_score_X_test", "roc_auc_score_X_test", "roc_auc_score_unknown"}
    assert names <= {*run().metrics}


def test_functions_that_take_more(run: Only) -> None:
    def judge(fitted: Any, X: Any, *labels: Any, **how: Any) -> None:
        shorter.f1_score(*labels, fitted.predict(X), **how)

    judge(model(), X_test, y_test, average="macro")
    assert "f1_score_X_test" in run().metrics


def test_a_clustering_through_its_mixin(run: Only) -> None:
    def group(points: Any) -> Any:
        return cluster.AgglomerativeClustering(3).fit_predict(points)

    labels = group(X_test)
    silhouette_score(X_test, labels)
    assert "silhouette_score_X_test" in run().metrics
    assert [*run().datasets] == ["X_test"]


def test_names_that_nobody_can_know(run: Only) -> None:
    fitted = model()
    exec("p = fitted.predict(data); score(y, p)", {  # a source that is nowhere written
        "fitted": fitted, "data": X_test * 1, "score": accuracy_score, "y": y_test,
    })  # fmt: skip
    assert "accuracy_score_unknown" in run().metrics
