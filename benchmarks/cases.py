"""The programs that are timed. Each case gives a function that does one round of its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Round = Callable[[], Any]


def small_fit() -> Round:
    """LogisticRegression on iris (150 × 4)."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    X, y = load_iris(return_X_y=True)
    return lambda: LogisticRegression(max_iter=200).fit(X, y)


def forest() -> Round:
    """RandomForestClassifier(100) on 20,000 × 30."""
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    X, y = make_classification(20_000, 30, random_state=0)
    return lambda: RandomForestClassifier(100, random_state=0).fit(X, y)


def big_pipeline() -> Round:
    """StandardScaler and SGDClassifier on 500,000 × 50 (200 MB)."""
    import numpy as np
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500_000, 50))
    y = (X[:, 0] + rng.normal(size=500_000) > 0).astype(int)
    return lambda: make_pipeline(StandardScaler(), SGDClassifier(max_iter=5, tol=None)).fit(X, y)


def grid_search() -> Round:
    """GridSearchCV, 30 candidates × 3 folds of LogisticRegression on digits (1797 × 64)."""
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    X, y = load_digits(return_X_y=True)
    X = X / 16
    grid = {"C": np.logspace(-4, 0, 30)}
    return lambda: GridSearchCV(LogisticRegression(max_iter=100), grid, cv=3).fit(X, y)


CASES: dict[str, tuple[Callable[[], Round], int]] = {
    "small_fit": (small_fit, 40),
    "forest": (forest, 1),
    "big_pipeline": (big_pipeline, 3),
    "grid_search": (grid_search, 1),
}
"""Each case with how many rounds one process does after its first."""
