"""The integration of XGBoost keeps every promise of the suite, with no exception."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import pytest

from autolog.testing import IntegrationSuite

EACH_HOOK = (
    "test_every_hook_is_reached", "test_failing_hooks", "test_interrupts_pass_through_hooks",
)  # fmt: skip


def data() -> Any:
    """A small table and two classes."""
    import numpy

    table = numpy.random.default_rng(0).normal(size=(120, 4))
    return table, (table[:, 0] + table[:, 1] > 0).astype(int)


def pages_of(X: Any, y: Any) -> Any:
    """The table in two pages, as an iterator of xgboost's kind."""
    import xgboost

    class Pages(xgboost.DataIter):  # type: ignore[misc]
        def __init__(self) -> None:
            self.at = 0
            super().__init__(cache_prefix=tempfile.mkdtemp() + "/pages", on_host=False)

        def next(self, input_data: Any) -> bool:
            if self.at == 2:
                return False
            input_data(data=X[self.at :: 2], label=y[self.at :: 2])
            self.at += 1
            return True

        def reset(self) -> None:
            self.at = 0

    return Pages()


def _is_paged(value: Any) -> bool:
    """Whether it is the class that comes with 3.0."""
    return getattr(value, "__name__", "") == "ExtMemQuantileDMatrix"


class TestXgboost(IntegrationSuite):
    """Trainings of matrices in memory and out of it, and through the scikit-learn interface.

    Whose `fit` is no target here: the integration of scikit-learn is hooked there too.
    """

    library = "xgboost"
    runs = 8

    @pytest.fixture(autouse=True)
    def hooks_that_are_out_of_reach(self, request: pytest.FixtureRequest) -> None:
        """2.x imports its module for Dask by itself, and lacks a class that is hooked."""
        if request.function.__name__ not in EACH_HOOK:
            return
        import xgboost

        if xgboost.__version__.startswith("2."):
            pytest.skip("hooks for Dask are in force without a cluster")

    def train(self) -> Any:
        import xgboost

        warnings.warn("a training begins", stacklevel=2)
        X, y = data()
        params = {"objective": "binary:logistic", "nthread": 1}
        matrix, held_out = xgboost.DMatrix(X[:80], y[:80]), xgboost.DMatrix(X[80:], y[80:])
        booster = xgboost.train(
            params, matrix, 3, evals=[(held_out, "eval")], verbose_eval=False,
            early_stopping_rounds=2,
            callbacks=[xgboost.callback.LearningRateScheduler([0.3, 0.2, 0.1])],
        )  # fmt: skip
        said = booster.predict(held_out), booster.inplace_predict(X[80:])
        model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X[:80], y[:80])
        forest = xgboost.XGBRFRegressor(n_estimators=3, n_jobs=1).fit(X, y)
        wood = xgboost.XGBRFClassifier(n_estimators=3, n_jobs=1).fit(X, y)
        ranker = xgboost.XGBRanker(n_estimators=3, n_jobs=1).fit(X, y, qid=[0] * 60 + [1] * 60)
        pages = matrix
        if hasattr(xgboost, "ExtMemQuantileDMatrix"):  # from 3.0 on
            pages = xgboost.ExtMemQuantileDMatrix(pages_of(X, y), nthread=1)
        said = *said, xgboost.train(params, pages, 2).predict(held_out)
        loop = xgboost.Booster(params, [matrix])
        for number in range(2):
            loop.update(matrix, number)
            judged = loop.eval_set([(held_out, "eval")], number)
        halves = [(list(range(40)), list(range(40, 80))), (list(range(40, 80)), list(range(40)))]
        folds = xgboost.cv(params, matrix, 2, folds=halves, as_pandas=False)
        said = *said, judged, bytes(loop.save_raw()), folds
        sklearn = [one.predict(X) for one in (model, forest, wood, ranker)]
        return model, bytes(booster.save_raw()), *said, *sklearn

    def train_badly(self) -> Any:
        import xgboost

        def no_gradient(predicted: Any, matrix: Any) -> Any:
            raise ValueError("no gradient")

        X, y = data()
        return xgboost.train({"nthread": 1}, xgboost.DMatrix(X, y), 2, obj=no_gradient)

    def targets(self) -> Any:
        import xgboost
        from xgboost import training

        return [
            (training, "train"),
            (training, "cv"),
            (training._PackedBooster, "eval"),
            (xgboost.DMatrix, "__init__"),
            (xgboost.QuantileDMatrix, "__init__"),
            (xgboost.Booster, "__init__"),
            (xgboost.Booster, "__del__"),
            (xgboost.Booster, "update"),
            (xgboost.Booster, "set_param"),
            (xgboost.Booster, "eval_set"),
            (xgboost.Booster, "predict"),
            (xgboost.Booster, "inplace_predict"),
            *((one, "__init__") for one in vars(xgboost).values() if _is_paged(one)),
        ]

    def model_of(self, result: Any) -> Any:
        return result[0]
