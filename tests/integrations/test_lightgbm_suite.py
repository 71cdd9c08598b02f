"""The integration of LightGBM keeps every promise of the suite, with no exception."""

from __future__ import annotations

import warnings
from typing import Any

from autolog.testing import IntegrationSuite


class TestLightgbm(IntegrationSuite):
    """A training, a cross-validation, a classifier, a loop by hand and a refit.

    The classes' `fit` is no target here: the integration of scikit-learn is hooked there too.
    """

    library = "lightgbm"
    runs = 5

    def train(self) -> Any:
        import lightgbm as lgb
        import numpy as np

        warnings.warn("a training begins", stacklevel=2)
        rng = np.random.RandomState(0)
        X, y = rng.rand(120, 3), rng.randint(0, 2, 120)
        X_train, X_test, y_train, y_test = X[:80], X[80:], y[:80], y[80:]
        # Sums of losses depend on LightGBM's number of threads, which its trainings in several
        # threads take from one another; counts do not.
        told = {"objective": "binary", "metric": "auc", "num_threads": 1, "verbose": -1}
        told = {**told, "num_leaves": 4}
        train_data = lgb.Dataset(X_train, y_train)
        history: dict[str, Any] = {}
        booster = lgb.train(
            told,
            train_data,
            4,
            valid_sets=[train_data, train_data.create_valid(X_test, y_test)],
            callbacks=[lgb.record_evaluation(history)],
        )
        folds = lgb.cv(told, lgb.Dataset(X, y), 2, nfold=2)
        model = lgb.LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X_train, y_train)
        loop = lgb.Booster(told, lgb.Dataset(X_train, y_train))
        loop.update()
        judged = [tuple(one)[:3] for one in loop.eval_train()]
        again = booster.refit(X_test, y_test)
        said = booster.predict(X_test), again.predict(X_test), model.predict(X_test)
        del loop
        return model, booster.model_to_string(), history, folds, judged, *said

    def train_badly(self) -> Any:
        import lightgbm as lgb
        import numpy as np

        return lgb.train({"objective": "no such", "verbose": -1}, lgb.Dataset(np.eye(3), [1, 2, 3]))

    def targets(self) -> Any:
        import lightgbm as lgb

        booster = ("update", "eval", "eval_train", "eval_valid", "refit", "predict", "__del__")
        return [
            (lgb.basic.Dataset, "__init__"),
            *((lgb.Booster, name) for name in booster),
            (lgb.engine, "train"),
            (lgb.engine, "cv"),
            (lgb.engine, "_agg_cv_result"),
        ]

    def model_of(self, result: Any) -> Any:
        return result[0]
