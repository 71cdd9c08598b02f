"""Pictures on request: which there are, that they are pictures, and that nobody notices."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import calibration, ensemble, inspection, linear_model, metrics, model_selection
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

import autolog
from autolog.errors import UsageError
from autolog.view import RunView

pytest.importorskip("matplotlib")
A, b = load_breast_cancer(return_X_y=True)
A = A[:, :6] / A[:, :6].max(axis=0)
X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


def ask(uri: str, plots: Any = True, **others: Any) -> None:
    autolog.autolog(uri, sklearn={"plots": plots, **others})


def pictures(run: RunView) -> set[str]:
    return {name for name in run.artifacts if name.endswith(".png")}


def size(run: RunView, name: str) -> tuple[int, int]:
    content = run.artifact(name).read()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", content[16:24])


def columns(run: RunView, name: str) -> dict[str, list[Any]]:
    return dict(run.tables[name]["columns"])


# -- which -------------------------------------------------------------------------------------


def test_nothing_is_drawn_unless_asked(run: Only) -> None:
    linear_model.LogisticRegression().fit(A, b)
    assert not pictures(run())
    assert not [name for name in run().tables if name.startswith("training_")]


def test_a_classifier_of_two_has_mlflows_pictures(uri: str, run: Only) -> None:
    ask(uri)
    clf = linear_model.LogisticRegression().fit(A, b)
    found = run()
    assert pictures(found) == {
        "coef.png",
        "training_confusion_matrix.png",
        "training_roc_curve.png",
        "training_precision_recall_curve.png",
        "training_calibration_curve.png",
    }
    for name in pictures(found):
        assert min(size(found, name)) > 500
    with autolog.paused():
        matrix = metrics.confusion_matrix(b, clf.predict(A))
        fpr, tpr, _ = metrics.roc_curve(b, clf.predict_proba(A)[:, 1])
    assert columns(found, "training_confusion_matrix")["predicted 1"] == matrix[:, 1].tolist()
    curve = columns(found, "training_roc_curve")
    assert (curve["fpr"], curve["tpr"]) == (fpr.tolist(), tpr.tolist())


def test_several_classes_each_against_the_rest(uri: str, run: Only) -> None:
    ask(uri)
    weight = np.linspace(0.5, 2, len(y))
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = linear_model.LogisticRegression(max_iter=500)
    clf.fit(frame, pd.Series(names[y]), sample_weight=weight)
    found = run()
    assert "training_roc_curve.png" in pictures(found)
    curve = columns(found, "training_roc_curve")
    assert [*dict.fromkeys(curve["class"])] == names.tolist()
    with autolog.paused():
        scores = clf.predict_proba(frame)[:, 1]
        fpr, _, _ = metrics.roc_curve(y == 1, scores, sample_weight=weight)
        matrix = metrics.confusion_matrix(names[y], clf.predict(frame), sample_weight=weight)
    own = [f for f, label in zip(curve["fpr"], curve["class"], strict=True) if label == names[1]]
    assert own == fpr.tolist()
    table = columns(found, "training_confusion_matrix")
    assert table["true"] == names.tolist()
    assert table["predicted setosa"] == matrix[:, 0].tolist()


def test_curves_of_a_model_without_probabilities(uri: str, run: Only) -> None:
    ask(uri)
    svc = LinearSVC(random_state=0).fit(A, b)
    assert "training_roc_curve.png" in pictures(run())
    assert "training_calibration_curve.png" not in pictures(run())
    with autolog.paused():
        expected, _, _ = metrics.roc_curve(b, svc.decision_function(A))
    assert columns(run(), "training_roc_curve")["fpr"] == expected.tolist()


def test_a_regressor(uri: str, run: Only) -> None:
    ask(uri)
    C, d = load_diabetes(return_X_y=True, as_frame=True)
    model = ensemble.GradientBoostingRegressor(n_estimators=5, random_state=0).fit(C, d)
    found = run()
    assert pictures(found) == {
        "feature_importances.png",
        "training_curve.png",
        "training_residuals.png",
        "training_predicted_vs_actual.png",
    }
    table = columns(found, "training_predicted_vs_actual")
    assert table["actual"] == d.tolist()
    with autolog.paused():
        assert table["predicted"] == model.predict(C).tolist()
    assert "training_residuals" not in found.tables


def test_each_output_has_its_own(uri: str, runs: Runs) -> None:
    ask(uri, plots=("confusion_matrix", "roc_curve", "residuals"))
    linear_model.Ridge().fit(X[:, :2], X[:, 2:])
    both = np.stack([y == 0, y == 1], axis=1).astype(int)
    ensemble.RandomForestClassifier(3, random_state=0).fit(X, both)
    MLPClassifier((4,), max_iter=3, random_state=0).fit(X, both)
    first, *others = runs()
    assert pictures(first) == {"training_residuals_0.png", "training_residuals_1.png"}
    for found in others:
        assert pictures(found) == {
            f"training_{kind}_{i}.png" for kind in ("confusion_matrix", "roc_curve") for i in (0, 1)
        }
        assert sum(columns(found, "training_confusion_matrix_1")["predicted 1"]) <= len(y)


def test_a_search_and_what_it_found(uri: str, run: Only) -> None:
    ask(uri)
    grid = {"C": [0.01, 0.1, 1.0], "fit_intercept": [True, False]}
    model_selection.GridSearchCV(linear_model.LogisticRegression(), grid, cv=3, n_jobs=2).fit(A, b)
    assert {"cv_results.png", "coef.png", "training_confusion_matrix.png"} <= pictures(run())


def test_validations_and_curves(uri: str, runs: Runs) -> None:
    ask(uri)
    ridge = linear_model.Ridge()
    C, d = load_diabetes(return_X_y=True)
    model_selection.cross_validate(ridge, C, d, return_train_score=True)
    model_selection.learning_curve(ridge, C, d, cv=3)
    model_selection.validation_curve(ridge, C, d, param_name="alpha", param_range=[0.1, 1], cv=3)
    model_selection.validation_curve(
        ridge, C, d, param_name="solver", param_range=["svd", "cholesky"], cv=3
    )
    found = [pictures(run) for run in runs()]
    assert found == [{"folds.png"}, {"curve.png"}, {"curve.png"}, {"curve.png"}]


def test_what_the_program_computes_without_a_call_of_the_model(uri: str, run: Only) -> None:
    calls = []

    class Counted(linear_model.LogisticRegression):
        def predict(self, X: Any) -> Any:
            calls.append("predict")
            return super().predict(X)

        def predict_proba(self, X: Any) -> Any:
            calls.append("predict_proba")
            return super().predict_proba(X)

    clf = Counted().fit(A[:400], b[:400])
    ask(uri)
    A_test, b_test = A[400:], b[400:]
    p, q = clf.predict_proba(A_test)[:, 1], clf.predict(A_test)
    count = len(calls)
    metrics.confusion_matrix(b_test, q)
    metrics.roc_curve(b_test, p)
    metrics.precision_recall_curve(b_test, p)
    metrics.det_curve(b_test, p)
    calibration.calibration_curve(b_test, p)
    metrics.f1_score(b_test, q)
    assert len(calls) == count
    assert pictures(run()) == {
        f"{kind}_A_test.png"
        for kind in (
            "confusion_matrix",
            "roc_curve",
            "precision_recall_curve",
            "det_curve",
            "calibration_curve",
        )
    }


def test_inspections(uri: str, run: Only) -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = linear_model.LogisticRegression(max_iter=500).fit(frame, y)
    ask(uri)
    inspection.permutation_importance(clf, frame, y, n_repeats=2, random_state=0)
    one = inspection.partial_dependence(clf, frame, ["b"], grid_resolution=5)
    two = inspection.partial_dependence(clf, frame, ("a", "b"), grid_resolution=4)
    inspection.partial_dependence(clf, frame, ["b"], grid_resolution=5, kind="individual")
    found = run()
    assert pictures(found) == {
        "permutation_importance_frame.png",
        "partial_dependence_b_frame.png",
        "partial_dependence_a_b_frame.png",
    }
    table = columns(found, "partial_dependence_b_frame")
    assert table["b"] == one["grid_values"][0].tolist()
    assert table["average 2"] == one["average"][2].tolist()
    table = columns(found, "partial_dependence_a_b_frame")
    assert table["average 1"] == two["average"][1].ravel().tolist()
    assert table["a"][:5] == [table["a"][0]] * 4 + [table["a"][4]]


def test_only_those_that_are_named(uri: str, run: Only) -> None:
    ask(uri, plots="roc_curve coef")
    linear_model.LogisticRegression().fit(A, b)
    assert pictures(run()) == {"training_roc_curve.png", "coef.png"}
    assert "training_confusion_matrix" not in run().tables


def test_an_unknown_name_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="'rock_curve' is none of 'confusion_matrix'"):
        ask(uri, plots=["rock_curve"])


def test_a_loop_draws_its_first_and_its_last(uri: str, run: Only) -> None:
    ask(uri, plots=("confusion_matrix",))
    clf = linear_model.LogisticRegression().fit(A, b)
    p = clf.predict_proba(A)[:, 1]
    written: list[bytes] = []
    for cut in (0.1, 0.5, 0.9):
        metrics.confusion_matrix(b, p > cut)
        written.append(run().artifact("confusion_matrix_A.png").read())
    assert len(set(written)) == 3  # reading the store catches up
    for cut in (0.2, 0.9):
        metrics.confusion_matrix(b, p > cut)
    assert columns(run(), "confusion_matrix-2_A")["predicted 1"][0] == sum((p > 0.9) & (b == 0))
    assert run().artifact("confusion_matrix-2_A.png").read() == written[-1]


def test_a_light_run_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "1")
    ask(f"memory:{tmp_path}", training_metrics=True)
    for _ in range(2):
        linear_model.LogisticRegression().fit(A, b)
    light, first = autolog.search_runs(backend=f"memory:{tmp_path}")
    assert pictures(first)
    assert not pictures(light)
    assert "training_roc_auc" in light.metrics


# -- odd ones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [1, 2, 10, 11, 60])
def test_any_number_of_classes(uri: str, run: Only, classes: int) -> None:
    ask(uri)
    rng = np.random.default_rng(0)
    labels = np.array([f"the class number {i} $x_{i}$" for i in range(classes)])
    target = labels[np.arange(240) % classes]
    ensemble.RandomForestClassifier(2, random_state=0).fit(rng.random((240, 3)), target)
    assert "training_confusion_matrix.png" in pictures(run())
    assert ("training_roc_curve.png" in pictures(run())) is (classes > 1)


def test_many_features_long_names_and_letters_of_all_kinds(uri: str, run: Only) -> None:
    ask(uri, plots=("coef",))
    frame = pd.DataFrame(np.random.default_rng(0).random((60, 80)))
    frame.columns = [f"{i} 日本語 $\\frac{{$ {'long' * 30}" for i in range(80)]
    linear_model.Ridge().fit(frame, frame.iloc[:, 0])
    assert size(run(), "coef.png") == (960, 780)


class Odd(RegressorMixin, BaseEstimator):
    """Predicts what it is told to."""

    def __init__(self, says: Any = None) -> None:
        self.says = says

    def fit(self, X: Any, y: Any) -> Odd:
        return self

    def predict(self, X: Any) -> Any:
        return np.array(self.says) if isinstance(self.says, list) else self.says()


@pytest.mark.parametrize("says", [[np.nan] * 3, [np.inf, -np.inf, 0.0], [5.0] * 3, [1e308, 0, 1]])
def test_any_numbers_are_drawn(uri: str, run: Only, says: list[float]) -> None:
    ask(uri)
    Odd(says).fit(np.zeros((3, 2)), [1.0, 2.0, 3.0])
    assert {"training_residuals.png", "training_predicted_vs_actual.png"} <= pictures(run())


@pytest.mark.parametrize("says", [[], ["a", "b", "c"], [1.0], [[1.0], [2.0]]])
def test_what_cannot_be_drawn_is_left_out(uri: str, run: Only, says: list[Any]) -> None:
    ask(uri, training_metrics=True)
    Odd(says).fit(np.zeros((3, 2)), [1.0, 2.0, 3.0])
    assert not pictures(run())
    assert not [name for name in run().metrics if name.startswith("training_")]
    assert "model" in run().models


def test_a_secret_does_not_stand_in_a_picture(uri: str, runs: Runs) -> None:
    ask(uri, plots=("confusion_matrix",))
    secrets = np.array(["AKIAABCDEFGHIJKLMNOP", "other"])
    for labels in (secrets, np.array(["[redacted]", "other"])):
        linear_model.LogisticRegression().fit(A, labels[b])
    one, two = (run.artifact("training_confusion_matrix.png").read() for run in runs())
    assert one == two
