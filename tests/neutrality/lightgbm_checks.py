"""scikit-learn's common checks of LightGBM's classes.

`python -m tests.neutrality.run lightgbm_checks`.

LightGBM's own tests are not in any package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm
from sklearn.utils.estimator_checks import parametrize_with_checks

SMALL = {"n_estimators": 2, "min_child_samples": 1, "n_jobs": 1, "verbose": -1}


@parametrize_with_checks(
    [
        lightgbm.LGBMClassifier(**SMALL),
        lightgbm.LGBMRegressor(**SMALL),
        lightgbm.LGBMRegressor(boosting_type="dart", **SMALL),
        lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5, **SMALL),
    ]
)
def test_estimators(estimator: Any, check: Callable[[Any], None]) -> None:
    """One of scikit-learn's common checks of estimators."""
    check(estimator)
