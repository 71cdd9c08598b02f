"""Results of metric functions that are no single numbers, odd ones, and functions left alone."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from joblib import Parallel, delayed
from sklearn import ensemble, linear_model, metrics, model_selection
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.inspection import permutation_importance

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])
X_train, X_test, y_train, y_test = model_selection.train_test_split(X, names[y], random_state=1)
A, b = load_breast_cancer(return_X_y=True)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


def model() -> Any:
    return linear_model.LogisticRegression(max_iter=20).fit(X_train, y_train)


def columns(run: RunView, name: str) -> dict[str, list[Any]]:
    return dict(run.tables[name]["columns"])


def test_a_confusion_matrix_has_the_classes_names(run: Only) -> None:
    p = model().predict(X_test)
    result = metrics.confusion_matrix(y_test, p)
    table = columns(run(), "confusion_matrix_X_test")
    assert table["true"] == names.tolist()
    assert table["predicted virginica"] == result[:, 2].tolist()
    assert len(table) == 4


def test_only_the_classes_that_occur(run: Only) -> None:
    p = model().predict(X_test)
    two = y_test != "setosa"
    kept = p[: len(p)]
    metrics.confusion_matrix(y_test[two], kept[two])
    metrics.confusion_matrix(y_test, p, labels=["virginica", "setosa"])
    metrics.confusion_matrix(y_test, p, normalize="true")
    found = run()
    assert "confusion_matrix_X_test" in found.tables
    assert columns(found, "confusion_matrix_X_test")["true"] == ["virginica", "setosa"]
    shares = columns(found, "confusion_matrix-2_X_test")["predicted setosa"]
    assert shares == metrics.confusion_matrix(y_test, p, normalize="true")[:, 0].tolist()


def test_reports_as_text_and_table(run: Only) -> None:
    p = model().predict(X_test)
    text = metrics.classification_report(y_test, p)
    report = metrics.classification_report(y_test, p, output_dict=True)
    found = run()
    assert found.artifact("classification_report_X_test.txt").read() == text.encode()
    table = columns(found, "classification_report-2_X_test")
    assert table["class"] == [*names, "accuracy", "macro avg", "weighted avg"]
    assert table["precision"][1] == report["versicolor"]["precision"]
    assert table["f1-score"][3] == report["accuracy"]


def test_a_report_as_text_gives_its_numbers_in_full(run: Only) -> None:
    p = model().predict(X_test)
    metrics.classification_report(y_test, p, digits=1)
    report = metrics.classification_report(y_test, p, output_dict=True)
    found = run()
    told, asked = ("classification_report_X_test", "classification_report-2_X_test")
    assert columns(found, told) == columns(found, asked)
    for key, value in {
        "accuracy": report["accuracy"],
        "macro_avg_recall": report["macro avg"]["recall"],
        "weighted_avg_f1_score": report["weighted avg"]["f1-score"],
    }.items():
        assert found.metrics[f"{key}_X_test"] == value
        assert found.metrics[f"{key}-2_X_test"] == value


def test_a_report_as_text_of_some_classes_has_no_accuracy(run: Only) -> None:
    p = model().predict(X_test)
    two = {"labels": ["virginica", "setosa"], "target_names": ["V", "S"]}
    metrics.classification_report(y_test, p, **two)
    report = metrics.classification_report(y_test, p, **two, output_dict=True)
    found = run()
    assert columns(found, "classification_report_X_test")["class"] == [*report]
    assert "accuracy_X_test" not in found.metrics
    assert found.metrics["micro_avg_precision_X_test"] == report["micro avg"]["precision"]


def test_a_report_as_text_of_several_labels(run: Only) -> None:
    Y = np.c_[y_train == "setosa", y_train == "virginica"].astype(int)
    Y_test = np.c_[y_test == "setosa", y_test == "virginica"].astype(int)
    p = ensemble.ExtraTreesClassifier(5, random_state=0).fit(X_train, Y).predict(X_test)
    metrics.classification_report(Y_test, p, zero_division=0)
    report = metrics.classification_report(Y_test, p, zero_division=0, output_dict=True)
    found = run()
    assert columns(found, "classification_report_X_test")["class"] == [*report]
    assert found.metrics["samples_avg_recall_X_test"] == report["samples avg"]["recall"]


def test_a_report_that_fails_leaves_nothing_behind(run: Only) -> None:
    p = model().predict(X_test)
    with pytest.raises(ValueError):
        metrics.classification_report(y_test, p, target_names=["one"])
    metrics.precision_recall_fscore_support(y_test, p, average="macro")
    assert not [key for key in run().tables if "report" in key]


def test_curves_and_the_area_under_them(run: Only) -> None:
    clf = linear_model.LogisticRegression(solver="liblinear").fit(A[:400], b[:400])
    p = clf.predict_proba(A[400:])[:, 1]
    fpr, tpr, thresholds = metrics.roc_curve(b[400:], p)
    precision, recall, cuts = metrics.precision_recall_curve(b[400:], p)
    area = metrics.auc(fpr, tpr)
    metrics.auc(recall, precision)
    found = run()
    table = columns(found, "roc_curve_A[400:]")
    assert table["fpr"] == fpr.tolist()
    assert table["threshold"] == thresholds.tolist()
    assert math.isinf(table["threshold"][0])
    table = columns(found, "precision_recall_curve_A[400:]")
    assert table["precision"] == precision.tolist()
    assert table["threshold"] == [*cuts.tolist(), None]
    assert found.metrics["auc_A[400:]"] == area
    assert found.series["auc-2_A[400:]"].info["link"] == "exact"


def test_a_long_curve_keeps_its_ends(run: Only) -> None:
    rng = np.random.default_rng(0)
    data, labels = rng.random((4000, 2)), rng.integers(0, 2, 4000)
    p = linear_model.LogisticRegression().fit(data, labels).predict_proba(data)[:, 1]
    fpr, tpr, _ = metrics.roc_curve(labels, p, drop_intermediate=False)
    table = columns(run(), "roc_curve_data")
    assert len(table["fpr"]) == 1000 < len(fpr)
    assert (table["tpr"][0], table["tpr"][-1]) == (tpr[0], tpr[-1])
    assert {*table["fpr"]} <= {*fpr.tolist()}


def test_several_numbers_are_several_metrics(run: Only) -> None:
    p = model().predict(X_test)
    result = metrics.precision_recall_fscore_support(y_test, p, average="macro")
    three = metrics.homogeneity_completeness_v_measure(y_test, p)
    found = run().metrics
    parts = ("precision", "recall", "fscore")
    assert tuple(found[f"{part}_X_test"] for part in parts) == result[:3]
    parts = ("homogeneity", "completeness", "v_measure")
    assert tuple(found[f"{part}_X_test"] for part in parts) == three


def test_numbers_for_each_class_and_output(runs: Runs) -> None:
    p = model().predict(X_test)
    each = metrics.f1_score(y_test, p, average=None)
    parts = metrics.precision_recall_fscore_support(y_test, p)
    metrics.multilabel_confusion_matrix(y_test, p)
    both = linear_model.Ridge().fit(X_train[:, :2], X_train[:, 2:])
    q = both.predict(X_test[:, :2])
    errors = metrics.mean_squared_error(X_test[:, 2:], q, multioutput="raw_values")
    first, second = runs()
    assert columns(first, "f1_score_X_test") == {"class": names.tolist(), "value": each.tolist()}
    table = columns(first, "precision_recall_fscore_support_X_test")
    assert table["class"] == names.tolist()
    assert table["support"] == parts[3].tolist()
    assert [*columns(first, "multilabel_confusion_matrix_X_test")] == [
        "class",
        "tn",
        "fp",
        "fn",
        "tp",
    ]
    table = columns(second, "mean_squared_error_X_test[:, :2]")
    assert table == {"output": [0, 1], "value": errors.tolist()}


def test_importances_of_features(runs: Runs) -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    forest = ensemble.RandomForestClassifier(5, random_state=0).fit(frame, y)
    result = permutation_importance(forest, frame, y, n_repeats=2, random_state=0)
    permutation_importance(
        forest, X_test, y[: len(X_test)], scoring=["accuracy", "f1_macro"], n_jobs=2, n_repeats=1
    )
    (run,) = runs()
    table = columns(run, "permutation_importance_frame")
    assert table["feature"] == list("abcd")
    assert table["importance_mean"] == result.importances_mean.tolist()
    names = {"permutation_importance_accuracy_X_test", "permutation_importance_f1_macro_X_test"}
    assert names <= {*run.tables}
    assert [key for key in run.metrics if "accuracy" in key or "score" in key] == []


def test_nan_is_a_result(run: Only) -> None:
    ridge = linear_model.Ridge().fit(X, y)
    p = ridge.predict(X[:1])
    assert math.isnan(metrics.r2_score(y[:1], p))
    assert math.isnan(run().metrics["r2_score_X[:1]"])


def test_a_metric_that_refuses_records_nothing(run: Only) -> None:
    p = model().predict(X_test)
    with autolog.paused(), pytest.raises(ValueError) as plain:
        metrics.f1_score(y_test, p)
    with pytest.raises(ValueError) as raised:
        metrics.f1_score(y_test, p)
    assert str(raised.value) == str(plain.value)
    assert raised.value.__context__ is None
    assert not [key for key in run().metrics if key.startswith("f1_score")]


def test_after_the_end_and_in_light_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "1")
    autolog.autolog(f"memory:{tmp_path}")
    values = []
    for _ in range(3):
        clf = model()
        p = clf.predict(X_test)
        values.append(metrics.accuracy_score(y_test, p))
        metrics.confusion_matrix(y_test, p)
        metrics.classification_report(y_test, p)
    first, *light = found = list(autolog.search_runs(backend=f"memory:{tmp_path}"))[::-1]
    assert {run.status for run in found} == {"finished"}
    assert [run.metrics["accuracy_score_X_test"] for run in found] == values
    assert [*first.datasets] == ["X_train", "X_test"]
    assert "classification_report_X_test.txt" in first.artifacts
    assert all(not run.datasets for run in light)
    assert all("classification_report_X_test.txt" not in run.artifacts for run in light)
    assert all("confusion_matrix_X_test" in run.tables for run in light)


def test_functions_stay_what_they_are(uri: str) -> None:
    functions = [metrics.accuracy_score, metrics.roc_curve, permutation_importance]
    for function in functions:
        assert pickle.loads(pickle.dumps(function)) is function
        assert cloudpickle.loads(cloudpickle.dumps(function)) is function
        assert copy.deepcopy(function) is function
        assert inspect.unwrap(function).__module__.startswith("sklearn.")
        assert next(iter(inspect.signature(function).parameters)) in ("y_true", "estimator")
    calls = [delayed(metrics.accuracy_score)([1, 2, 3], [1, 2, 2]) for _ in range(2)]
    assert Parallel(2)(calls) == [2 / 3] * 2


def test_undo_puts_their_code_back(uri: str) -> None:
    every = [sklearn.metrics.f1_score, sklearn.metrics.silhouette_score, permutation_importance]
    ours = [function.__code__ for function in every]
    scorer = vars(sklearn.metrics._scorer._BaseScorer)["__call__"]
    autolog.disable()
    theirs = [function.__code__ for function in every]
    assert all(one is not two for one, two in zip(ours, theirs, strict=True))
    assert vars(sklearn.metrics._scorer._BaseScorer)["__call__"] is not scorer
    assert type(vars(sklearn.metrics._scorer._BaseScorer)["__call__"]).__name__ == "function"
