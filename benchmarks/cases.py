"""The programs that are timed. Each case gives a function that does one round of its work."""

from __future__ import annotations

import os
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


def _two_sets() -> tuple[Any, Any, Any, Any]:
    """20,000 × 30 to train on, 5,000 to judge by."""
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    X, y = make_classification(25_000, 30, n_informative=10, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=5_000, random_state=0)
    return X_train, X_test, y_train, y_test


def xgboost_train() -> Round:
    import xgboost

    X_train, X_test, y_train, y_test = _two_sets()
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 4}

    def train() -> None:
        dtrain = xgboost.DMatrix(X_train, label=y_train)
        dtest = xgboost.DMatrix(X_test, label=y_test)
        evals = [(dtrain, "train"), (dtest, "test")]
        xgboost.train({**params, "nthread": 1}, dtrain, 200, evals=evals, verbose_eval=False)

    return train


def xgboost_classifier() -> Round:
    from xgboost import XGBClassifier

    X_train, X_test, y_train, y_test = _two_sets()
    sets = [(X_train, y_train), (X_test, y_test)]

    def fit() -> None:
        model = XGBClassifier(n_estimators=200, max_depth=4, n_jobs=1)
        model.fit(X_train, y_train, eval_set=sets, verbose=False)

    return fit


def lightgbm_train() -> Round:
    import lightgbm

    X_train, X_test, y_train, y_test = _two_sets()
    params = {"objective": "binary", "metric": ["binary_logloss", "auc"], "num_threads": 1}

    def train() -> None:
        train_set = lightgbm.Dataset(X_train, y_train)
        test_set = lightgbm.Dataset(X_test, y_test, reference=train_set)
        sets = [train_set, test_set]
        lightgbm.train({**params, "verbose": -1}, train_set, 200, valid_sets=sets)

    return train


def lightgbm_classifier() -> Round:
    from lightgbm import LGBMClassifier

    X_train, X_test, y_train, y_test = _two_sets()
    sets = [(X_train, y_train), (X_test, y_test)]

    def fit() -> None:
        model = LGBMClassifier(n_estimators=200, n_jobs=1, verbose=-1)
        model.fit(X_train, y_train, eval_set=sets)

    return fit


def keras_mlp() -> Round:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    X_train, X_test, y_train, y_test = _two_sets()

    def fit() -> None:
        model = keras.Sequential(
            [keras.Input((30,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1, "sigmoid")]
        )
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        model.fit(
            X_train, y_train, 256, 10, validation_data=(X_test, y_test), verbose=0
        )  # fmt: skip

    return fit


def lightning_fit() -> Round:
    import logging
    import warnings

    import lightning
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    X_train, _, y_train, _ = _two_sets()
    data = TensorDataset(torch.tensor(X_train).float(), torch.tensor(y_train))

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(30, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}

    def fit() -> None:
        trainer = lightning.Trainer(
            max_epochs=10, accelerator="cpu", enable_model_summary=False, **quiet
        )
        trainer.fit(Net(), DataLoader(data, batch_size=200))

    return fit


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
    "xgboost_train": Case(xgboost_train, 3, "xgboost.train, 200 rounds × 2 eval sets, 20,000 × 30"),
    "xgboost_classifier": Case(xgboost_classifier, 3, "XGBClassifier, the same"),
    "lightgbm_train": Case(lightgbm_train, 3, "lightgbm.train, the same"),
    "lightgbm_classifier": Case(lightgbm_classifier, 3, "LGBMClassifier, the same"),
    "keras_mlp": Case(keras_mlp, 2, "Keras MLP on torch, 10 epochs, 20,000 × 30"),
    "lightning": Case(lightning_fit, 2, "Lightning, 1,000 steps of a linear module, 20,000 × 30"),
    "light_fits": Case(light_fits, 1, "1,000 times Ridge on iris in one loop", peers=False),
}
