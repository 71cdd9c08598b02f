"""Neutrality on a sample of scikit-learn's own tests; `make neutrality` runs many more."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from .comparing import Comparison, told
from .sessions import Session, session

MODULES = (
    "sklearn.tests.test_base",
    "sklearn.tests.test_pipeline",
    "sklearn.linear_model.tests.test_logistic",
    *(["sklearn.ensemble.tests.test_forest"] if "THOROUGH" in os.environ else []),
)
SLOW = (
    *("array_api", "backend_respected", "callback_fitted", "class_weight", "cv_iris", "cv_sparse"),
    *("elasticnet", "folds_with_classes", "importances", "init_coefs", "integral_regression"),
    *("l1_ratio_None", "leniency", "lr_cv", "memory_layout", "missing_value", "penalty_deprecated"),
    *("poisson", "sample_weights", "scoring_warns", "solvers_multiclass", "sparse_input"),
    *("string_inputs", "test_distribution", "union_parallel", "use_legacy"),
)
SAMPLE = [*MODULES, "-k", f"not ({' or '.join(SLOW)})"]


pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def sample() -> Comparison:
    """The sample plain and, at the same time, with autolog."""
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(session, SAMPLE)
        watched = pool.submit(session, SAMPLE, watched=True)
        return Comparison("the sample", plain.result(), watched.result())


def test_no_test_ends_otherwise_with_autolog(sample: Comparison) -> None:
    assert not sample.differing, told(sample)
    passed = [test for test, outcome in sample.plain.outcomes.items() if outcome == "passed"]
    assert len(passed) > 300


def test_nothing_had_to_be_reported(sample: Comparison) -> None:
    assert not sample.said, sample.watched.notes


def test_every_fit_was_hooked(sample: Comparison) -> None:
    fits = sample.watched.fits
    assert fits["all"] == sample.plain.fits["all"] > 400
    assert not sample.watched.missed
    assert fits["recorded"] > 0.9 * fits["all"]
    assert sample.watched.fired["sklearn.fit"] > 300


@pytest.fixture(scope="module")
def spread() -> Session:
    """A part of the sample in two workers of xdist."""
    return session(SAMPLE[1:2] + SAMPLE[-2:], watched=True, workers=2)


def test_with_xdist_nothing_ends_otherwise(sample: Comparison, spread: Session) -> None:
    known = sample.plain.outcomes
    assert len(spread.outcomes) > 100
    assert spread.outcomes == {test: known[test] for test in spread.outcomes}, spread.reasons
    assert not spread.said + spread.lines


def test_with_xdist_every_fit_of_both_workers_was_hooked(spread: Session) -> None:
    assert spread.fits["hooked"] == spread.fits["all"] > 100
    assert not spread.missed
    assert spread.fired["sklearn.fit"] > 100


def test_no_error_of_ours_is_hidden_by_the_guard() -> None:
    tests = ["sklearn.tests.test_base", "sklearn.tests.test_pipeline", "-k", SAMPLE[-1]]
    strict = session(tests, watched=True, strict=True)
    assert "failed" not in strict.outcomes.values(), strict.reasons
    assert len(strict.outcomes) > 200
