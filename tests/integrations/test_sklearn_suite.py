"""The integration of scikit-learn keeps every promise of the suite, with no exception."""

from __future__ import annotations

import warnings
from typing import Any

from autolog.testing import IntegrationSuite


def at_once() -> Any:
    """A backend of joblib whose workers are this very thread, so that it can be interrupted."""
    from joblib.parallel import ParallelBackendBase

    class Done:
        def __init__(self, result: Any) -> None:
            self.result = result

        def get(self, timeout: float | None = None) -> Any:
            return self.result

    class AtOnce(ParallelBackendBase):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            return n_jobs

        def submit(self, func: Any, callback: Any = None) -> Done:
            done = Done(func())
            callback(done)
            return done

        apply_async = submit

    return AtOnce()


class TestSklearn(IntegrationSuite):
    """A pipeline, a loop, decompositions, a mixture and a cross-validation, on iris."""

    library = "sklearn"
    runs = 6

    def train(self) -> Any:
        from joblib import parallel_config
        from sklearn.calibration import calibration_curve
        from sklearn.datasets import load_iris
        from sklearn.decomposition import PCA, LatentDirichletAllocation
        from sklearn.inspection import partial_dependence, permutation_importance
        from sklearn.linear_model import LogisticRegression, SGDClassifier
        from sklearn.metrics import accuracy_score, classification_report, get_scorer
        from sklearn.mixture import GaussianMixture
        from sklearn.model_selection import cross_validate
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        warnings.warn("a training begins", stacklevel=2)
        X, y = load_iris(return_X_y=True)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3)).fit(X, y)
        loop = SGDClassifier(random_state=0)
        scaled = StandardScaler().fit_transform(X)
        for start in range(0, 150, 50):
            loop.partial_fit(scaled[start : start + 50], y[start : start + 50], classes=[0, 1, 2])
        flat = PCA(2).fit_transform(X)
        with parallel_config(at_once()):
            scores = cross_validate(model, X, y, cv=2, n_jobs=2)
        held_out = (
            model.score(X, y),
            accuracy_score(y, model.predict(X)),
            classification_report(y, model.predict(X), zero_division=0),
            get_scorer("neg_log_loss")(model, X, y),
            permutation_importance(model, X, y, n_repeats=1, random_state=0).importances_mean,
        )
        said = model.predict_proba(X), model.predict_log_proba(X), model.decision_function(X)
        curves = (
            calibration_curve(y > 0, said[0][:, 0], n_bins=2),
            partial_dependence(model, X, [0], grid_resolution=3)["average"],
        )
        mixture = GaussianMixture(1, random_state=0).fit(X)
        density = mixture.score_samples(X), mixture.bic(X), mixture.aic(X)
        topics = LatentDirichletAllocation(2, max_iter=1, random_state=0).fit(X).perplexity(X)
        found = scores["test_score"], flat, held_out, said, density, curves, topics
        return model, loop.coef_, *found

    def train_badly(self) -> Any:
        import numpy
        from sklearn.linear_model import Ridge

        return Ridge(alpha=-1).fit(numpy.eye(3), [1, 2, 3])

    def targets(self) -> Any:
        from sklearn.cluster import KMeans
        from sklearn.linear_model import LogisticRegression, SGDClassifier
        from sklearn.linear_model._stochastic_gradient import BaseSGDClassifier
        from sklearn.metrics import _classification, _ranking, _scorer
        from sklearn.mixture._base import BaseMixture
        from sklearn.model_selection import _validation
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        return [
            (Pipeline, "fit"),
            (Pipeline, "fit_predict"),
            (Pipeline, "fit_transform"),
            (LogisticRegression, "fit"),
            (StandardScaler, "fit"),
            (StandardScaler, "partial_fit"),
            (StandardScaler, "transform"),
            (KMeans, "fit"),
            (Pipeline, "predict"),
            (BaseMixture, "score_samples"),
            (Pipeline, "score"),
            (_classification, "accuracy_score"),
            (_ranking, "roc_curve"),
            (_scorer._BaseScorer, "__call__"),
            (SGDClassifier, "fit") if "fit" in vars(SGDClassifier) else (BaseSGDClassifier, "fit"),
            (BaseSGDClassifier, "partial_fit"),
            (_validation, "cross_validate"),
            (_validation, "cross_val_score"),
        ]

    def model_of(self, result: Any) -> Any:
        return result[0]
