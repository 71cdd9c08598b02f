"""What programs make of predictions before they judge them: whose metric it then is."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    log_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold, train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import autolog
from autolog.following import finding, matching
from autolog.view import RunView

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
C, c = load_breast_cancer(return_X_y=True)
C_train, C_test, c_train, c_test = train_test_split(C, c, random_state=0)
pytestmark = pytest.mark.filterwarnings("ignore")


Runs = Callable[[], list[RunView]]
Judged = Callable[[], list[dict[str, tuple[float, Any]]]]


@pytest.fixture
def judged(runs: Runs) -> Judged:
    """For each run, oldest first: the metrics that the program computed, and their links."""

    def told(run: RunView) -> dict[str, tuple[float, Any]]:
        series = {
            key: series for key, series in run.series.items() if "link" in (series.info or {})
        }
        return {key: (one.value, one.info["link"]) for key, one in series.items()}

    return lambda: [told(run) for run in runs()]


SURE: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "negative": lambda p: -p,
    "complement": lambda p: 1 - p,
    "cut to whole numbers": lambda p: p.astype(int),
    "no negatives": lambda p: np.maximum(p, 0),
    "a polars column": lambda p: pl.Series(np.expm1(p)),
}
LIKELY: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda p: 3.7 * p + 2,
    "clipped": lambda p: np.clip(p, 4.6, 5.2),
    "in bins": lambda p: np.digitize(p, [4.5, 5.0, 5.5]),
}


@pytest.mark.parametrize(("made", "link"), [
    *((made, "by value") for made in SURE.values()),
    *((made, "probable") for made in LIKELY.values()),
], ids=[*SURE, *LIKELY])  # fmt: skip
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "gone"])
def test_each_of_two_models_has_its_own(made: Any, link: str, kept: bool, judged: Judged) -> None:
    models = [m.fit(X_train, np.log1p(y_train)) for m in (Ridge(), LinearRegression())]
    outputs, remade = [], []
    for model in models:
        output = model.predict(X_test)
        remade.append(made(output))
        outputs.append(output if kept else None)
    del output
    values = [mean_squared_error(y_test, value) for value in remade]
    assert judged() == [{"mean_squared_error_X_test": (value, link)} for value in values]


def test_targets_that_were_scaled_and_are_scaled_back(judged: Judged) -> None:
    targets = np.c_[y_train, y_train**0.5]
    scaler = StandardScaler().fit(targets)
    values = []
    for model in (Ridge(), LinearRegression()):
        model.fit(X_train, scaler.transform(targets))
        back = scaler.inverse_transform(model.predict(X_test))
        values.append(r2_score(np.c_[y_test, y_test**0.5], back))
    assert judged() == [{"r2_score_X_test": (value, "probable")} for value in values]


def test_labels_by_other_names(judged: Judged) -> None:
    encoder = LabelEncoder()
    codes = encoder.fit_transform(np.array(["malign", "benign"])[c_train])
    model = LogisticRegression(solver="liblinear").fit(C_train, codes)
    names = np.array(["malign", "benign"])[c_test]
    value = accuracy_score(names, encoder.inverse_transform(model.predict(C_test)))
    again = accuracy_score(names, pd.Series(model.predict(C_test)).map({0: "benign", 1: "malign"}))
    assert judged() == [{"accuracy_score_C_test": (value, "by value"),
                         "accuracy_score-2_C_test": (again, "by value")}]  # fmt: skip


def test_a_mean_of_several_models_is_nobodys(judged: Judged) -> None:
    models = [m.fit(X_train, y_train) for m in (Ridge(), LinearRegression())]
    one, two = (model.predict(X_test) for model in models)
    own = [r2_score(y_test, one), r2_score(y_test, two)]
    r2_score(y_test, (one + two) / 2)
    r2_score(y_test, 0.7 * models[0].predict(X_test) + 0.3 * models[1].predict(X_test))
    r2_score(y_test, pd.Series(one).rank() + pd.Series(two).rank())
    assert judged() == [{"r2_score_X_test": (value, "exact")} for value in own]


def test_a_mean_stands_in_the_run_that_is_open_by_hand(runs: Runs) -> None:
    with autolog.start_run("blend"):
        models = [m.fit(X_train, y_train) for m in (Ridge(), LinearRegression())]
        one, two = (model.predict(X_test) for model in models)
        value = r2_score(y_test, (one + two) / 2)
    by_hand = next(run for run in runs() if run.name == "blend")
    assert by_hand.metrics["r2_score"] == value


def test_a_baseline_by_hand_is_nobodys(judged: Judged) -> None:
    model = Ridge().fit(X_train, y_train)
    value = r2_score(y_test, model.predict(X_test))
    r2_score(y_test, np.full(len(y_test), y_train.mean()))
    r2_score(y_test, [y_train.mean()] * len(y_test))
    r2_score(y_test, X_test[:, 2])
    r2_score(y_test, np.random.default_rng(0).normal(size=len(y_test)))
    assert judged() == [{"r2_score_X_test": (value, "exact")}]


def test_models_that_a_function_made_and_left(judged: Judged) -> None:
    def predicted(model: Any) -> Any:
        return np.expm1(model.fit(X_train, np.log1p(y_train)).predict(X_test))

    made = [predicted(Ridge()), predicted(LinearRegression())]
    gc.collect()
    values = [mean_squared_error(y_test, value) for value in made]
    assert judged() == [{"mean_squared_error_X_test": (value, "by value")} for value in values]


def test_thresholds_that_none_or_all_reach(runs: Runs) -> None:
    dummy = DummyClassifier(strategy="most_frequent").fit(C_train, c_train)
    always = dummy.predict(C_test)
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    chances = model.predict_proba(C_test)[:, 1]
    values = [accuracy_score(c_test, (chances >= t).astype(int)) for t in (0.0, 0.5, 1.1)]
    assert always.all()
    assert [point.value for point in runs()[1].history("accuracy_score_C_test")] == values
    assert "accuracy_score_C_test" not in runs()[0].metrics


def test_whole_numbers(judged: Judged) -> None:
    model = Ridge().fit(X_train, y_train)
    value = r2_score(y_test, model.predict(X_test).round())
    assert judged() == [{"r2_score_X_test": (value, "by value")}]


def test_a_dummy_is_a_model(judged: Judged) -> None:
    dummy = DummyRegressor().fit(X_train, y_train)
    value = r2_score(y_test, dummy.predict(X_test))
    assert judged() == [{"r2_score_X_test": (value, "exact")}]


def test_predictions_of_folds_are_each_one_s_and_all_the_newest_one_s(
    judged: Judged,
) -> None:
    held_out, values = np.zeros(len(C)), []
    for train, test in KFold(3).split(C):
        model = RandomForestClassifier(10, random_state=0).fit(C[train], c[train])
        held_out[test] = model.predict_proba(C[test])[:, 1]
        values.append(roc_auc_score(c[test], held_out[test]))
    whole = roc_auc_score(c, held_out)
    right = accuracy_score(c, held_out > 0.5)
    *others, last = judged()
    assert others == [{"roc_auc_score_C[test]": (value, "by value")} for value in values[:2]]
    assert last == {
        "roc_auc_score_C[test]": (values[2], "by value"),
        "roc_auc_score_held_out": (whole, "by value"),
        "accuracy_score_held_out > 0.5": (right, "probable"),
    }


def test_columns_that_several_models_filled_are_nobodys(judged: Judged) -> None:
    W, w = load_wine(return_X_y=True)
    chances = np.zeros((len(W), 3))
    for k in range(3):
        one = LogisticRegression(solver="liblinear").fit(W, w == k)
        chances[:, k] = one.predict_proba(W)[:, 1]
    log_loss(w, chances / chances.sum(axis=1, keepdims=True))
    accuracy_score(w, chances.argmax(axis=1))
    assert judged() == [{}, {}, {}]


def test_groups_and_other_orders(judged: Judged) -> None:
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    c_pred = model.predict(C_test)
    chances = model.predict_proba(C_test)[:, 1]
    large = C_test[:, 0] > 14
    accuracy_score(c_test[large], c_pred[large])
    roc_auc_score(c_test[~large], chances[~large])
    frame = pd.DataFrame({"true": c_test, "chance": chances}).sort_values("chance")
    log_loss(frame["true"], frame["chance"])
    (found,) = judged()
    assert {key: link for key, (_, link) in found.items()} == {
        "accuracy_score_C_test": "probable",
        "roc_auc_score_C_test": "by value",
        "log_loss_C_test": "by value",
    }


def test_the_part_of_another_variable_is_not_taken_for_one(judged: Judged) -> None:
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    c_pred = model.predict(C_test)
    others = np.random.default_rng(0).integers(0, 2, len(c_test))
    large = C_test[:, 0] > 14
    accuracy_score(c_test[large], others[large])
    assert judged() == [{}]
    assert len(c_pred) == len(others)


def test_long_arrays_are_found_too(judged: Judged) -> None:
    many = np.random.default_rng(0).normal(size=(5000, 3))
    target = np.exp(many[:, 0])
    values = []
    for model in (LinearRegression(), DecisionTreeRegressor(max_depth=9)):
        model.fit(many, np.log(target))
        values.append(mean_squared_error(target, np.exp(model.predict(many))))
    linear, tree = judged()
    assert linear == {"mean_squared_error_many": (values[0], "by value")}
    assert tree["mean_squared_error_many"][0] == values[1]


def test_reports_averages_are_metrics(runs: Runs) -> None:
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    report = classification_report(c_test, model.predict(C_test), output_dict=True)
    (run,) = runs()
    assert run.metrics["accuracy_C_test"] == report["accuracy"]
    assert run.metrics["macro_avg_f1_score_C_test"] == report["macro avg"]["f1-score"]
    assert run.metrics["weighted_avg_precision_C_test"] == report["weighted avg"]["precision"]
    assert not [key for key in run.metrics if "support" in key]


def test_a_calibration_curve_is_a_table(runs: Runs) -> None:
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    true, predicted = calibration_curve(c_test, model.predict_proba(C_test)[:, 1], n_bins=4)
    columns = runs()[0].tables["calibration_curve_C_test"]["columns"]
    assert columns == {"prob_true": true.tolist(), "prob_pred": predicted.tolist()}


def test_information_criteria_and_perplexity(runs: Runs) -> None:
    mixture = GaussianMixture(2, random_state=0).fit(X)
    counts = np.abs(X) * 100
    topics = LatentDirichletAllocation(2, max_iter=2, random_state=0).fit(counts)
    values = mixture.bic(X), mixture.aic(X), topics.perplexity(counts)
    one, two = runs()
    assert one.metrics["GaussianMixture_bic_X"] == values[0]
    assert one.metrics["GaussianMixture_aic_X"] == values[1]
    assert two.metrics["LatentDirichletAllocation_perplexity_counts"] == values[2]


def test_what_an_estimator_says_of_its_training_data(judged: Judged) -> None:
    detector = LocalOutlierFactor().fit(X)
    outliers = (np.arange(len(X)) % 9 == 0).astype(int)
    value = roc_auc_score(outliers, -detector.negative_outlier_factor_)
    forest = RandomForestClassifier(30, oob_score=True, random_state=0).fit(C, c)
    loss = log_loss(c, forest.oob_decision_function_)
    assert judged() == [{"roc_auc_score_X": (value, "by value")},
                        {"log_loss_C": (loss, "exact")}]  # fmt: skip


def test_a_sample_holds_no_memory_of_the_program() -> None:
    output = np.arange(100_000.0)
    sample = matching.sample(output)
    assert sample is not None
    assert not sample.whole
    assert sample.values.size <= matching.MOST_ROWS
    assert sample.values.base is None
    assert matching.sample(np.array([object()])) is None
    assert matching.sample(np.zeros((0, 3))) is None


def test_where_nothing_is_ever_found_the_search_is_given_up(judged: Judged) -> None:
    model = LogisticRegression(solver="liblinear").fit(C_train, c_train)
    predicted = model.predict(C_test)
    rng = np.random.default_rng(0)
    tried = [rng.integers(0, 2, len(c_test)) for _ in range(finding.PATIENCE)]
    for guess in [*tried, predicted.copy(), predicted]:
        accuracy_score(c_test, guess)
    accuracy_score(c_test, predicted.copy())
    value = float((predicted == c_test).mean())
    assert judged() == [
        {
            "accuracy_score_C_test": (pytest.approx(value), "exact"),
            "accuracy_score-2_C_test": (pytest.approx(value), "by value"),
        }
    ]
