"""Params as the user gave them: every kind of estimator, exact, told apart from defaults."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autolog.integrations.sklearn import register
from sklearn import (
    calibration,
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)  # fmt: skip
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
Only = Callable[[], RunView]
LR = linear_model.LogisticRegression
C = {"C": [0.1, 1.0]}

ESTIMATORS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "LogisticRegression": (LR(C=0.5), {"C": 0.5}, "classifier"),
    "Ridge": (linear_model.Ridge(alpha=2), {"alpha": 2}, "regressor"),
    "RandomForestClassifier": (
        ensemble.RandomForestClassifier(3, random_state=0),
        {"n_estimators": 3, "random_state": 0},
        "classifier",
    ),
    "GradientBoostingRegressor": (
        ensemble.GradientBoostingRegressor(n_estimators=3),
        {"n_estimators": 3},
        "regressor",
    ),
    "HistGradientBoostingClassifier": (
        ensemble.HistGradientBoostingClassifier(max_iter=2),
        {"max_iter": 2},
        "classifier",
    ),
    "MLPClassifier": (
        neural_network.MLPClassifier((3, 2), max_iter=2),
        {"hidden_layer_sizes": [3, 2], "max_iter": 2},
        "classifier",
    ),
    "KMeans": (cluster.KMeans(2, n_init=1), {"n_clusters": 2, "n_init": 1}, "clusterer"),
    "PCA": (decomposition.PCA(2), {"n_components": 2}, "transformer"),
    "GaussianMixture": (mixture.GaussianMixture(2), {"n_components": 2}, "density estimator"),
    "IsolationForest": (
        ensemble.IsolationForest(n_estimators=2),
        {"n_estimators": 2},
        "outlier detector",
    ),
    "SVC": (svm.SVC(kernel="poly", degree=2), {"kernel": "poly", "degree": 2}, "classifier"),
    "KNeighborsClassifier": (
        neighbors.KNeighborsClassifier(3),
        {"n_neighbors": 3},
        "classifier",
    ),
    "GaussianNB": (naive_bayes.GaussianNB(), {}, "classifier"),
    "DecisionTreeRegressor": (
        tree.DecisionTreeRegressor(max_depth=2),
        {"max_depth": 2},
        "regressor",
    ),
    "Pipeline›LogisticRegression": (
        pipeline.make_pipeline(preprocessing.StandardScaler(with_mean=False), LR(C=3)),
        {"standardscaler__with_mean": False, "logisticregression__C": 3},
        "classifier",
    ),
    "GridSearchCV›LogisticRegression": (
        model_selection.GridSearchCV(LR(max_iter=200), C, cv=2),
        {"estimator__max_iter": 200, "param_grid": C, "cv": 2, "best_C": 1.0},
        "classifier",
    ),
    "RandomizedSearchCV›LogisticRegression": (
        model_selection.RandomizedSearchCV(LR(), C, n_iter=1, cv=2, random_state=0),
        {"n_iter": 1, "random_state": 0, "param_distributions": C},
        "classifier",
    ),
    "HalvingGridSearchCV›LogisticRegression": (
        model_selection.HalvingGridSearchCV(LR(), C, cv=2, factor=2),
        {"factor": 2},
        "classifier",
    ),
    "GridSearchCV›RandomForestClassifier": (
        model_selection.GridSearchCV(
            ensemble.RandomForestClassifier(2, random_state=0), {"max_depth": [1, 2]}, cv=2
        ),
        {"estimator__n_estimators": 2, "best_max_depth": 2},
        "classifier",
    ),
    "StackingClassifier": (
        ensemble.StackingClassifier([("a", LR(C=7)), ("b", naive_bayes.GaussianNB())], cv=2),
        {"a__C": 7, "cv": 2},
        "classifier",
    ),
    "VotingClassifier": (
        ensemble.VotingClassifier([("a", LR(C=7))], voting="soft"),
        {"a__C": 7, "voting": "soft"},
        "classifier",
    ),
    "OneVsRestClassifier›LogisticRegression": (
        multiclass.OneVsRestClassifier(LR(C=7)),
        {"estimator__C": 7},
        "classifier",
    ),
    "MultiOutputRegressor›Ridge": (
        multioutput.MultiOutputRegressor(linear_model.Ridge(3)),
        {"estimator__alpha": 3},
        "regressor",
    ),
    "TransformedTargetRegressor": (
        compose.TransformedTargetRegressor(
            linear_model.Ridge(3), func=np.log1p, inverse_func=np.expm1
        ),
        {"regressor__alpha": 3},
        "regressor",
    ),
    "CalibratedClassifierCV›LogisticRegression": (
        calibration.CalibratedClassifierCV(LR(C=7), cv=2),
        {"estimator__C": 7, "cv": 2},
        "classifier",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_an_estimator_leaves_one_run_with_its_params(name: str, run: Only) -> None:
    estimator, expected, kind = ESTIMATORS[name]
    target = np.column_stack([y, y]) if "MultiOutput" in name else y
    estimator.fit(X, target)
    found = run()
    assert found.name == name
    assert found.status == "finished"
    assert {key: found.params[key] for key in expected} == expected
    assert set(estimator.get_params()) <= set(found.params)
    assert found.tags["estimator_kind"] == kind
    assert found.tags["estimator_class"] == (
        f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    )
    assert found.datasets["X"]["shape"] == [150, 4]
    assert "path" in found.models["model"]


def test_the_users_choices_are_told_from_the_defaults(run: Only) -> None:
    scaler = preprocessing.StandardScaler(with_mean=False)
    pipeline.make_pipeline(scaler, LR(C=1.0, tol=0.01)).fit(X, y)
    facts = run().facts("param")
    chosen = {key for key, fact in facts.items() if fact.set and "__" in key}
    assert chosen == {"standardscaler__with_mean", "logisticregression__tol"}
    assert facts["logisticregression__C"].set is False


class Anything(BaseEstimator):
    """Takes one param of whatever kind."""

    def __init__(self, given: Any = None) -> None:
        self.given = given

    def fit(self, X: Any, y: Any = None) -> Anything:
        return self


@pytest.mark.parametrize(
    "value",
    [
        True, 0, -1, 2**70, -(2**63), 0.1, -0.0, 1e-320, math.inf, -math.inf, "", "é\ud800\0x",
        None, b"\x00\xff", [1, [2.5, None]], {"a": {"b": [True]}}, "x" * 1_000_000,
    ],
    ids=lambda value: repr(value)[:12],
)  # fmt: skip
def test_values_are_exact(value: Any, run: Only) -> None:
    Anything(value).fit(X)
    found = run().params["given"]
    assert type(found) is type(value)
    assert found == value
    if isinstance(value, float):
        assert math.copysign(1, found) == math.copysign(1, value)


def test_nan_is_nan_and_a_numpy_number_a_number(run: Only) -> None:
    Anything([math.nan, np.float64(0.1), np.int32(7), np.bool_(True), (1, 2)]).fit(X)
    nan, *others = run().params["given"]
    assert math.isnan(nan)
    assert others == [0.1, 7, True, [1, 2]]
    assert [type(other) for other in others] == [float, int, bool, list]


def test_objects_are_named_not_printed(run: Only) -> None:
    class Loud:
        def __repr__(self) -> str:
            raise RuntimeError("not to be called")

    Anything({"loud": Loud(), "array": np.zeros((1000, 9)), "function": np.log1p}).fit(X)
    found = run().params["given"]
    assert "Loud" in found["loud"]
    assert "1000" in str(found["array"])
    assert len(str(found["array"])) < 200
    assert "log1p" in found["function"]


def test_nested_estimators_stand_by_their_class(run: Only) -> None:
    ensemble.BaggingClassifier(tree.DecisionTreeClassifier(max_depth=3), n_estimators=2).fit(X, y)
    params = run().params
    assert "DecisionTreeClassifier" in params["estimator"]
    assert params["estimator__max_depth"] == 3


def test_a_secret_is_redacted_and_its_model_not_saved(run: Only) -> None:
    class Remote(BaseEstimator):
        def __init__(self, password: str = "", token_pattern: str = r"\w+") -> None:
            self.password, self.token_pattern = password, token_pattern

        def fit(self, X: Any, y: Any = None) -> Remote:
            return self

    Remote(password="hunter2-and-more").fit(X)
    found = run()
    assert found.params["password"] == "[redacted]"
    assert found.params["token_pattern"] == r"\w+"
    assert "secret" in found.models["model"]["shed"]
    assert not any(path.startswith("model/") for path in found.artifacts)


def test_an_estimator_with_a_mixin_from_elsewhere(run: Only) -> None:
    class Trainer:
        """Not on BaseEstimator, as third parties' mixins are."""

        def fit(self, X: Any, y: Any) -> Any:
            self.fitted_ = True
            return self

    class Mine(Trainer, ClassifierMixin, BaseEstimator):
        def __init__(self, depth: int = 1) -> None:
            self.depth = depth

    Mine(depth=4).fit(X, y)
    found = run()
    assert found.params["depth"] == 4
    assert found.tags["estimator_kind"] == "classifier"


