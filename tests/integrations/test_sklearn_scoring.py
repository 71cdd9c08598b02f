"""What the program computes of predictions stands on the run of the model that made them."""

from __future__ import annotations

import copy
import gc
import io
import math
import pickle
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from sklearn import cluster, dummy, ensemble, linear_model, model_selection, pipeline, preprocessing
from sklearn import metrics as shorter
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import accuracy_score as imported
from sklearn.metrics import accuracy_score, roc_auc_score

import autolog
from autolog.integrations.sklearn import naming, predictions, scoring
from autolog.reporting import notes
from autolog.view import RunView

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = model_selection.train_test_split(X, y, random_state=0)
R, target = load_diabetes(return_X_y=True)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


def model(**params: Any) -> Any:
    return linear_model.LogisticRegression(solver="liblinear", **params).fit(X_train, y_train)


def told(run: RunView, key: str) -> dict[str, Any]:
    """How a metric is known."""
    return dict(run.series[key].info)


# -- every function ------------------------------------------------------------------------------

OF_LABELS = {
    "accuracy_score": {}, "balanced_accuracy_score": {}, "cohen_kappa_score": {}, "f1_score": {},
    "fbeta_score": {"beta": 2.0}, "hamming_loss": {}, "jaccard_score": {},
    "matthews_corrcoef": {}, "precision_score": {"average": "macro"}, "recall_score": {},
    "zero_one_loss": {"normalize": False}, "adjusted_rand_score": {}, "mutual_info_score": {},
    "v_measure_score": {}, "fowlkes_mallows_score": {}, "rand_score": {},
}  # fmt: skip
OF_CHANCES = {"roc_auc_score": {}, "average_precision_score": {}, "brier_score_loss": {}}
OF_NUMBERS = {
    "mean_squared_error": {}, "root_mean_squared_error": {}, "mean_absolute_error": {},
    "r2_score": {}, "max_error": {}, "explained_variance_score": {}, "median_absolute_error": {},
    "mean_pinball_loss": {"alpha": 0.3}, "d2_absolute_error_score": {},
}  # fmt: skip


def function(name: str) -> Any:
    return getattr(sklearn.metrics, name)


@pytest.mark.parametrize(("name", "how"), OF_LABELS.items(), ids=OF_LABELS.keys())
def test_functions_of_labels(name: str, how: dict[str, Any], run: Only) -> None:
    p = model().predict(X_test)
    value = function(name)(y_test, p, **how)
    assert run().metrics[f"{name}_X_test"] == value
    assert told(run(), f"{name}_X_test")["link"] == "exact"


@pytest.mark.parametrize(("name", "how"), OF_CHANCES.items(), ids=OF_CHANCES.keys())
def test_functions_of_chances(name: str, how: dict[str, Any], run: Only) -> None:
    p = model().predict_proba(X_test)
    value = function(name)(y_test, p[:, 1], **how)
    assert run().metrics[f"{name}_X_test"] == value
    assert told(run(), f"{name}_X_test")["link"] == "exact"


@pytest.mark.parametrize(("name", "how"), OF_NUMBERS.items(), ids=OF_NUMBERS.keys())
def test_functions_of_numbers(name: str, how: dict[str, Any], run: Only) -> None:
    ridge = linear_model.Ridge().fit(R[:300], target[:300])
    p = ridge.predict(R[300:])
    value = function(name)(target[300:], p, **how)
    assert run().metrics[f"{name}_R[300:]"] == value


def test_no_function_is_left_out() -> None:
    """Each function of `sklearn.metrics` is hooked, or measures no prediction."""
    known = {name for name in dir(sklearn.metrics) if name in sklearn.metrics.__all__}
    functions = {n for n in known if type(function(n)).__name__ == "function"}
    other = {
        "check_scoring", "get_scorer", "get_scorer_names", "make_scorer", "euclidean_distances",
        "nan_euclidean_distances", "pairwise_distances", "pairwise_distances_argmin",
        "pairwise_distances_argmin_min", "pairwise_distances_chunked", "pairwise_kernels",
    }  # fmt: skip
    assert functions - other <= {*scoring.METRICS}
    taking = {n for n in scoring.METRICS if n in functions}
    parameters = {n: scoring.parameter_names(function(n)) for n in taking}
    assert {n for n, names in parameters.items() if not scoring._predicted(names)} == set()


