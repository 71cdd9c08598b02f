"""What scikit-learn's displays compute is recorded as if the program had called it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn import calibration, inspection, metrics, model_selection
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import autolog
from autolog.view import RunView

matplotlib = pytest.importorskip("matplotlib")
A, b = load_breast_cancer(return_X_y=True, as_frame=True)
A = A.iloc[:, :3] / A.iloc[:, :3].max()
A_train, A_test, b_train, b_test = model_selection.train_test_split(A, b, random_state=0)
Runs = Callable[[], list[RunView]]


@pytest.fixture(autouse=True)
def canvas() -> Iterator[None]:
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        plt.switch_backend("agg")
        yield
        plt.close("all")


BINARY = (
    (metrics.RocCurveDisplay, "roc_curve"),
    (metrics.PrecisionRecallDisplay, "precision_recall_curve"),
    (metrics.DetCurveDisplay, "det_curve"),
    (calibration.CalibrationDisplay, "calibration_curve"),
    (metrics.ConfusionMatrixDisplay, "confusion_matrix"),
)


@pytest.mark.parametrize(("display", "name"), BINARY)
def test_of_predictions(uri: str, runs: Runs, display: Any, name: str) -> None:
    clf = LogisticRegression().fit(A_train, b_train)
    p = clf.predict_proba(A_test)[:, 1]
    display.from_estimator(clf, A_test, b_test)
    display.from_predictions(b_test, p > 0.5 if name == "confusion_matrix" else p)
    (run,) = runs()
    assert {f"{name}_A_test", f"{name}-2_A_test"} <= {*run.tables}
    assert [*run.datasets] == ["A_train", "A_test"]


@pytest.mark.skipif(
    not hasattr(metrics.RocCurveDisplay, "from_cv_results"), reason="new in scikit-learn 1.7"
)
def test_of_folds_is_named_as_rows_of_the_data(uri: str, runs: Runs) -> None:
    results = model_selection.cross_validate(
        LogisticRegression(), A, b, cv=2, return_estimator=True, return_indices=True
    )
    shown = metrics.RocCurveDisplay.from_cv_results(results, A, b)
    (run,) = runs()
    assert "roc_curve_A[test_indices]" in run.tables
    areas = [point.value for point in run.history("auc_A[test_indices]")]
    assert areas == list(shown.roc_auc)


def test_data_out_of_a_mapping_are_called_by_their_key(uri: str, runs: Runs) -> None:
    common = {"X": A, "y": b, "cv": 2}
    model_selection.LearningCurveDisplay.from_estimator(
        LogisticRegression(), train_sizes=[0.5, 1.0], **common
    )
    model_selection.learning_curve(LogisticRegression(), train_sizes=[0.5], **common)
    assert [[*run.datasets] for run in runs()] == [["X"], ["X"]]


def test_dependence(uri: str, runs: Runs) -> None:
    clf = LogisticRegression().fit(A_train, b_train)
    show = inspection.PartialDependenceDisplay.from_estimator
    shown = show(clf, A_test, ["mean radius", (0, 1)], grid_resolution=3)
    (run,) = runs()
    one = run.tables["partial_dependence_mean radius_A_test"]["columns"]
    assert one["average"] == shown.pd_results[0]["average"][0].tolist()
    two = run.tables["partial_dependence_mean radius_mean texture_A_test"]["columns"]
    assert len(two["average"]) == 9


def test_curves_of_validations_are_runs(uri: str, runs: Runs) -> None:
    model_selection.LearningCurveDisplay.from_estimator(LogisticRegression(), A, b, cv=2)
    model_selection.ValidationCurveDisplay.from_estimator(
        LogisticRegression(), A, b, param_name="C", param_range=[0.1, 1], cv=2
    )
    assert [run.name for run in runs()] == ["learning_curve", "validation_curve"]
    assert all("curve" in run.tables for run in runs())


def test_those_that_compute_nothing(uri: str, runs: Runs) -> None:
    clf = LogisticRegression().fit(A_train.iloc[:, :2], b_train)
    inspection.DecisionBoundaryDisplay.from_estimator(clf, A_test.iloc[:, :2], grid_resolution=5)
    metrics.PredictionErrorDisplay.from_estimator(clf, A_test.iloc[:, :2], b_test)
    (run,) = runs()
    assert {*run.tables} == {"coef"}
    assert len(run.datasets) == 1


def test_pictures_of_them(uri: str, runs: Runs) -> None:
    autolog.autolog(uri, sklearn={"plots": ("roc_curve",)})
    import matplotlib.pyplot as plt

    clf = LogisticRegression().fit(A_train, b_train)
    display = metrics.RocCurveDisplay.from_estimator(clf, A_test, b_test)
    (run,) = runs()
    assert "roc_curve_A_test.png" in run.artifacts
    assert plt.get_fignums() == [display.figure_.number]
