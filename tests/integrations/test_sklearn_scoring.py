"""What the program computes of predictions stands on the run of the model that made them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from autolog.integrations.sklearn import scoring
from sklearn import cluster, ensemble, linear_model, model_selection, pipeline, preprocessing
from sklearn import metrics as shorter
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics import accuracy_score as imported
from sklearn_small import Only, R, Runs, X, X_test, X_train, model, target, told, y, y_test, y_train

import autolog

pytestmark = pytest.mark.filterwarnings("ignore")


# -- every function ----------------------------------------------------------------------------

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


# -- which run ---------------------------------------------------------------------------------


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


def test_a_guess_does_not_lead_out_of_a_run_by_hand(runs: Runs) -> None:
    model().predict(X_test)
    with autolog.start_run("another tool's model"):
        accuracy_score(y_test, np.where(X_test[:, 0] > 14, 0, 1))
        p = model().predict(X_test)
        accuracy_score(y_test, p + 0.5 > 1)
        accuracy_score(y_test, np.sort(p))
    before, outer, inner = sorted(runs(), key=lambda run: run.started or 0)
    assert not [key for key in before.metrics if "accuracy" in key]
    assert [*outer.folded.series] == ["accuracy_score"]
    assert told(inner, "accuracy_score-2_X_test")["link"] == "probable"


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


# -- scores ------------------------------------------------------------------------------------


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