def test_a_class_without_base_estimator_is_registered(runs: Any) -> None:
    class Plain:
        def __init__(self, rate: float) -> None:
            self.rate = rate

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {"rate": self.rate}

        def fit(self, X: Any, y: Any = None) -> Any:
            return self

    Plain(0.1).fit(X)
    assert runs() == []
    assert register(Plain) is Plain
    Plain(0.2).fit(X)
    (found,) = runs()
    assert found.params == {"rate": 0.2}
    autolog.disable()
    assert "fit" in vars(Plain)
    assert Plain.fit.__code__.co_name == "fit"


def test_text_pipeline_from_a_list_of_strings(run: Only) -> None:
    texts = ["good film", "bad film", "good book", "bad book"]
    text = feature_extraction.text
    model = pipeline.make_pipeline(text.TfidfVectorizer(min_df=1, ngram_range=(1, 2)), LR())
    model.fit(texts, [1, 0, 1, 0])
    found = run()
    assert found.params["tfidfvectorizer__ngram_range"] == [1, 2]
    assert found.params["tfidfvectorizer__token_pattern"] == r"(?u)\b\w\w+\b"
    assert found.datasets["texts"]["shape"][0] == 4


def test_classes_are_excluded_by_glob(tmp_path: Any) -> None:
    autolog.autolog(f"memory:{tmp_path}", exclude=["sklearn.*.Ridge*"])
    linear_model.Ridge().fit(X, y)
    pipeline.make_pipeline(linear_model.Ridge()).fit(X, y)
    LR().fit(X, y)
    names = {run.name for run in autolog.search_runs(backend=f"memory:{tmp_path}")}
    assert names == {"Pipeline›Ridge", "LogisticRegression"}
