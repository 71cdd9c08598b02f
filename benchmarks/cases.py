"""The programs that are timed. Each case gives a function that does one round of its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Round = Callable[[], Any]


class Case(NamedTuple):
    """What is timed: `make()` gives the round; `rounds` come after a process's first one."""

    make: Callable[[], Round]
    rounds: int
    says: str
    peers: bool = True
    """Whether MLflow's autologging takes it within minutes."""


def small_fit() -> Round:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    X, y = load_iris(return_X_y=True)
    return lambda: LogisticRegression(max_iter=200).fit(X, y)


def light_fits() -> Round:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import Ridge

    X, y = load_iris(return_X_y=True)

    def loop() -> None:
        for alpha in range(1, 1001):
            Ridge(alpha=alpha).fit(X, y)

    return loop


def pipeline() -> Round:
    from sklearn.datasets import make_classification
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = make_classification(20_000, 30, random_state=0)
    return lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def forest() -> Round:
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    X, y = make_classification(20_000, 30, random_state=0)
    return lambda: RandomForestClassifier(100, random_state=0).fit(X, y)


def big_pipeline() -> Round:
    import numpy as np
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500_000, 50))
    y = (X[:, 0] + rng.normal(size=500_000) > 0).astype(int)
    return lambda: make_pipeline(StandardScaler(), SGDClassifier(max_iter=5, tol=None)).fit(X, y)


def grid_search() -> Round:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    X, y = load_digits(return_X_y=True)
    X = X / 16
    grid = {"C": np.logspace(-4, 0, 30)}
    return lambda: GridSearchCV(LogisticRegression(max_iter=100), grid, cv=3).fit(X, y)


def judged_fit() -> Round:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
    from sklearn.model_selection import train_test_split

    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

    def fit_and_judge() -> None:
        model = LogisticRegression(solver="liblinear").fit(X_train, y_train)
        predicted, chances = model.predict(X_test), model.predict_proba(X_test)
        accuracy_score(y_test, predicted)
        f1_score(y_test, predicted)
        roc_auc_score(y_test, chances[:, 1])
        log_loss(y_test, chances)

    return fit_and_judge


def cross_validation() -> Round:
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_digits(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    return lambda: cross_validate(model, X, y, cv=5, return_train_score=True)


def big_predict() -> Round:
    import numpy as np
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import mean_squared_error

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500_000, 50))
    y = X[:, 0] + rng.normal(size=500_000)
    model = LinearRegression()

    def predict() -> None:
        if not hasattr(model, "coef_"):  # within the first round, when recording is on
            model.fit(X[:1000], y[:1000])
        for _ in range(10):
            model.predict(X)
        mean_squared_error(y, model.predict(X))

    return predict


CASES: dict[str, Case] = {
    "small_fit": Case(small_fit, 40, "LogisticRegression on iris (150 × 4)"),
    "pipeline": Case(pipeline, 20, "StandardScaler and LogisticRegression on 20,000 × 30"),
    "forest": Case(forest, 1, "RandomForestClassifier(100) on 20,000 × 30"),
    "big_pipeline": Case(
        big_pipeline, 3, "StandardScaler and SGDClassifier on 500,000 × 50 (200 MB)"
    ),
    "grid_search": Case(grid_search, 1, "GridSearchCV, 30 × 3, LogisticRegression on digits"),
    "judged_fit": Case(judged_fit, 40, "a small fit, two predictions of it, four metrics of those"),
    "cross_validation": Case(cross_validation, 5, "cross_validate of a pipeline, 5 folds, digits"),
    "big_predict": Case(big_predict, 5, "11 times predict on 500,000 × 50, one metric"),
    "light_fits": Case(light_fits, 1, "1,000 times Ridge on iris in one loop", peers=False),
}