@pytest.mark.parametrize(
    "how",
    [
        lambda p: imported(y_test, p),
        lambda p: accuracy_score(y_test, p),
        lambda p: sklearn.metrics.accuracy_score(y_test, p),
        lambda p: shorter.accuracy_score(y_true=y_test, y_pred=p),
        lambda p: getattr(shorter, "accuracy_score")(y_test, y_pred=p),  # noqa: B009
        lambda p: [f(y_test, p) for f in (accuracy_score,)],
        lambda p: [*map(accuracy_score, [y_test], [p])],
        lambda p: pickle.loads(pickle.dumps(accuracy_score))(y_test, p),
        lambda p: ThreadPoolExecutor(1).submit(accuracy_score, y_test, p).result(),
        lambda p: accuracy_score(p, y_test),  # the wrong way round
    ],
)
def test_however_it_is_called(how: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    how(p)
    assert run().metrics["accuracy_score_X_test"] == (p == y_test).mean()
    assert told(run(), "accuracy_score_X_test")["link"] == "exact"


def test_the_call_its_place_and_its_arguments_are_kept(run: Only) -> None:
    p = model().predict(X_test)
    weights, way = np.arange(len(p)) + 1.0, "macro"
    value = shorter.f1_score(y_test, p, sample_weight=weights, average=way)  # here
    info = told(run(), "f1_score_X_test")
    line = next(i for i, text in enumerate(open(__file__), 1) if text.endswith("# here\n"))  # noqa: PTH123, SIM115
    assert run().metrics["f1_score_X_test"] == value
    assert info["call"] == "shorter.f1_score(y_test, p, sample_weight=weights, average=way)"
    assert info["site"].endswith(f"test_sklearn_scoring.py:{line}")
    assert info["args"] == {"average": "macro", "sample_weight": "ndarray"}


# -- what is given to them -----------------------------------------------------------------------

EXACT = {
    "a slice": lambda p: (y_test[:20], p[:20]),
    "a column": lambda p: (y_test, p.reshape(-1, 1)[:, 0]),
    "a series of it": lambda p: (y_test, pd.Series(p, copy=False)),
    "backwards": lambda p: (y_test[::-1], p[::-1]),
    "a view by name": lambda p: (y_test, p.view()),
}
BY_VALUE = {
    "a list": lambda p: (y_test, list(p)),
    "a list of numbers": lambda p: (y_test, p.tolist()),
    "a tuple": lambda p: (y_test, tuple(p.tolist())),
    "a copy": lambda p: (y_test, np.array(p)),
    "another type": lambda p: (y_test, p.astype(float)),
    "a series": lambda p: (y_test, pd.Series(p.copy())),
    "an indexed series": lambda p: (y_test, pd.Series(p.copy(), index=range(7, 7 + len(p)))),
    "a part of a list": lambda p: (y_test[20:90], p.tolist()[20:90]),
}
PROBABLE = {
    "another order": lambda p: (np.sort(y_test), np.sort(p)),
    "another label": lambda p: (y_test + 5, p + 5),
    "a function of it": lambda p: (y_test, np.where(p > 0, 1, 1)),
}


@pytest.mark.parametrize("made", EXACT.values(), ids=EXACT.keys())
def test_the_same_memory_is_exact(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "exact"


@pytest.mark.parametrize("made", BY_VALUE.values(), ids=BY_VALUE.keys())
def test_copies_are_known_by_value(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "by value"
    assert not run().series["accuracy_score_X_test"].probable


@pytest.mark.parametrize("made", PROBABLE.values(), ids=PROBABLE.keys())
def test_as_many_rows_are_only_probable(made: Callable[[Any], Any], run: Only) -> None:
    p = model().predict(X_test)
    accuracy_score(*made(p))
    assert told(run(), "accuracy_score_X_test")["link"] == "probable"


OF_PROBABILITIES = {
    "argmax": lambda p, names: p.argmax(1),
    "argmax's names": lambda p, names: names[p.argmax(1)],
    "threshold": lambda p, names: p[:, 1] > 0.3,
    "threshold as numbers": lambda p, names: (p[:, 1] >= 0.7).astype(int),
    "names by threshold": lambda p, names: np.where(p[:, 1] > 0.4, names[1], names[0]),
    "low side": lambda p, names: p[:, 0] < 0.2,
}


@pytest.mark.parametrize("made", OF_PROBABILITIES.values(), ids=OF_PROBABILITIES.keys())
def test_labels_made_of_probabilities(made: Callable[..., Any], run: Only) -> None:
    names = np.array(["benign", "malign"])
    clf = linear_model.LogisticRegression(solver="liblinear").fit(X_train, names[y_train])
    p = clf.predict_proba(X_test)
    labels = made(p, names)
    value = accuracy_score(names[y_test] if labels.dtype.kind == "U" else y_test == 1, labels == 1
                           if labels.dtype.kind != "U" else labels)  # fmt: skip
    assert run().metrics["accuracy_score_X_test"] == value
    assert told(run(), "accuracy_score_X_test")["link"] == "by value"


def test_the_column_of_a_lost_output(run: Only) -> None:
    scores = model().predict_proba(X_test)[:, 1]
    gc.collect()
    roc_auc_score(y_test, scores)
    roc_auc_score(y_test, scores.tolist())
    assert told(run(), "roc_auc_score_X_test")["link"] == "exact"
    assert told(run(), "roc_auc_score-2_X_test")["link"] == "by value"


def test_what_is_nobodys_stands_in_the_notes(runs: Runs) -> None:
    accuracy_score(y_test, y_test)
    fitted = model()
    fitted.predict(X_test)
    accuracy_score(y_test[:50], np.zeros(50))
    assert [key for key in runs()[0].metrics if "accuracy" in key] == []
    texts = [note.text for note in notes() if note.place == "sklearn.metrics"]
    assert len(texts) == 2
    assert all("no prediction of a recorded model" in text for text in texts)


def test_an_unrecorded_model_never_passes_for_a_recorded_one(runs: Runs) -> None:
    with autolog.paused():
        stranger = linear_model.LogisticRegression(C=1e-6, solver="liblinear").fit(X_train, y_train)
    kept = model().predict(X_test)
    accuracy_score(y_test, stranger.predict(X_test))
    assert [key for key in runs()[0].metrics if "accuracy" in key] == []
    assert len(kept) == len(y_test)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_of_a_model_is_only_probable(copied: Callable[[Any], Any], run: Only) -> None:
    original = model()
    kept = original.predict(X_test)
    accuracy_score(y_test, copied(original).predict(X_test))
    assert told(run(), "accuracy_score_X_test")["link"] == "probable"
    assert len(kept) == len(y_test)


def test_after_the_model_and_the_data_are_gone(run: Only) -> None:
    fitted, data = model(), X_test.copy()
    p = fitted.predict(data)
    del fitted, data
    gc.collect()
    accuracy_score(y_test, p)
    found = run()
    assert told(found, "accuracy_score_data")["link"] == "exact"
    assert found.datasets["data"]["shape"] == [143, 30]
    assert "digest" not in found.datasets["data"]


def test_a_loop_over_single_rows(run: Only) -> None:
    fitted = model()
    p = [fitted.predict(X_test[i : i + 1])[0] for i in range(len(X_test))]
    accuracy_score(y_test, p)
    key = next(key for key in run().metrics if key.startswith("accuracy_score"))
    assert told(run(), key)["link"] == "probable"
    assert key == "accuracy_score_X_test[i : i + 1]"


# -- which run -----------------------------------------------------------------------------------


def test_each_model_has_its_own(runs: Runs) -> None:
    one, two = model(), model(C=1e-5)
    p, q = one.predict(X_test), two.predict(X_test)
    assert not np.array_equal(p, q)
    accuracy_score(y_test, list(q))
    accuracy_score(y_test, list(p))
    first, second = runs()
    assert first.metrics["accuracy_score_X_test"] == (p == y_test).mean()
    assert second.metrics["accuracy_score_X_test"] == (q == y_test).mean()
    assert {told(run, "accuracy_score_X_test")["link"] for run in runs()} == {"by value"}


def test_equal_predictions_belong_to_the_newest_probably(runs: Runs) -> None:
    p, q = model().predict(X_test), model().predict(X_test)
    accuracy_score(y_test, list(p))
    accuracy_score(y_test, p)
    first, second = runs()
    assert told(second, "accuracy_score_X_test")["link"] == "probable"
    assert told(first, "accuracy_score_X_test")["link"] == "exact"
    assert len(q) == len(p)


def test_eight_threads(runs: Runs) -> None:
    barrier = threading.Barrier(8)

    def work(i: int) -> tuple[float, float]:
        barrier.wait()
        fitted = model(C=10.0**-i)
        p = fitted.predict_proba(X_test)
        return fitted.C, roc_auc_score(y_test, p[:, 1])

    with ThreadPoolExecutor(8) as pool:
        expected = dict(pool.map(work, range(8)))
    found = {run.params["C"]: run.metrics["roc_auc_score_X_test"] for run in runs()}
    assert found == expected


def test_a_models_best_part_and_last_step(runs: Runs) -> None:
    steps = preprocessing.StandardScaler(), linear_model.LogisticRegression()
    pipe = pipeline.make_pipeline(*steps)
    grid = {"logisticregression__C": [0.1, 1.0]}
    search = model_selection.GridSearchCV(pipe, grid, cv=2).fit(X_train, y_train)
    best = search.best_estimator_
    accuracy_score(y_test, search.predict(X_test))
    accuracy_score(y_test, best.predict(X_test))
    scaled = best[0].transform(X_test)
    accuracy_score(y_test, best[-1].predict(scaled))
    search.score(X_test, y_test)
    (run,) = runs()
    right = best.score(X_test, y_test)
    names = "accuracy_score_X_test", "accuracy_score-2_X_test", "accuracy_score_scaled"
    assert [run.metrics[name] for name in names] == [right] * 3
    assert run.metrics["GridSearchCV_score_X_test"] == right


def test_a_run_by_hand_gets_what_is_nobodys(uri: str, runs: Runs) -> None:
    with autolog.start_run("baseline"):
        guess = np.zeros_like(y_test)
        for _ in range(2):
            accuracy_score(y_test, guess)
        shorter.f1_score(y_test, guess)
        shorter.confusion_matrix(y_test, guess)
        shorter.classification_report(y_test, guess)
    (run,) = runs()
    assert run.metrics["accuracy_score"] == (y_test == 0).mean()
    assert len(run.history("accuracy_score")) == 2
    assert run.metrics["f1_score"] == 0
    assert "link" not in told(run, "f1_score")
    assert run.tables["confusion_matrix"]["columns"]["true"] == ["0", "1"]
    assert "classification_report.txt" in run.artifacts


def test_under_a_run_by_hand_the_models_own_run_gets_it(runs: Runs) -> None:
    with autolog.start_run("outer"):
        p = model().predict(X_test)
        value = accuracy_score(y_test, p)
    outer, inner = sorted(runs(), key=lambda run: run.parent is not None)
    assert inner.parent == outer.id
    assert inner.folded.series["accuracy_score_X_test"].value == value
    assert "accuracy_score_X_test" not in outer.folded.series


def test_nothing_is_told_of_what_stays_inside(runs: Runs) -> None:
    class Stops(ClassifierMixin, BaseEstimator):
        """Judges itself while it trains."""

        def fit(self, X: Any, y: Any) -> Any:
            self.inner_ = linear_model.LogisticRegression(solver="liblinear").fit(X, y)
            self.best_ = accuracy_score(y, self.inner_.predict(X))
            self.classes_ = np.unique(y)
            return self

        def predict(self, X: Any) -> Any:
            return self.inner_.predict(X)

    def cost(y: Any, p: Any) -> float:
        return float(accuracy_score(y, p))

    stops = Stops().fit(X_train, y_train)
    model_selection.cross_val_score(stops, X, y, cv=2, scoring=shorter.make_scorer(cost))
    kin = model_selection.cross_validate(stops, X, y, cv=2, scoring=["f1", "roc_auc"][:1])
    first, *rest = runs()
    assert [key for run in runs() for key in run.metrics if "accuracy" in key] == []
    assert first.metrics["best"] == stops.best_
    assert len(rest) == 2
    assert len(kin["test_f1"]) == 2


# -- names ---------------------------------------------------------------------------------------


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
    accuracy_score(y_test, p > 0.6)  # noqa: E702
    points = run().history("accuracy_score_X_test")
    assert [point.value for point in points] == values
    assert [point.step for point in points] == [None, 1, 2]
    assert {"accuracy_score-2_X_test", "accuracy_score-3_X_test"} <= {*run().metrics}


def test_another_average_is_another_metric(run: Only) -> None:
    p = model().predict(X_test)
    values = [shorter.f1_score(y_test, p, average=way) for way in ("micro", "macro", "micro")]
    assert [point.value for point in run().history("f1_score_X_test")] == values[::2]
    assert run().metrics["f1_score-2_X_test"] == values[1]


# -- scores --------------------------------------------------------------------------------------


def test_score_and_scorers(run: Only) -> None:
    fitted = model()
    assert run().metrics.get("LogisticRegression_score_X_test") is None
    right = fitted.score(X_test, y_test)
    fitted.score(X_train, y_train)
    loss = shorter.get_scorer("neg_log_loss")(fitted, X_test, y_test)

    def cost(y: Any, p: Any) -> float:
        return float((y != p).sum())

    paid = shorter.make_scorer(cost, greater_is_better=False)(fitted, X=X_test, y_true=y_test)
    metrics = run().metrics
    assert metrics["LogisticRegression_score_X_test"] == right
    assert "LogisticRegression_score_X_train" in metrics
    assert metrics["neg_log_loss_X_test"] == loss
    assert metrics["neg_cost_X_test"] == paid


def test_scores_of_a_loop_over_partial_fit(run: Only) -> None:
    loop = linear_model.SGDClassifier(random_state=0)
    for start in range(0, 400, 100):
        part = slice(start, start + 100)
        loop.partial_fit(X_train[part], y_train[part], classes=[0, 1])
        loop.score(X_test, y_test)
    assert len(run().history("SGDClassifier_score_X_test")) == 4


def test_clusterings(run: Only) -> None:
    flowers, kinds = load_iris(return_X_y=True)
    kmeans = cluster.KMeans(3, n_init=1, random_state=0)
    labels = kmeans.fit_predict(flowers)
    width = shorter.silhouette_score(flowers, labels)
    shorter.silhouette_score(flowers, kmeans.labels_)
    shorter.calinski_harabasz_score(flowers, labels)
    agreed = shorter.adjusted_rand_score(kinds, kmeans.labels_)
    metrics = run().metrics
    assert metrics["silhouette_score_flowers"] == width == metrics["silhouette_score-2_flowers"]
    assert metrics["adjusted_rand_score_flowers"] == agreed
    assert "calinski_harabasz_score_flowers" in metrics
    assert [*run().datasets] == ["flowers"]


def test_predictions_of_methods_that_a_mixin_brings(run: Only) -> None:
    roc_auc_score(y_test, model().decision_function(X_test))
    assert told(run(), "roc_auc_score_X_test")["link"] == "exact"


def test_several_outputs_and_deviations(runs: Runs) -> None:
    both = np.column_stack([y_train, 1 - y_train])
    forest = ensemble.RandomForestClassifier(3, random_state=0).fit(X_train, both)
    chances = forest.predict_proba(X_test)
    roc_auc_score(y_test, chances[0][:, 1])
    roc_auc_score(1 - y_test, chances[1][:, 1])
    shorter.accuracy_score(np.column_stack([y_test, 1 - y_test]), forest.predict(X_test))
    bayes = linear_model.BayesianRidge().fit(X_train, y_train)
    mean, deviation = bayes.predict(X_test, return_std=True)
    shorter.r2_score(y_test, mean)
    first, second = runs()
    names = "roc_auc_score_X_test", "roc_auc_score-2_X_test", "accuracy_score_X_test"
    assert {told(first, name)["link"] for name in names} == {"exact"}
    assert told(second, "r2_score_X_test")["link"] == "exact"
    assert len(deviation) == len(mean)


def test_what_a_cross_validation_predicts_and_gives_out(runs: Runs) -> None:
    clf = linear_model.LogisticRegression(solver="liblinear")
    p = model_selection.cross_val_predict(clf, X, y, cv=3)
    accuracy_score(y, p)
    found = model_selection.cross_validate(clf, X_train, y_train, cv=3, return_estimator=True)
    scores = [one.score(X_test, y_test) for one in found["estimator"]]
    first, second = runs()
    assert first.metrics["accuracy_score_X"] == (p == y).mean()
    history = second.history("LogisticRegression_score_X_test")
    assert [point.value for point in history] == scores
